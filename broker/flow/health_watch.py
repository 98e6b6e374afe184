"""Measures whether the broker works, and says what does not: ``health`` for everybody who asks.

A gateway measures a few times a minute, however many ask, so that no request costs the ledger more.
A command measures when it runs. Both read the same figures and judge them by the same rule.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

from broker.domain.health import Health, Signals
from broker.errors import Unavailable
from broker.flow.context import Context
from broker.flow.process_reports import FRESH, merged, proofs
from broker.ledger.ledger import Ledger
from broker.policy.monitoring.health import LANES, judge
from broker.telemetry import monotonic_seconds

AGE = timedelta(seconds=5)
"""How old a measurement may be that a request is given."""
STALE = timedelta(seconds=30)
"""After so long a measurement that is not followed by another proves nothing."""
MOST_SILENCES = 1000


class HealthWatch:
    """The health of the broker as one process sees it. May be used from any thread."""

    def __init__(self, context: Context, *, age: timedelta = AGE) -> None:
        self._context = context
        self._age = age.total_seconds()
        self._lock = threading.Lock()
        self._latest: tuple[float, Health] | None = None

    def health(self) -> Health:
        """Return the health as of a few seconds ago; who asks meanwhile waits for a measurement.

        Never raises: without the ledger it says so.
        """
        with self._lock:
            if self._latest is None or monotonic_seconds() - self._latest[0] >= self._age:
                health = health_of(self._context.ledger, now=self._context.clock())
                self._latest = (monotonic_seconds(), health)
            return self._latest[1]

    def latest(self) -> Health:
        """Return the last measurement at once; nothing is known when it is old, or before it."""
        latest = self._latest
        if latest is None or monotonic_seconds() - latest[0] >= STALE.total_seconds():
            return judge(Signals(at=self._context.clock()))
        return latest[1]


def health_of(ledger: Ledger, *, now: datetime) -> Health:
    """Measure and judge. Never raises: without the ledger it says so."""
    try:
        return judge(_signals(ledger, now))
    except Unavailable:
        return judge(Signals(at=now, ledger=False))


def _signals(ledger: Ledger, now: datetime) -> Signals:
    pipes = ledger.monitoring.pipeline_status(now=now)
    counts = ledger.monitoring.risk_counts(now=now)
    oldest, reports = pipes.inbox_oldest_at, ledger.health.reports(since=now - FRESH)
    return Signals(
        at=now,
        ledger=True,
        beats=ledger.health.beats([*LANES]),
        workers=pipes.workers,
        unrouted=counts.unrouted,
        unrouted_seconds=(now - oldest).total_seconds() if oldest else 0.0,
        notices_failed=pipes.notices_failed,
        notices_deferred=pipes.notices_deferred,
        quarantine=ledger.epochs.feeds().in_quarantine,
        feed_lag=ledger.health.feed_lag(now=now).total_seconds(),
        late=counts.breached,
        tasks_overdue=ledger.tasks.counts(now=now).overdue,
        unroutable=pipes.unroutable,
        undeliverable=sum(letters.count for letters in ledger.monitoring.dead_letters()),
        silent=len(ledger.activity.silences(limit=MOST_SILENCES)),
        soon=counts.due_soon,
        open=counts.open,
        **merged(reports),
        **proofs(reports, ledger.health.synthetic_test(), ledger.health.ping()),
        **_clocks(ledger),
    )


def _clocks(ledger: Ledger) -> dict[str, Any]:
    """Return how many processes stand aside, and how far a clock is off at least."""
    clocks = [clock.difference for clock in ledger.process_clocks.present()]
    if not clocks:
        return {"clocks_apart": None, "clock_difference": None}
    return {
        "clocks_apart": sum(clock.is_apart for clock in clocks),
        "clock_difference": max(abs(clock.seconds) - clock.uncertainty for clock in clocks),
    }
