"""The metrics are true, rise where they must, and name nobody; every alert can be computed."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from starlette.testclient import TestClient

from broker import __version__
from broker.admin import operator_actions
from broker.devstack.engines import Engines
from broker.flow.context import Context
from broker.flow.silence_monitor import SilenceMonitor
from broker.flow.sweep import Sweeper
from tests.acceptance.conftest import World, sample, world  # noqa: F401
from tests.conftest import ROOT, FixedClock

RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
NAMES = re.compile(r"\bbroker_[a-z_]+")


def families(client: TestClient, key: Callable[..., dict[str, str]]) -> dict[str, Any]:
    answer = client.get("/metrics", headers=key("ops", "ops"))
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(family: Any, **labels: str) -> float:
    return sum(
        sample.value
        for sample in family.samples
        if labels.items() <= sample.labels.items() and not sample.name.endswith("_created")
    )


def test_figures_are_those_of_the_ledger(
    client: TestClient,
    key: Any,
    clock: FixedClock,
    world: World,  # noqa: F811
) -> None:
    status = world.routed(sample(2))
    (delivery,) = status["deliveries"]
    agency = delivery["agency"]
    metrics = families(client, key)
    assert value(metrics["broker_deliveries"], agency=agency, state="available") == 1
    clock.advance(days=9)
    metrics = families(client, key)
    states = metrics["broker_deliveries"]
    assert (value(states, agency=agency), value(states, state="available")) == (1, 1)
    assert value(metrics["broker_deliveries_overdue"], agency=agency) == 1
    due = metrics["broker_deadlines_due"]
    assert value(due, agency=agency) == len(delivery["explanation"]["deadlines"]) == 3
    assert value(metrics["broker_deadlines_in_time"], agency=agency) == 0
    assert value(metrics["broker_open_by_time_left"], left="breached") == 1
    world.answer(agency, delivery=delivery["id"], stage="acknowledged", by="A. Person")
    took = families(client, key)["broker_latency_seconds"]
    counts = [
        sample.value
        for sample in took.samples
        if sample.labels.get("le") == "+Inf" and sample.labels["milestone"] == "acknowledge"
    ]
    assert counts == [1]
    sums = [sample.value for sample in took.samples if sample.name.endswith("_sum")]
    assert sums == [pytest.approx(9 * 86_400)] * len(sums)


def test_workers_and_wake_ups_that_wait_are_counted(
    client: TestClient, context: Context, engines: Engines, clock: FixedClock, key: Any
) -> None:
    assert value(families(client, key)["broker_workers"]) == 0
    for name in ("one", "two"):
        Sweeper(context, name).sweep()
    with Redis.from_url(engines.wakeup_url) as valkey:
        valkey.lpush("rb:route", "a", "b")
    metrics = families(client, key)
    assert value(metrics["broker_workers"]) == 2
    assert value(metrics["broker_wakeups_waiting"], lane="route") == 2
    assert value(metrics["broker_wakeups_waiting"], lane="dispatch") == 0
    clock.advance(seconds=16)
    engines.wakeup.stop()
    try:
        metrics = families(client, key)
        assert metrics["broker_wakeups_waiting"].samples == []
        assert value(metrics["broker_workers"]) == 0
    finally:
        engines.wakeup.start()


def test_no_metric_bears_a_reference_or_an_id(
    client: TestClient,
    key: Any,
    world: World,  # noqa: F811
) -> None:
    status = world.routed(sample(2))
    text = client.get("/metrics", headers=key("ops", "ops")).text
    assert status["reference"] not in text
    assert status["id"] not in text
    labels = {
        name
        for family in families(client, key).values()
        for sample in family.samples
        for name in sample.labels
    }
    assert labels <= {
        "agency",
        "milestone",
        "state",
        "left",
        "le",
        "what",
        "nation",
        "lane",
        "cause",
        "code",
        "process",
        "host",
        "method",
        "path",
        "status",
        "version",
        "python",
    }


def test_a_bucket_ends_on_every_deadline_class(
    client: TestClient,
    key: Any,
    context: Context,
    world: World,  # noqa: F811
) -> None:
    del context
    status = world.routed(sample(2))
    (delivery,) = status["deliveries"]
    world.answer(delivery["agency"], delivery=delivery["id"], stage="acknowledged", by="A. Person")
    took = families(client, key)["broker_latency_seconds"]
    edges = {float(sample.labels["le"]) for sample in took.samples if "le" in sample.labels}
    assert {3600.0, 14_400.0, 86_400.0} <= edges


def endings(names: Iterable[str]) -> set[str]:
    """Return the names of the series of these families."""
    return {f"{name}{end}" for name in names for end in ("", "_total", "_bucket", "_count")}


def test_every_alert_speaks_of_metrics_that_there_are(client: TestClient, key: Any) -> None:
    known = endings(families(client, key))
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    groups = yaml.safe_load(RULES.read_text())["groups"]
    every = [rule for group in groups for rule in group["rules"]]
    for rule in every:
        assert set(NAMES.findall(rule["expr"])) <= known, rule["expr"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
    rules = [rule for rule in every if "alert" in rule]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "warn"}
        assert f"### {rule['alert']}\n" in runbook
        assert rule["annotations"]["runbook_url"].endswith(f"#{rule['alert'].lower()}")


def test_the_board_shows_figures_that_there_are_and_nearly_all_of_them(
    client: TestClient, key: Any
) -> None:
    names = {name for name in families(client, key) if name.startswith("broker_")}
    known = endings(names)
    board = json.loads((ROOT / "deploy" / "grafana" / "deadlines.json").read_text())
    panels = board["panels"]
    queries = {
        name
        for panel in panels
        for target in panel["targets"]
        for name in NAMES.findall(target["expr"])
    }
    assert queries <= known
    shown = {name for name in names if {name, f"{name}_total", f"{name}_bucket"} & queries}
    assert names - shown == {
        "broker_deliveries",
        "broker_bank_holidays_left_seconds",
        "broker_sweep_lead_until_seconds",
    }
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables.keys() == {"datasource", "agency"}
    assert set(NAMES.findall(variables["agency"]["query"])) <= known
    source = {"type": "prometheus", "uid": "${datasource}"}
    assert all(panel["datasource"] == source for panel in panels)
    assert all(len(panel["description"]) > 20 for panel in panels)
    for panel in panels:
        for target in panel["targets"]:
            if "by (agency" in target["expr"]:
                of_agencies = target["expr"].count("broker_")
                assert target["expr"].count('agency=~"$agency"') == of_agencies
    places = [tuple(panel["gridPos"].values()) for panel in panels]
    cells = [
        (x, y)
        for left, top, width, height in places
        for x in range(left, left + width)
        for y in range(top, top + height)
    ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_each_figure_has_a_line_in_the_docs(client: TestClient, key: Any) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    start = text.index("| figure | page | metric | command |")
    table = text[start : text.index("\n\n", start)]
    own = {name for name in families(client, key) if name.startswith("broker_")}
    assert set(NAMES.findall(table)) == own


def test_who_is_silent_and_why_nothing_can_be_delivered_is_told(
    client: TestClient,
    key: Any,
    context: Context,
    clock: FixedClock,
    world: World,  # noqa: F811
) -> None:
    metrics = families(client, key)
    assert metrics["broker_silent"].samples == metrics["broker_undeliverable"].samples == []
    status = world.routed(sample(2))
    (delivery,) = status["deliveries"]
    clock.advance(days=9)
    SilenceMonitor(context, "one").check()
    silent = families(client, key)["broker_silent"].samples
    values = {
        (sample.labels["organisation"], sample.labels["activity"]): sample.value
        for sample in silent
    }
    assert values == {
        ("staffordshire-police", "sending"): 1,
        (delivery["agency"], "collecting"): 1,
    }
    with psycopg.connect(context.settings.database_url) as ledger:
        ledger.execute(
            "update delivery set state = 'undeliverable', refused_because = 'render',"
            " undeliverable_at = available_at"
        )
    (dead,) = families(client, key)["broker_undeliverable"].samples
    assert (dead.labels, dead.value) == ({"agency": delivery["agency"], "cause": "render"}, 1)


def test_what_waits_while_delivery_is_paused_is_not_claimable(
    client: TestClient,
    key: Any,
    context: Context,
    clock: FixedClock,
    world: World,  # noqa: F811
) -> None:
    (delivery,) = world.routed(sample(2))["deliveries"]
    agency = delivery["agency"]
    clock.advance(hours=1)

    def oldest(which: str) -> float:
        return value(families(client, key)[f"broker_oldest_{which}_seconds"], agency=agency)

    assert oldest("claimable") == 3600
    operator_actions.suspend_agency(context, agency, by="person:Jo", reason="Their servers move.")
    assert world.collect(agency) == []
    assert oldest("claimable") == 0
    assert oldest("unacknowledged") >= 3600
    operator_actions.resume_agency(context, agency, by="person:Jo", reason="They are back.")
    assert oldest("claimable") == 3600


def test_requests_are_counted_by_route_and_status_and_waits_left_out(
    client: TestClient,
    key: Any,
    context: Context,
) -> None:
    agency, ops = key("stoke-csc", "collect"), key("ops", "ops")
    identity = context.new_id()
    assert client.get(f"/v1/referrals/{identity}", headers=ops).status_code == 404
    assert client.get("/v1/nothing-here", headers=ops).status_code == 404
    assert client.request("BREW", "/livez").status_code == 405
    assert client.post("/v1/collect", headers=agency, json={"wait": 1}).status_code == 200
    metrics = families(client, key)
    counted = metrics["broker_http_requests"]
    route = "/v1/referrals/{id}"
    assert value(counted, method="GET", path=route, status="404") == 1
    assert value(counted, method="GET", path="other", status="404") == 1
    assert value(counted, method="other", status="405") == 1
    seconds = metrics["broker_http_request_seconds"]
    collected = {
        sample.name.rpartition("_")[2]: sample.value
        for sample in seconds.samples
        if sample.labels["path"] == "/v1/collect" and "le" not in sample.labels
    }
    assert collected["count"] == 1
    assert 0 < collected["sum"] < 1
    assert value(metrics["broker_http_requests_open"]) == 1
    (build,) = metrics["broker_build_info"].samples
    assert (build.labels["version"], build.value) == (__version__, 1)
    assert metrics["process_resident_memory_bytes"].samples[0].value > 0
    assert str(identity) not in str(counted.samples)
