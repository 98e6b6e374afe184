"""Hosts whose clocks are minutes or hours wrong: every row bears the ledger's time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from starlette.testclient import TestClient

from broker.admin.api_keys import issue
from broker.bootstrap import open_broker
from broker.devstack.rebase_times import rebase
from broker.domain.codes import Scope
from broker.domain.ids import OrganisationCode
from broker.flow import deadlines, route
from broker.flow.context import Context
from broker.flow.health_watch import health_of
from broker.flow.silence_monitor import SilenceMonitor
from broker.flow.sweep import LEAD_FOR, Sweeper
from broker.ledger.ledger import Ledger
from broker.ledger_clock import LedgerClock
from broker.serving import build
from broker.settings import Settings
from tests.acceptance.conftest import sample

OFFS = [600, -3600]
"""In seconds, by which a host's clock is ahead."""
TOLERANT = timedelta(hours=2)
"""A bound within which such a host may lead and accept."""
NEAR = timedelta(seconds=30)
"""Rows that a test has written are at most so old, however slow the machine is."""
Opens = Callable[..., Any]


class Host:
    """The broker of one host whose clock is wrong."""

    def __init__(self, context: Context, client: TestClient) -> None:
        self.context = context
        self.client = client

    def key(self, organisation: str, scope: Scope) -> dict[str, str]:
        ledger = self.context.ledger
        key = issue(
            ledger, OrganisationCode(organisation), [scope], label="", now=ledger.queries.clock()
        )
        return {"Authorization": f"Bearer {key}"}

    def hand_in(self, document: dict[str, Any]) -> Any:
        headers = self.key("staffordshire-police", Scope.PUBLISH)
        return self.client.post("/v1/referrals", json=document, headers=headers)


@pytest.fixture
def host(settings: Settings) -> Callable[..., Any]:
    """Open the broker of a host whose clock is so many seconds ahead."""

    @contextmanager
    def opened(ahead: float, *, bound: timedelta = TOLERANT) -> Iterator[Host]:
        with Ledger.open(settings.database_url, application_name="tests", max_size=1) as ledger:
            clock = LedgerClock(ledger.queries.clock, bound=bound, host=lambda: time.time() + ahead)
            clock.measure()
            of_host = replace(settings, clock_bound=bound)
            with (
                open_broker(of_host, process="tests", clock=clock) as context,
                TestClient(build(context), raise_server_exceptions=False) as client,
            ):
                yield Host(context, client)

    return opened


