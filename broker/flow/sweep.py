"""Whatever fell is put back: lapsed leases, ended embargoes, due retries, lost wake-ups.

Every worker runs a sweeper; one of them leads, by a lease in the ledger. Work that was there at
the last look and still is gets done here, so a message broker that is away costs seconds only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from time import perf_counter

from broker.failpoints import LED
from broker.flow import bulk, dispatch, route
from broker.flow.context import Context
from broker.flow.task_queues import DISPATCH, ROUTE
from broker.telemetry import elapsed, logger

EVERY = timedelta(seconds=1)
LEAD_FOR = timedelta(seconds=5)
LIMIT = 1000
COUNTS = 5000
"""Rows of counts that are folded at a look."""
THIN_EVERY = timedelta(hours=1)
BATCHES = 5
SHARE = 25
"""Referrals that a sweep routes in one transaction: few, because what stands still for two seconds
inside one is cut off, and a slow machine may need as long for a full batch."""
BEAT_EVERY = timedelta(seconds=5)
"""How often a worker shows itself, whether it leads or not; it counts for three times as long."""
_log = logger("sweep")


class Sweeper:
    """Looks at what is due; call ``sweep`` once every ``EVERY``."""

    def __init__(self, context: Context, holder: str) -> None:
        self._broker = context
        self._holder = holder
        self._seen: Mapping[str, object] = {}
        self._thinned_at: datetime | None = None
        self._beat_at: datetime | None = None

    def sweep(self) -> bool:
        """Put back what fell, if this sweeper leads; return whether it does.

        Raises Unavailable when the ledger is away.
        """
        began, ledger, now = perf_counter(), self._broker.ledger, self._broker.clock()
        self._beat(now)
        if not ledger.sweep.hold_lead("sweep", self._holder, for_=LEAD_FOR, now=now):
            self._seen = {}
            return False
        self._broker.hit(LED)
        lapsed = ledger.sweep.lapse(now=now, limit=LIMIT)
        released = ledger.sweep.release_held(now=now, limit=LIMIT)
        replayed = bulk.advance_replays(self._broker)
        if lapsed or released or replayed:
            _log.info(
                "sweep",
                count=lapsed + released + replayed,
                lapsed=lapsed,
                released=released,
                replayed=replayed,
                seconds=elapsed(began),
            )
        self._tidy_counts(now)
        self._see_to(self._lanes())
        return True

    def _beat(self, now: datetime) -> None:
        """Let it be seen that this worker is there."""
        if self._beat_at is None or now - self._beat_at >= BEAT_EVERY:
            beat, ledger = f"worker {self._holder}", self._broker.ledger
            ledger.sweep.hold_lead(beat, self._holder, for_=3 * BEAT_EVERY, now=now)
            self._beat_at = now

    def _tidy_counts(self, now: datetime) -> None:
        self._broker.ledger.sweep.fold_counts(limit=COUNTS)
        if self._thinned_at is None or now - self._thinned_at >= THIN_EVERY:
            self._broker.ledger.sweep.thin_counts(now=now)
            self._broker.ledger.sweep.purge_workers(now=now)
            self._thinned_at = now

    def _lanes(self) -> Mapping[str, object]:
        """Return the lanes that have work, each with what waits longest there."""
        due = self._broker.ledger.sweep.due(now=self._broker.clock())
        lanes: dict[str, object] = {ROUTE: due.route} if due.route else {}
        ours = {name: one for name, one in due.pushes.items() if name in self._broker.channels}
        if ours:
            lanes[DISPATCH] = ours
        return lanes

    def _see_to(self, lanes: Mapping[str, object]) -> None:
        for lane in sorted(lanes):
            self._broker.wakeups.notify(lane)
        # Where another one waits longest by now workers are at it, and need the processor.
        still = {lane for lane, waiting in lanes.items() if self._seen.get(lane) == waiting}
        if ROUTE in still:
            self._route()
        if DISPATCH in still:
            dispatch.drain(self._broker, batches=BATCHES)
        self._seen = lanes

    def _route(self) -> None:
        """Route what nobody was woken for, while the lead is safe; the next look goes on.

        With care: whoever tried it before may have died of it, and this process has other work.
        """
        until = self._broker.clock() + LEAD_FOR / 2
        while route.drain(self._broker, batches=1, size=SHARE, careful=True) == SHARE:
            if self._broker.clock() >= until:
                return
