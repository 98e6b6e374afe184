"""Every door says the same of the broker's health, from one measurement of the same facts."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from broker.domain.codes import HealthLevel, Right
from broker.domain.outage import ProcessReport
from broker.domain.proofs import Ping
from broker.flow.context import Context
from broker.flow.health_watch import STALE, HealthWatch, health_of
from broker.flow.lane_beats import LaneBeat
from broker.flow.outside_monitor import OutsideMonitor
from broker.flow.process_reports import GATEWAY, write_report
from broker.flow.sweep import Sweeper
from broker.ledger_clock import Difference
from broker.policy.monitoring.health import LANES
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock, eventually
from tests.integration.flow.test_notify import web
from tests.integration.gateway.conftest import listening
from tests.integration.gateway.test_rights import ask, pages, signed_in
from tests.integration.gateway.test_status_page import text
from tests.unit.cli.conftest import Run, run

__all__ = ["pages", "run", "web"]
Key = Callable[..., dict[str, str]]


@pytest.fixture
def clock() -> FixedClock:
    """The present: commands read the ledger with PostgreSQL's own clock."""
    return FixedClock(datetime.now(UTC))


def works(context: Context) -> None:
    """Show that a worker and a gateway work."""
    now = context.clock()
    for lane in ("worker worker-1:7", *LANES):
        context.ledger.sweep.hold_lead(lane, "worker-1:7", for_=timedelta(minutes=4), now=now)
    context.ledger.process_clocks.report("worker worker-1:7", Difference(0.0, 0.01, 30.0))
    proofs = {"since": now.isoformat(), "test_every": 0.0, "monitor": False}
    seen = {"wakeups": True, "channels": {}, "disks": {}, "proofs": proofs}
    context.ledger.health.write_report(ProcessReport("gateway-1:8", GATEWAY, now, seen))
    context.ledger.queries.number_events()


def headline_of(page: str) -> str:
    """Return the first sentence of the duty page."""
    (headline,) = re.findall(r'id="sentence".*?<h1>(.*?)</h1>', page, re.DOTALL)
    return text(headline)


def token(key: Key) -> str:
    """Return a key for ops as a command reads it."""
    return key("ops", "ops")["Authorization"].removeprefix("Bearer ")


def health_from(client: TestClient, key: Key) -> dict[str, Any]:
    health: dict[str, Any] = client.get("/v1/attention", headers=key("ops", "ops")).json()["health"]
    return health


