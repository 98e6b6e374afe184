"""What ops type, against a real gateway: what it shows and does, how it ends when it cannot."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from broker.admin import operator_actions, sign_in
from broker.devstack.rebase_times import rebase
from broker.domain.codes import Right
from broker.domain.ids import ReferralId
from broker.flow.bulk import advance_replays
from broker.flow.context import Context
from broker.flow.sweep import Sweeper
from schemas.monitoring import MONITOR
from tests.acceptance.conftest import World, sample, world
from tests.conftest import FixedClock
from tests.integration.gateway.conftest import listening
from tests.unit.cli.conftest import Ran, Run, run

__all__ = ["run", "world"]
Ops = Callable[..., Ran]
UNKNOWN_KEY = f"rb_0123456789abcdef_{'x' * 43}"


@pytest.fixture
def clock() -> FixedClock:
    """The present: commands look at the ledger with the machine's own clock."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def ops(run: Run, context: Context, key: Callable[..., dict[str, str]]) -> Iterator[Ops]:
    """Run a command of a duty officer, who has an address and a key for ops, and no more."""
    secret = key("ops", "ops")["Authorization"].removeprefix("Bearer ")
    with listening(context) as url:
        environment = {"BROKER_URL": url, "BROKER_KEY": secret}
        yield lambda *arguments, **more: run(*arguments, **(environment | more))


@pytest.fixture
def administrator(run: Run, context: Context) -> Ops:
    """Run a command of somebody who may open the ledger."""
    database = {"BROKER_DATABASE_URL": context.settings.database_url}
    return lambda *arguments: run(*arguments, **database)


@pytest.fixture
def delivery(world: World) -> dict[str, Any]:
    """A delivery that waits at its agency."""
    status = world.routed(rebase(sample(2), now=world.clock.now))
    (delivery,) = status["deliveries"]
    return {**delivery, "referral": status["id"], "reference": status["reference"]}


@pytest.fixture
def dead(delivery: dict[str, Any], context: Context) -> dict[str, Any]:
    """A delivery that cannot be made."""
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute(
            "update delivery set state = 'undeliverable', refused_because = 'too-large',"
            " undeliverable_at = available_at"
        )
    return delivery


def late(context: Context) -> None:
    """Let every deadline have passed an hour ago."""
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute(
            "update delivery set clock_start = now() - interval '3 hours',"
            " available_at = now() - interval '3 hours', acknowledge_by = now() - interval '1 hour'"
        )


def next_step(ran: Ran, code: int) -> str:
    """Return what a command that could not do it says is next."""
    assert ran.code == code
    assert re.search("^error: ", ran.err, re.MULTILINE)
    return ran.err.partition("next:  ")[2].strip()


# queue


def test_queues_are_listed_and_shown(ops: Ops, delivery: dict[str, Any]) -> None:
    listed = json.loads(ops("queue", "list", "--json").out)
    assert [(queue["agency"], queue["open"]) for queue in listed] == [(delivery["agency"], 1)]
    assert delivery["agency"] in ops("queue", "list").out
    (shown,) = json.loads(ops("queue", "show", delivery["agency"], "--json").out)
    assert (shown["delivery"], shown["state"]) == (delivery["id"], "available")
    ran = ops("queue", "show", delivery["agency"])
    assert ran.code == 0
    assert delivery["reference"] in ran.out


def test_an_empty_queue_is_said_in_words(ops: Ops, context: Context) -> None:
    del context
    assert "Nothing is open in any queue." in ops("queue", "list").out
    assert json.loads(ops("queue", "list", "--json").out) == []
    assert "Nothing is open at stoke-csc." in ops("queue", "show", "stoke-csc").out


