"""The clock that decides is the ledger's, however wrong that of the host is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import structlog

from broker.bootstrap import ids_by
from broker.errors import ClockApart, Unavailable
from broker.ledger_clock import Difference, LedgerClock

START = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
BOUND = timedelta(seconds=30)
HOUR, TEN_MINUTES = 3600.0, 600.0


class Host:
    """A host and a ledger whose clocks go on only when a test says so."""

    def __init__(self, *, ahead: float = 0.0, round_trip: float = 0.0) -> None:
        self.steady = 1000.0
        self.ahead = ahead
        self.round_trip = round_trip
        self.ledger_ahead = 0.0
        self.away = False
        self.reports: list[Difference] = []
        self.clock = LedgerClock(
            self._read,
            bound=BOUND,
            report=self.reports.append,
            host=lambda: self.now().timestamp() + self.ahead,
            steady=lambda: self.steady,
        )

    def now(self) -> datetime:
        """Return the true time."""
        return START + timedelta(seconds=self.steady - 1000)

    def ledger_now(self) -> datetime:
        return self.now() + timedelta(seconds=self.ledger_ahead)

    def _read(self) -> datetime:
        if self.away:
            raise Unavailable("The ledger is away.")
        self.steady += self.round_trip / 2
        at = self.ledger_now()
        self.steady += self.round_trip / 2
        return at


@pytest.mark.parametrize("ahead", [0.0, TEN_MINUTES, -TEN_MINUTES, HOUR, -HOUR])
def test_it_gives_the_ledgers_time_whatever_the_host_says(ahead: float) -> None:
    host = Host(ahead=ahead, round_trip=0.01)
    host.clock.measure()
    for seconds in (0, 5, 600):
        host.steady += seconds
        assert abs(host.clock() - host.now()) < timedelta(milliseconds=1)


@pytest.mark.parametrize("step", [TEN_MINUTES, -TEN_MINUTES, HOUR, -HOUR])
def test_a_step_of_the_hosts_clock_moves_nothing_and_shows_at_once(step: float) -> None:
    host = Host()
    host.clock.measure()
    assert host.clock.is_usable
    host.ahead = step
    assert host.clock() == host.now()
    difference = host.clock.difference
    assert difference is not None
    assert difference.seconds == pytest.approx(step)
    assert not host.clock.is_usable
    with pytest.raises(ClockApart, match="ahead of" if step > 0 else "behind"):
        host.clock.check()
    host.ahead = 0.0
    assert host.clock.is_usable


def test_a_step_of_the_ledgers_clock_is_followed_with_the_next_measurement() -> None:
    host = Host()
    host.clock.measure()
    host.ledger_ahead = HOUR
    host.steady += 5
    host.clock.measure()
    assert host.clock() == host.ledger_now()
    assert not host.clock.is_usable


def test_before_it_was_compared_it_may_be_used_for_nothing() -> None:
    host = Host()
    assert host.clock.difference is None
    assert not host.clock.is_usable
    with pytest.raises(ClockApart, match="not compared"):
        host.clock.check()
    assert host.clock() == host.now()


def test_while_the_ledger_is_away_the_last_measurement_counts() -> None:
    host = Host(ahead=HOUR)
    host.clock.measure()
    host.away = True
    host.steady += 60
    with pytest.raises(Unavailable):
        host.clock.measure()
    assert abs(host.clock() - host.now()) < timedelta(milliseconds=1)


def test_a_long_round_trip_accuses_nobody() -> None:
    host = Host(ahead=31, round_trip=4)
    host.clock.measure()
    difference = host.clock.difference
    assert difference is not None
    assert difference.uncertainty == pytest.approx(2, abs=0.01)
    assert host.clock.is_usable
    host.round_trip = 0.01
    host.steady += 5
    host.clock.measure()
    assert not host.clock.is_usable


def test_a_less_exact_measurement_that_agrees_changes_nothing() -> None:
    host = Host(round_trip=0.01)
    host.clock.measure()
    exact = host.clock() - host.now()
    host.round_trip = 8
    host.steady += 5
    host.clock.measure()
    assert abs((host.clock() - host.now()) - exact) < timedelta(microseconds=2)


def test_it_reports_at_the_start_at_every_change_and_else_now_and_then() -> None:
    host = Host()
    with structlog.testing.capture_logs() as lines:
        for ahead, seconds in ((0, 0), (0, 5), (HOUR, 5), (HOUR, 5), (0, 1), (0, 20)):
            host.ahead, host.steady = ahead, host.steady + seconds
            host.clock._look()
    assert [report.is_apart for report in host.reports] == [False, True, False, False]
    assert [(line["event"], line["seconds"]) for line in lines] == [
        ("clock apart from the ledger's", HOUR),
        ("clock near the ledger's again", 0.0),
    ]


def test_a_report_that_fails_stops_nothing() -> None:
    failures: Iterator[Exception] = iter((Unavailable("away"), ValueError("ours")))

    def report(_: Difference) -> None:
        raise next(failures)

    clock = LedgerClock(lambda: datetime.now(UTC), bound=BOUND, report=report)
    clock._look()
    clock._was_apart = None
    clock._look()
    assert clock.is_usable


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_ids_bear_the_ledgers_time(ahead: float) -> None:
    clock = LedgerClock(lambda: datetime.now(UTC) - timedelta(seconds=ahead), bound=BOUND)
    clock.measure()
    new_id = ids_by(clock)
    ids = [new_id() for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(id_.version == 7 for id_ in ids)
    assert abs(_instant(ids[0]) - clock()) < timedelta(seconds=2)


def test_ids_stay_in_order_where_the_clock_is_right() -> None:
    clock = LedgerClock(lambda: datetime.now(UTC), bound=BOUND)
    clock.measure()
    new_id = ids_by(clock)
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)


def _instant(id_: UUID) -> datetime:
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