def metric(client: TestClient, key: Any, name: str, **labels: str) -> float | None:
    page = client.get("/metrics", headers=key("ops", "ops")).text
    values = [
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(values) if values else None


def test_every_door_says_the_same_of_an_unrouted_referral_and_dead_workers(
    context: Context, pages: TestClient, key: Key, world: World, run: Run
) -> None:
    """The findings: all workers dead, and every door said that all was well."""
    session, client = signed_in(context, Right.VIEW), world.client
    world.hand_in(sample(1))
    with psycopg.connect(context.settings.database_url) as ledger:
        ledger.execute("update referral set accepted_at = accepted_at - interval '5 minutes'")
    # A gateway that measured before the referral came gives that answer for a few seconds.
    assert eventually(lambda: "1 referral waiting" in ask(pages, "GET", "/", session).text)
    assert eventually(lambda: health_from(client, key)["figures"]["unrouted"] == 1)
    page, health = ask(pages, "GET", "/", session).text, health_from(client, key)
    with listening(context) as url:
        ops = {"BROKER_URL": url, "BROKER_KEY": token(key)}
        top = json.loads(run("top", "--json", **ops).out)
        check = run("check", "health", **ops)
        top_code = run("top", "--once", "--exit-code", **ops).code
    said = {
        "page": headline_of(page).removeprefix("Stopped: "),
        "API": health["sentence"],
        "top": top["health"]["sentence"],
        "check": check.out.removeprefix("HEALTH CRITICAL - ")[: len(health["sentence"])],
    }
    assert said == dict.fromkeys(said, health["sentence"])
    assert health["sentence"].startswith("No worker has run")
    assert health["level"] == top["health"]["level"] == "stopped"
    assert metric(client, key, "broker_health") == HealthLevel.STOPPED
    assert metric(client, key, "broker_problem", code="no_worker") == HealthLevel.STOPPED
    assert (check.code, top_code) == (2, 2)
    assert "<title>Stopped – Now" in page
    assert 'href="/ops/static/icon-stopped.svg"' in page
    assert re.search(r"Also:[^<]* 1 late\.", page)
    other = ask(pages, "GET", "/attention", session).text
    assert "<title>Stopped – Needs you" in other
    assert health["sentence"] in text(other)
    figures = {
        "API": health["figures"],
        "top": {
            **{name: top[name] for name in ("open", "due_soon", "unrouted")},
            "late": top["breached"],
        },
        "metrics": {
            "open": metric(client, key, "broker_open_by_time_left"),
            "late": metric(client, key, "broker_open_by_time_left", left="breached"),
            "due_soon": 0,
            "unrouted": metric(client, key, "broker_unrouted"),
        },
        "page": {
            "open": sum(sum(band.values()) for band in context_bands(context).values()),
            "late": len(context.ledger.monitoring.at_risk(now=context.clock(), limit=9)),
            "due_soon": 0,
            "unrouted": int(re.findall(r'id="g-unrouted">(\d+) referral', page)[0]),
        },
    }
    truth = {"open": 1, "late": 1, "due_soon": 0, "unrouted": 1}
    assert figures == dict.fromkeys(figures, truth)


def context_bands(context: Context) -> Any:
    return context.ledger.monitoring.burn_down(now=context.clock())


def test_attention_says_first_what_does_not_work(
    context: Context, run: Run, key: Key, clock: FixedClock
) -> None:
    with listening(context) as url:
        attention = run("attention", "--exit-code", BROKER_URL=url, BROKER_KEY=token(key))
        assert attention.out.startswith("STOPPED  No worker has run")
        assert "next: Start a worker" in attention.out
        assert "Nothing needs attention" not in attention.out
        assert attention.code == 2
        works(context)
        assert urlopen(f"{url}/livez").status == 200


def test_where_everybody_works_all_is_well_and_no_longer_than_that(
    context: Context, run: Run, key: Key, clock: FixedClock
) -> None:
    works(context)
    health = health_of(context.ledger, now=clock.now)
    assert (health.level, health.problems) == (HealthLevel.WELL, [])
    with listening(context) as url:
        checked = run("check", "health", BROKER_URL=url, BROKER_KEY=token(key))
    assert (checked.code, checked.out.partition(" - ")[0]) == (0, "HEALTH OK")
    later = health_of(context.ledger, now=clock.now + timedelta(minutes=2))
    assert later.level is HealthLevel.STOPPED
    assert {problem.code for problem in later.problems} >= {"no_gateway"}


def test_a_gateway_reports_what_only_it_can_see_and_the_worst_of_all_counts(
    context: Context, clock: FixedClock, tmp_path: Path
) -> None:
    disks = (str(tmp_path), str(tmp_path / "nowhere"))
    looking = replace(context, settings=replace(context.settings, disks=disks))
    works(context)
    write_report(looking, GATEWAY, "gateway-2:8")
    reports = {
        report.process: report.seen
        for report in context.ledger.health.reports(since=clock.now - timedelta(minutes=1))
    }
    seen = reports["gateway-2:8"]
    assert (seen["wakeups"], seen["channels"]["queue"]) == (True, True)
    assert 0 < seen["disks"][disks[0]] <= 1
    assert seen["disks"][disks[1]] is None
    health = health_of(context.ledger, now=clock.now)
    assert health.level is HealthLevel.UNKNOWN
    assert f"whether the disk of {disks[1]} has room" in health.sentence
    away = {**seen, "wakeups": False, "channels": {"queue": False}, "disks": {}}
    context.ledger.health.write_report(ProcessReport("gateway-2:8", GATEWAY, clock.now, away))
    health = health_of(context.ledger, now=clock.now)
    assert [problem.code for problem in health.problems] == ["channel", "wakeups"]
    clock.advance(days=2)
    write_report(context, GATEWAY, "gateway-3:8")
    (left,) = context.ledger.health.reports(since=clock.now - timedelta(days=9))
    assert left.process == "gateway-3:8"


def test_a_check_without_a_gateway_is_critical_and_never_ok(run: Run) -> None:
    away = {"BROKER_URL": "http://127.0.0.1:9", "BROKER_KEY": "rb_0123456789abcdef_x"}
    checked = run("check", "health", "--format", "json", **away)
    assert (checked.code, json.loads(checked.out)["level"]) == (2, "stopped")
    assert run("check", "health", "--warn", "1m", **away).code == 3


def test_services_show_their_beats_and_a_measurement_that_is_old_proves_nothing(
    context: Context, clock: FixedClock
) -> None:
    works(context)
    watch = HealthWatch(context)
    assert watch.latest().level is HealthLevel.UNKNOWN
    assert watch.health().level is HealthLevel.WELL
    assert watch.latest().level is HealthLevel.WELL
    at, health = watch._latest or (0.0, None)
    assert health
    watch._latest = (at - STALE.total_seconds(), health)
    assert watch.latest().level is HealthLevel.UNKNOWN


def test_a_beat_is_shown_after_the_work_and_taken_over_when_it_lapses(
    context: Context, clock: FixedClock
) -> None:
    first, second = (LaneBeat(context, "watch", name) for name in ("worker-1:7", "worker-2:7"))
    for beat in (first, second):
        beat.show()
    until = context.ledger.health.beats(["watch"])["watch"]
    clock.advance(seconds=6)
    second.show()
    assert context.ledger.health.beats(["watch"])["watch"] == until, "the first one holds it"
    clock.advance(seconds=10)
    second.show()
    assert context.ledger.health.beats(["watch"])["watch"] == clock.now + timedelta(seconds=15)
    Sweeper(context, "worker-2:7").sweep()
    assert context.ledger.health.beats(["sweep"])["sweep"] == clock.now + timedelta(seconds=5)


def test_one_gateway_calls_the_outside_monitor_and_fails_it_when_nobody_works(
    context: Context,
    clock: FixedClock,
    web: tuple[str, list[tuple[dict[str, str], bytes]], list[int]],
) -> None:
    url, got, statuses = web
    calling = replace(context, settings=replace(context.settings, heartbeat_url=f"{url}?x=1"))

    def monitor(holder: str) -> OutsideMonitor:
        return OutsideMonitor(calling, HealthWatch(calling, age=timedelta(0)), holder)

    works(context)
    first, second = monitor("gateway-1:8"), monitor("gateway-2:8")
    assert (first.ping(), second.ping()) == (True, None)
    ((headers, body),) = got
    assert json.loads(body) == {"level": "well", "problems": []}
    assert not {name for name in headers if name.startswith("Webhook")}
    ping = context.ledger.health.ping()
    assert ping == Ping(clock.now, None, 204, clock.now)
    answered_at = clock.now
    clock.advance(minutes=10)
    statuses.append(404)
    assert second.ping() is False
    ping = context.ledger.health.ping()
    assert ping == Ping(clock.now, "refused", 404, answered_at)
    level = json.loads(got[1][1])
    assert (level["level"], level["problems"][0]) == ("stopped", "no_worker")