def test_delivery_is_paused_and_goes_on(
    ops: Ops, context: Context, world: World, delivery: dict[str, Any]
) -> None:
    agency = delivery["agency"]
    options = ("--reason", "their system is rebuilt", "--by", "Jo Example")
    assert ops("queue", "pause", agency, *options).code == 0
    assert world.collect(agency) == []
    shown = ops("queue", "show", agency).out
    assert "by Jo Example (with the key " in shown
    assert "): their system is rebuilt" in shown
    assert "is suspended already" in ops("queue", "pause", agency, *options, "--dry-run").err
    assert ops("queue", "pause", agency, *options).code == 0
    others = ("--reason", "their system is rebuilt", "--by", "Sam Example")
    assert "broker queue show" in next_step(ops("queue", "pause", agency, *others), 6)
    assert ops("queue", "resume", agency, *options).code == 0
    assert [offer["delivery"] for offer in world.collect(agency)] == [delivery["id"]]
    assert ops("queue", "resume", agency, *options).code == 0
    assert "broker queue show" in next_step(ops("queue", "resume", agency, *others), 6)
    with psycopg.connect(context.settings.database_url) as connection:
        acts = connection.execute("select kind, by, reason from act order by at, id").fetchall()
        ((key,),) = connection.execute("select id from credential where 'ops' = any(scopes)")
    by = f"key:{key} person:Jo Example"
    assert acts == [
        (f"organisation.delivery_{what}", by, "their system is rebuilt")
        for what in ("paused", "resumed")
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("queue", "show", "nowhere"),
        ("queue", "pause", "nowhere", "--reason", "x", "--by", "Jo"),
        ("queue", "resume", "nowhere", "--reason", "x", "--by", "Jo"),
    ],
)
def test_an_agency_that_there_is_not_is_not_found(ops: Ops, arguments: tuple[str, ...]) -> None:
    assert "broker directory show" in next_step(ops(*arguments), 4)


@pytest.mark.parametrize(
    "arguments",
    [("queue", "pause", "stoke-csc", "--by", "Jo"), ("queue", "pause", "stoke-csc"), ("queue",)],
)
def test_an_act_without_its_reason_or_name_is_wrong_usage(
    ops: Ops, arguments: tuple[str, ...]
) -> None:
    assert ops(*arguments).code == 2


def test_a_blank_reason_is_refused(ops: Ops, delivery: dict[str, Any]) -> None:
    ran = ops("queue", "pause", delivery["agency"], "--reason", "  ", "--by", "Jo")
    assert ran.code == 3
    assert "/reason: " in ran.err


# dead


def test_dead_letters_are_planned_and_replayed(
    ops: Ops, context: Context, world: World, dead: dict[str, Any]
) -> None:
    (listed,) = json.loads(ops("dead", "list", "--json").out)
    assert (listed["cause"], listed["agency"], listed["count"]) == ("too-large", dead["agency"], 1)
    assert "too-large" in ops("dead", "list").out
    plan = json.loads(ops("dead", "plan", "--by", "Jo Example", "--json").out)
    assert (plan["planned"], plan["state"]) == (1, "planned")
    assert [line["count"] for line in plan["lines"]] == [1]
    again = ops("dead", "replay", plan["id"], "--count", "2", "--reason", "mended")
    assert again.code == 2
    assert "--count 1" in again.err
    ran = ops("dead", "replay", plan["id"], "--count", "1", "--reason", "mended")
    assert (ran.code, f"/ops/replays/{plan['id']}" in ran.out) == (0, True)
    world.clock.now = datetime.now(UTC) + timedelta(minutes=2)
    assert advance_replays(context) == 1
    assert [offer["delivery"] for offer in world.collect(dead["agency"])] == [dead["id"]]
    assert ops("dead", "replay", plan["id"], "--count", "1", "--reason", "mended").code == 0
    ran = ops("dead", "replay", plan["id"], "--count", "1", "--reason", "another")
    assert "broker dead list" in next_step(ran, 6)


def test_a_plan_for_people_says_what_to_type_next(ops: Ops, dead: dict[str, Any]) -> None:
    ran = ops("dead", "plan", "--agency", dead["agency"], "--by", "Jo Example")
    assert (ran.code, dead["agency"] in ran.out) == (0, True)
    assert "broker dead replay" in ran.err
    assert "--count 1" in ran.err


def test_nothing_to_replay_is_said_in_words(ops: Ops, delivery: dict[str, Any]) -> None:
    del delivery
    assert "There are no dead letters." in ops("dead", "list").out
    ran = ops("dead", "plan", "--by", "Jo")
    assert (ran.code, "No dead letter matches" in ran.out) == (0, True)