@pytest.fixture
def rows(dsn: str) -> Callable[..., list[dict[str, Any]]]:
    """Run a statement behind the broker's back, and return its rows."""

    def run(statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as session:
            ran = session.execute(statement.encode())
            return ran.fetchall() if ran.description is not None else []

    return run


def document() -> dict[str, Any]:
    """Return a referral that social care must take within hours."""
    return rebase(sample(12), now=datetime.now(UTC))


def is_near(instant: datetime) -> bool:
    return abs(datetime.now(UTC) - instant) < NEAR


@pytest.mark.parametrize("ahead", [*OFFS, 3600, -600])
def test_what_a_wrong_host_accepts_is_due_at_once_elsewhere(
    host: Opens, rows: Any, ahead: float
) -> None:
    with host(ahead) as wrong, host(0) as right:
        answer = wrong.hand_in(document())
        assert answer.status_code == 202, answer.text
        (referral,) = rows("select accepted_at, next_attempt_at from referral")
        assert is_near(referral["accepted_at"])
        assert is_near(referral["next_attempt_at"])
        route.drain(right.context)
    (delivery,) = rows("select clock_start, available_at, state from delivery")
    assert delivery["state"] == "available"
    assert is_near(delivery["clock_start"])
    assert is_near(delivery["available_at"])
    assert all(is_near(event["at"]) for event in rows("select at from event"))


@pytest.mark.parametrize("ahead", OFFS)
def test_a_wrong_host_routes_and_leases_by_the_ledgers_time(
    host: Opens, rows: Any, ahead: float
) -> None:
    with host(0) as right, host(ahead) as wrong:
        assert right.hand_in(document()).status_code == 202
        route.drain(wrong.context)
        (delivery,) = rows("select agency, clock_start, acknowledge_by from delivery")
        assert is_near(delivery["clock_start"])
        collect = wrong.key(delivery["agency"], Scope.COLLECT)
        answer = wrong.client.post("/v1/collect", json={"max": 9}, headers=collect)
        assert len(answer.json()["deliveries"]) == 1
        (leased,) = rows("select lease_until from delivery where state = 'leased'")
        assert is_near(leased["lease_until"] - right.context.settings.lease)
        # Nobody else thinks that it has lapsed, and nobody thinks so too late.
        assert right.context.ledger.sweep.lapse(now=right.context.clock(), limit=9) == 0
        after = right.context.clock() + right.context.settings.lease
        assert right.context.ledger.sweep.lapse(now=after, limit=9) == 1


@pytest.mark.parametrize("ahead", OFFS)
def test_a_lead_that_a_wrong_host_takes_ends_when_any_lead_does(
    host: Opens, rows: Any, ahead: float
) -> None:
    with host(ahead) as wrong:
        assert Sweeper(wrong.context, "wrong").sweep()
    (lead,) = rows("select holder, until from lead where name = 'sweep'")
    assert lead["holder"] == "wrong"
    assert is_near(lead["until"] - LEAD_FOR)


@pytest.mark.parametrize("ahead", OFFS)
def test_alarms_ring_neither_early_nor_late(host: Opens, rows: Any, ahead: float) -> None:
    with host(0) as right, host(ahead) as wrong:
        assert right.hand_in(document()).status_code == 202
        route.drain(right.context)
        rows("update delivery set next_alarm_at = clock_timestamp() + interval '5 minutes'")
        assert deadlines.watch(wrong.context) == 0
        rows("update delivery set next_alarm_at = clock_timestamp() - interval '1 second'")
        assert deadlines.watch(wrong.context) > 0


@pytest.mark.parametrize("ahead", OFFS)
def test_beyond_the_bound_a_gateway_accepts_nothing_and_says_why(
    host: Opens, rows: Any, ahead: float
) -> None:
    with host(0) as right, host(ahead, bound=timedelta(seconds=30)) as wrong:
        accepted = right.hand_in(document())
        assert accepted.status_code == 202
        publisher = wrong.key("staffordshire-police", Scope.PUBLISH)
        address = f"/v1/referrals/{accepted.json()['id']}"
        another = {**document(), "reference": "another"}
        refused = [
            wrong.hand_in(another),
            wrong.client.post(f"{address}/corrections", json=document(), headers=publisher),
            wrong.client.get("/readyz"),
        ]
        for answer in refused:
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (503, "clock-apart"), answer.text
            assert ("ahead of" if ahead > 0 else "behind") in problem["detail"]
            assert problem["retryable"]
            assert int(answer.headers["Retry-After"]) > 0
        assert len(rows("select from referral")) == 1
        assert rows("select from correction") == []
        assert wrong.client.get("/livez").status_code == 200
        # What helps goes on.
        route.drain(wrong.context)
        recall = {"reason": "wrong_person", "by": "A. Sergeant"}
        answer = wrong.client.post(f"{address}/recall", json=recall, headers=publisher)
        assert answer.status_code == 202, answer.text
        right.context.check_clock()


@pytest.mark.parametrize("ahead", OFFS)
def test_beyond_the_bound_a_worker_leads_nothing(host: Opens, rows: Any, ahead: float) -> None:
    with host(ahead, bound=timedelta(seconds=30)) as wrong, host(0) as right:
        assert not Sweeper(wrong.context, "wrong").sweep()
        assert not SilenceMonitor(wrong.context, "wrong").check()
        assert Sweeper(right.context, "right").sweep()
        assert SilenceMonitor(right.context, "right").check()
    leads = rows("select holder from lead where name in ('sweep', 'silence')")
    assert [lead["holder"] for lead in leads] == ["right", "right"]


def test_a_lead_for_an_hour_holds_nobody_up_and_shows_meanwhile(host: Opens, rows: Any) -> None:
    rows("insert into lead values ('sweep', 'old', clock_timestamp() + interval '1 hour')")
    with host(0) as right:
        assert metric(right, "broker_unswept_seconds") > 3500
        assert Sweeper(right.context, "right").sweep()
        assert -6 < metric(right, "broker_unswept_seconds") < 30
    (lead,) = rows("select holder from lead where name = 'sweep'")
    assert lead["holder"] == "right"


def test_a_wait_from_the_future_is_not_shown_as_none(host: Opens, rows: Any) -> None:
    with host(0) as right:
        assert right.hand_in(document()).status_code == 202
        rows("update referral set accepted_at = clock_timestamp() + interval '10 minutes'")
        assert -600 <= metric(right, "broker_oldest_unrouted_seconds") < -500


def test_what_processes_report_of_their_clocks_is_shown(host: Opens) -> None:
    with host(3600, bound=timedelta(seconds=30)) as wrong, host(0) as right:
        for process, opened in (("gateway wrong:7", wrong), ("worker right:8", right)):
            difference = opened.context.ledger_clock.difference
            right.context.ledger.process_clocks.report(process, difference)
        assert metric(right, "broker_clocks_apart") == 1
        series = 'broker_clock_difference_seconds{host="wrong",process="gateway"}'
        assert 3590 < metric(right, series) < 3610
        (furthest, nearest) = right.context.ledger.process_clocks.present()
        assert (furthest.process, furthest.difference.is_apart) == ("gateway wrong:7", True)
        assert (nearest.kind, nearest.host, nearest.difference.is_apart) == (
            *("worker", "right"),
            False,
        )


def test_a_clock_that_is_wrong_is_no_health(host: Opens) -> None:
    with host(0) as right, host(-600) as wrong:
        clocks = right.context.ledger.process_clocks
        clocks.report("gateway right:7", right.context.ledger_clock.difference)
        assert "clocks" not in problems(right)
        clocks.report("worker wrong:7", wrong.context.ledger_clock.difference)
        assert "clocks" in problems(right)


def test_who_has_not_reported_for_a_minute_counts_no_more(host: Opens, rows: Any) -> None:
    with host(0) as right:
        clocks, difference = right.context.ledger.process_clocks, right.context.ledger_clock
        for process in ("gateway a:1", "gateway b:2"):
            clocks.report(process, difference.difference)
        rows("update process_clock set measured_at = measured_at - interval '61 seconds'")
        assert clocks.present() == []
        rows("update process_clock set measured_at = measured_at - interval '1 day'")
        clocks.report("gateway a:1", difference.difference)
    assert [row["process"] for row in rows("select process from process_clock")] == ["gateway a:1"]


def test_a_process_of_its_own_clock_compares_it_and_reports(settings: Settings, rows: Any) -> None:
    with open_broker(settings, process="gateway") as context:
        assert context.may_lead
        assert is_near(context.clock())
        difference = context.ledger_clock and context.ledger_clock.difference
        assert difference is not None
        assert abs(difference.seconds) < 5
    (row,) = rows("select process, ahead_seconds, bound_seconds from process_clock")
    assert row["process"].startswith("gateway ")
    assert row["bound_seconds"] == settings.clock_bound.total_seconds()
    with open_broker(settings, process="cli") as context:
        assert context.may_lead
    assert len(rows("select from process_clock")) == 1


def problems(host: Host) -> set[str]:
    health = health_of(host.context.ledger, now=host.context.clock())
    return {problem.code for problem in health.problems}


def metric(host: Host, series: str) -> float:
    text = host.client.get("/metrics", headers=host.key("ops", Scope.OPS)).text
    (value,) = (line.split()[-1] for line in text.splitlines() if line.startswith(f"{series} "))
    return float(value)
