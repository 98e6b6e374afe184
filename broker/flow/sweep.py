"""Step 8, sweep: put back lapsed leases, ended embargoes, due retries and lost wake-ups.

Every worker runs a sweeper; one of them leads, by a lease in the ledger. The sweeper does the work
that has waited since its last sweep, so an unavailable message broker costs seconds only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from broker import telemetry
from broker.failpoints import LED
from broker.flow import bulk, dispatch, due_organisations, route, synthetic_test
from broker.flow.context import Context
from broker.flow.steps import step
from broker.flow.task_queues import DISPATCH, ROUTE
from broker.telemetry import logger

EVERY = timedelta(seconds=1)
LEAD_FOR = timedelta(seconds=5)
LIMIT = 1000
COUNTS = 5000
"""Rows of counts that one sweep folds."""
THIN_EVERY = timedelta(hours=1)
BATCHES = 5
SHARE = 25
"""Referrals that a sweep routes in one transaction. Few, because a transaction of this process that
idles for two seconds times out, and a slow machine may need as long for a full batch."""
NOTICE_EVERY = timedelta(seconds=5)
"""How often the leader looks whether the ledger was restored or promoted; a process that connects
looks as well."""
TEST_WAITS = timedelta(seconds=2)
"""After so long the sweeper takes a test referral for which no worker was woken."""
BEAT_EVERY = timedelta(seconds=5)
"""How often a worker records that it is alive; a record counts for three times as long."""
_log = logger("sweep")


class Sweeper:
    """Puts back what is due; call ``sweep`` once every ``EVERY``."""

    def __init__(self, context: Context, holder: str) -> None:
        self._context = context
        self._holder = holder
        self._seen: Mapping[str, object] = {}
        self._thinned_at: datetime | None = None
        self._beat_at: datetime | None = None
        self._noticed_at: datetime | None = None
        self._end: tuple[str, int] | None = None

    def sweep(self) -> bool:
        """Put back what is due, if this sweeper leads; return whether it does.

        Raises Unavailable without the ledger.
        """
        ledger, now = self._context.ledger, self._context.clock()
        self._beat(now)
        if not self._context.may_lead:
            self._seen = {}
            return False
        if not ledger.sweep.hold_lead("sweep", self._holder, for_=LEAD_FOR, now=now):
            self._seen = {}
            return False
        self._context.hit(LED)
        self._number_events(now)
        self._put_back(now)
        due_organisations.start_due(self._context, now=now)
        self._tidy_counts(now)
        self._work_off(self._waiting())
        synthetic_test.run_waiting(self._context, after=TEST_WAITS)
        return True

    def _number_events(self, now: datetime) -> None:
        """Give committed events their place in the feeds, and notice a restore of the ledger."""
        ledger = self._context.ledger
        if self._noticed_at is None or now - self._noticed_at >= NOTICE_EVERY:
            begun = ledger.epochs.notice(known=self._end)
            if begun:
                _log.error(
                    "the ledger was restored" if begun.is_restore else "a standby was promoted",
                    epoch=begun.id,
                    reason=begun.reason,
                )
            self._noticed_at = now
        self._end = ledger.queries.number_events()

    def _put_back(self, now: datetime) -> None:
        with step(self._context, "sweep", _log) as this:
            ledger = self._context.ledger
            counts = {
                "lapsed": ledger.sweep.lapse(now=now, limit=LIMIT),
                "released": ledger.sweep.release_held(now=now, limit=LIMIT),
                "replayed": bulk.advance_replays(self._context),
            }
            if any(counts.values()):
                self._context.nudges.send()
                this.log(count=sum(counts.values()), **counts)

    def _beat(self, now: datetime) -> None:
        """Record that this worker is alive."""
        if self._beat_at is None or now - self._beat_at >= BEAT_EVERY:
            beat, ledger = f"worker {self._holder}", self._context.ledger
            ledger.sweep.hold_lead(beat, self._holder, for_=3 * BEAT_EVERY, now=now)
            self._beat_at = now
            telemetry.report_dropped(partial(ledger.sweep.add_lines_lost, "worker"))

    def _tidy_counts(self, now: datetime) -> None:
        self._context.ledger.sweep.fold_counts(limit=COUNTS)
        if self._thinned_at is None or now - self._thinned_at >= THIN_EVERY:
            self._context.ledger.sweep.thin_counts(now=now)
            self._context.ledger.sweep.purge_workers(now=now)
            self._context.ledger.drafts.expire(now=now, limit=LIMIT)
            self._thinned_at = now

    def _waiting(self) -> Mapping[str, object]:
        """Return the task queues that have work, each with what has waited longest there."""
        due = self._context.ledger.sweep.due(now=self._context.clock())
        waiting: dict[str, object] = {ROUTE: due.route} if due.route else {}
        channels = self._context.push_channels
        pushes = {name: oldest for name, oldest in due.pushes.items() if name in channels}
        if pushes:
            waiting[DISPATCH] = pushes
        return waiting

    def _work_off(self, waiting: Mapping[str, object]) -> None:
        """Wake the queues that have work, and do here what has not moved since the last sweep."""
        for name in sorted(waiting):
            self._context.wakeups.notify(name)
        # Where something else waits longest by now, workers are busy and need the processor.
        still = {name for name, oldest in waiting.items() if self._seen.get(name) == oldest}
        if ROUTE in still:
            self._route()
        if DISPATCH in still:
            dispatch.drain(self._context, batches=BATCHES, within=LEAD_FOR / 2)
        self._seen = waiting

    def _route(self) -> None:
        """Route what no worker was woken for, while the lead is safe; the next sweep continues.

        Each attempt is recorded first: an earlier one may have crashed its process, and this
        process has other work.
        """
        until = self._context.clock() + LEAD_FOR / 2
        while route.drain(self._context, batches=1, size=SHARE, careful=True) == SHARE:
            if self._context.clock() >= until:
                return