def test_a_plan_that_there_is_not_is_not_found(ops: Ops) -> None:
    plan = "019363a0-0000-7000-8000-000000000000"
    ran = ops("dead", "replay", plan, "--count", "1", "--reason", "x")
    assert "broker dead list" in next_step(ran, 4)
    assert ops("dead", "replay", "nonsense", "--count", "1", "--reason", "x").code == 2
    assert ops("dead", "plan", "--per-minute", "0", "--by", "Jo").code == 3


# people


def test_somebody_is_disabled_once(administrator: Ops, context: Context) -> None:
    sign_in.add(
        context.ledger, "Jo Example", [Right.VIEW], now=context.clock(), new_id=context.new_id
    )
    assert administrator("people", "disable", "Jo Example").code == 0
    (person,) = json.loads(administrator("people", "list", "--json").out)
    assert person["disabled_at"] is not None
    assert "broker people list" in next_step(administrator("people", "disable", "Jo Example"), 4)
    assert "broker people list" in next_step(administrator("people", "disable", "Nobody"), 4)


# check


def checked(ops: Ops, figure: str, warn: str, crit: str, *more: str) -> tuple[int, dict[str, Any]]:
    ran = ops("check", figure, "--warn", warn, "--crit", crit, "--format", "json", *more)
    return ran.code, json.loads(ran.out)


@pytest.mark.parametrize(
    ("warn", "crit", "code"), [("4h", "5h", 0), ("2h", "4h", 1), ("1h", "2h", 2)]
)
def test_the_oldest_is_judged(
    ops: Ops, context: Context, delivery: dict[str, Any], warn: str, crit: str, code: int
) -> None:
    late(context)
    exit_code, result = checked(ops, "oldest", warn, crit)
    assert (exit_code, result["state"]) == (code, ("ok", "warning", "critical")[code])
    assert result["seconds"] == pytest.approx(3 * 3600, abs=60)
    assert delivery["agency"] in result["detail"]


@pytest.mark.parametrize(("limits", "code"), [(("3h", "4h"), 0), (("1h", "2h"), 2)])
def test_latency_is_judged_by_what_was_acknowledged(
    ops: Ops,
    context: Context,
    world: World,
    delivery: dict[str, Any],
    limits: tuple[str, str],
    code: int,
) -> None:
    exit_code, result = checked(ops, "latency", *limits)
    assert (exit_code, result["seconds"]) == (0, None)
    assert result["detail"] == "nothing was acknowledged in 24 hours"
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute("update delivery set clock_start = clock_start - interval '140 minutes'")
    world.answer(delivery["agency"], delivery=delivery["id"], stage="acknowledged", by="A. Person")
    exit_code, result = checked(ops, "latency", *limits, "--agency", delivery["agency"])
    assert exit_code == code
    assert result["seconds"] == pytest.approx(140 * 60, rel=0.2)


@pytest.mark.parametrize(("warn", "crit", "code"), [("4h", "5h", 0), ("2h", "4h", 1)])
def test_silence_is_judged_where_something_waits(
    ops: Ops, context: Context, delivery: dict[str, Any], warn: str, crit: str, code: int
) -> None:
    late(context)
    exit_code, result = checked(ops, "silence", warn, crit)
    assert exit_code == code
    assert f"{delivery['agency']} was last seen" in result["detail"]


def test_a_sweeper_that_never_was_is_critical(ops: Ops, context: Context) -> None:
    assert checked(ops, "sweeper", "10s", "1m")[0] == 2
    Sweeper(context, "one").sweep()
    assert checked(ops, "sweeper", "10s", "1m")[0] == 0


def test_what_is_late_is_reckoned_by_the_clock_of_the_ledger(
    ops: Ops, context: Context, delivery: dict[str, Any], world: World
) -> None:
    late(context)
    ahead = world.clock.now = datetime.now(UTC) + timedelta(days=1)
    assert checked(ops, "oldest", "1h", "2h")[1]["seconds"] > 24 * 3600
    assert json.loads(ops("top", "--json").out)["at"][:19] == ahead.isoformat()[:19]
    assert "1 d 1 h late" in ops("watch", "deadlines", "--once").out


def test_each_format_says_the_same(ops: Ops, context: Context, delivery: dict[str, Any]) -> None:
    late(context)
    command = ("check", "oldest", "--warn", "2h", "--crit", "4h")
    nagios = ops(*command)
    assert nagios.code == 1
    assert nagios.out.startswith(f"OLDEST WARNING - {delivery['agency']}")
    assert re.search(r"\| oldest=10(79|80)\d\.", nagios.out)
    assert nagios.out.rstrip().endswith("s;7200;14400;0")
    prometheus = ops(*command, "--format", "prometheus")
    families = {family.name: family for family in text_string_to_metric_families(prometheus.out)}
    assert prometheus.code == 1
    assert [sample.value for sample in families["broker_check_state"].samples] == [1.0]
    (seconds,) = families["broker_check_seconds"].samples
    assert seconds.labels == {"check": "oldest"}
    assert seconds.value == pytest.approx(3 * 3600, abs=60)
    assert all(family.documentation for family in families.values())


@pytest.mark.parametrize(
    "arguments",
    [
        ("oldest", "--warn", "1h"),
        ("oldest", "--warn", "2h", "--crit", "1h"),
        ("oldest", "--warn", "soon", "--crit", "1h"),
        ("nothing", "--warn", "1h", "--crit", "2h"),
    ],
)
def test_wrong_usage_of_a_check_is_unknown_and_not_critical(
    ops: Ops, arguments: tuple[str, ...]
) -> None:
    assert ops("check", *arguments).code == 3


@pytest.mark.parametrize("form", ["nagios", "json", "prometheus"])
def test_what_cannot_be_told_is_unknown(ops: Ops, run: Run, form: str) -> None:
    command = ("check", "oldest", "--warn", "1h", "--crit", "2h", "--format", form)
    assert ops(*command, "--agency", "nowhere").code == 3
    away = ops(*command, BROKER_URL="http://127.0.0.1:9")
    assert away.code == 3
    assert "unknown" in away.out.lower()
    assert "BROKER_KEY" in next_step(run(*command), 3)
    assert "BROKER_KEY" in next_step(ops(*command, BROKER_KEY="rb_none_secret"), 3)


# top, watch


def test_top_looks_once_into_a_pipe(ops: Ops, context: Context, delivery: dict[str, Any]) -> None:
    late(context)
    for arguments in (("top",), ("top", "--once")):
        ran = ops(*arguments)
        assert ran.code == 0
        assert re.search(r"^(1 h|59 min) late +" + delivery["reference"], ran.out, re.MULTILINE)
        assert delivery["reference"] in ran.out
        assert delivery["agency"] in ran.out
    summary = json.loads(ops("top", "--json").out)
    assert summary.keys() == MONITOR.fields.keys()
    assert (summary["breached"], summary["queues"][0]["overdue"]) == (1, 1)
    assert sum(summary["bands"]["breached"].values()) == 1


def test_deadlines_are_watched(ops: Ops, context: Context, delivery: dict[str, Any]) -> None:
    assert ops("watch", "deadlines", "--once").out == ""
    late(context)
    line = json.loads(ops("watch", "deadlines", "--once", "--json").out)
    assert (line["delivery"], line["why"]) == (delivery["id"], "breached")
    assert delivery["reference"] in ops("watch", "deadlines", "--within", "90s", "--once").out
    assert ops("watch", "deadlines", "--within", "soon").code == 2


def test_a_deadline_that_comes_near_is_told_once_and_ctrl_c_ends_it(
    ops: Ops, context: Context, delivery: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    late(context)
    looks = iter([None, None])

    def sleep(_: float) -> None:
        if next(looks, "over") == "over":
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    ran = ops("watch", "deadlines")
    assert ran.code == 130
    assert ran.out.count(delivery["reference"]) == 1


@pytest.mark.parametrize("arguments", [("top",), ("watch", "deadlines"), ("queue", "list")])
def test_without_a_key_the_next_step_is_said(run: Run, arguments: tuple[str, ...]) -> None:
    assert "BROKER_KEY" in next_step(run(*arguments), 2)


# timeline


def test_the_timeline_tells_the_story(
    run: Run, context: Context, world: World, delivery: dict[str, Any], tmp_path: Path
) -> None:
    world.answer(delivery["agency"], delivery=delivery["id"], stage="acknowledged", by="A. Person")
    key = tmp_path / "key"
    key.write_text(world.police["Authorization"].removeprefix("Bearer "))
    key.chmod(0o600)
    with listening(context) as url:
        environment = {"BROKER_URL": url, "BROKER_KEY_FILE": str(key)}
        for name in (delivery["reference"], delivery["referral"]):
            ran = run("timeline", name, **environment)
            assert ran.code == 0
            assert "delivery acknowledged" in ran.out
        events = json.loads(run("timeline", delivery["reference"], "--json", **environment).out)[
            "events"
        ]
        assert [event["kind"] for event in events][:2] == ["referral.accepted", "referral.routed"]
        assert next_step(run("timeline", "OCC/none", **environment), 4)


def test_the_timeline_tells_ops_who_did_it_and_why(
    run: Run, context: Context, world: World, delivery: dict[str, Any], tmp_path: Path
) -> None:
    why = "the agency rang twice"
    id_ = ReferralId(UUID(delivery["referral"]))
    operator_actions.reveal(context, id_, by="person:Jo Example", reason=why)
    printed = {}
    for name, headers in (("police", world.police), ("ops", world.headers("ops", "ops"))):
        key = tmp_path / name
        key.write_text(headers["Authorization"].removeprefix("Bearer "))
        key.chmod(0o600)
        with listening(context) as url:
            environment = {"BROKER_URL": url, "BROKER_KEY_FILE": str(key)}
            printed[name] = " ".join(
                run("timeline", delivery["referral"], **environment).out.split()
            )
    assert "referral content revealed by Jo Example, “the agency rang twice”" in printed["ops"]
    assert "referral content revealed" in printed["police"]
    assert "Jo Example" not in printed["police"]
    assert "rang" not in printed["police"]


# over HTTP


def test_health_is_checked_with_a_key_alone(ops: Ops, context: Context) -> None:
    del context
    ran = ops("check", "health", "--json")
    health = json.loads(ran.out)
    # No worker has run: a broker that only accepts is not well.
    assert (ran.code, health["check"], health["state"], health["level"]) == (
        *(2, "health", "critical"),
        "stopped",
    )
    assert ops("check", "health").out.startswith("HEALTH CRITICAL - ")
    assert ops("top", "--exit-code").code == 2
    assert ops("check", "health", "--warn", "1m").code == 3


def test_a_gateway_that_does_not_answer_is_critical_and_never_well(ops: Ops) -> None:
    for form in ("nagios", "json", "prometheus"):
        ran = ops("check", "health", "--format", form, BROKER_URL="http://127.0.0.1:9")
        assert (ran.code, "Traceback" in ran.err) == (2, False)
    assert "broker doctor" in next_step(ops("top", BROKER_URL="http://127.0.0.1:9"), 5)


@pytest.mark.parametrize(
    "command",
    [
        *(("top",), ("watch", "deadlines", "--once"), ("queue", "list"), ("dead", "list")),
        *(("notices", "list"), ("attention",), ("tasks", "list")),
        ("suspend-agency", "stoke-csc", "--reason", "x", "--by", "Jo"),
    ],
)
def test_a_key_without_the_scope_is_denied_and_told_which_it_needs(
    ops: Ops, key: Callable[..., dict[str, str]], command: tuple[str, ...]
) -> None:
    secret = key("stoke-csc", "collect")["Authorization"].removeprefix("Bearer ")
    ran = ops(*command, BROKER_KEY=secret)
    assert "ops" in ran.err
    assert "key" in next_step(ran, 7)


def test_a_dry_run_changes_nothing(ops: Ops, context: Context, dead: dict[str, Any]) -> None:
    options = ("--reason", "their system is rebuilt", "--by", "Jo Example")
    ran = ops("suspend-agency", dead["agency"], *options, "--dry-run")
    assert (ran.code, ran.out) == (0, "")
    assert "1 delivery is open there" in ran.err
    plan = json.loads(ops("dead", "plan", "--by", "Jo Example", "--json").out)
    start = ("dead", "replay", plan["id"], "--count", "1", "--reason", "mended", "--dry-run")
    assert ops(*start).code == 0
    assert json.loads(ops(*start, "--json").out)["state"] == "planned"
    with psycopg.connect(context.settings.database_url) as connection:
        rows = connection.execute(
            "select (select count(*) from stop), state from replay"
        ).fetchall()
    assert rows == [(0, "planned")]
    assert ops(*start[:-1]).code == 0
    again = ops(*start)
    assert again.code == 6
    assert "was started before" in again.err


def test_a_plan_that_is_made_again_is_one_plan(
    client: TestClient, context: Context, key: Callable[..., dict[str, str]], dead: dict[str, Any]
) -> None:
    headers = key("ops", "ops")
    id_ = "01977f2e-b050-7b55-8d04-3e4f50617283"
    body = {"id": id_, "by": "Jo Example", "agency": dead["agency"]}
    answers = [client.post("/v1/replays", json=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    other = client.post("/v1/replays", json=body | {"by": "Sam Example"}, headers=headers)
    assert other.status_code == 409
    start = {"reason": "mended", "count": 1, "by": "Jo Example"}
    path = f"/v1/replays/{id_}/start"
    assert client.post(path, json=start | {"count": 2}, headers=headers).status_code == 422
    assert [client.post(path, json=start, headers=headers).status_code for _ in "12"] == [200, 200]
    with psycopg.connect(context.settings.database_url) as connection:
        rows = connection.execute(
            "select state, planned, jsonb_array_length(turns) from replay"
        ).fetchall()
        kinds = connection.execute(
            "select kind from event where kind like 'organisation.replay%' order by id"
        ).fetchall()
    assert rows == [("running", 1, 1)]
    assert kinds == [("organisation.replay_planned",), ("organisation.replay_running",)]


def test_what_a_plan_names_must_exist(
    client: TestClient, key: Callable[..., dict[str, str]]
) -> None:
    headers = key("ops", "ops")
    for body in ({"agency": "nowhere"}, {"receiver": "nowhere"}, {"per_minute": 0}):
        ran = client.post("/v1/replays", json={"by": "Jo"} | body, headers=headers)
        assert (ran.status_code, len(ran.json()["errors"])) == (422, 1)


# what goes wrong


@pytest.mark.parametrize(
    ("environment", "code", "what", "step"),
    [
        ({"BROKER_URL": "http://127.0.0.1:9"}, 5, "http://127.0.0.1:9", "check BROKER_URL"),
        ({"BROKER_URL": "ftp//x"}, 2, "ftp//x is not the address", "set BROKER_URL"),
        ({"BROKER_KEY": UNKNOWN_KEY}, 7, "key is unknown", "broker keys issue"),
        ({"BROKER_KEY_FILE": "/nowhere"}, 2, "/nowhere cannot be read", "set BROKER_KEY_FILE"),
    ],
)
def test_an_error_says_what_where_and_the_next_step(
    ops: Ops, environment: dict[str, str], code: int, what: str, step: str
) -> None:
    ran = ops("queue", "list", **environment)
    assert what in ran.err
    assert step in next_step(ran, code)


def test_an_id_that_is_none_or_unknown_is_told_apart(ops: Ops) -> None:
    unknown = "01977f2e-6b10-7d22-9b02-1b2c3d4e5f60"
    wrong = ops("redirect", "REF/1", "--agency", "nca")
    assert (wrong.code, "36 characters" in wrong.err) == (2, True)
    for command in (
        ("redirect", unknown, "--agency", "nca"),
        ("pause-clock", unknown, "--reason", "legal_hold"),
        ("escalations", unknown, "--acknowledge", "--by", "Jo"),
        ("tasks", "settle", unknown, "--reason", "x"),
        ("dead", "replay", unknown, "--count", "1", "--reason", "x"),
        ("timeline", unknown),
    ):
        assert next_step(ops(*command), 4)
