"""Who has been silent for too long: one look at every organisation, every half minute.

One process looks, by a lease in the ledger. An alarm opens once, and ends by itself when the
organisation is heard again. What was learned from is forgotten when its time has passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from uuid import UUID

from broker.flow.context import Context
from broker.ledger.activity import OpenSilence
from broker.policy.monitoring.silence import LEARNED_FROM, Quiet, Seen, Usual, judge, learn
from broker.policy.published.policy import Policy
from broker.policy.time.calendars import LONDON
from broker.telemetry import elapsed, logger

EVERY = timedelta(seconds=30)
LEAD_FOR = timedelta(seconds=120)
LEARN_EVERY = timedelta(hours=1)
KEPT_FOR = LEARNED_FROM + timedelta(weeks=4)
"""How long counts are kept: what is learned from, and as much again to look back on."""
LISTS_KEPT_FOR = timedelta(days=90)
LIMIT = 1000
PURGED = 5000
HEARD, NOT_EXPECTED = "heard", "not_expected"
_log = logger("silence")


class SilenceMonitor:
    """Looks at who was there; call ``check`` once every ``EVERY``."""

    def __init__(self, context: Context, holder: str) -> None:
        self._broker = context
        self._holder = holder
        self._usual: Mapping[tuple[str, str], Usual] = {}
        self._learned_at: datetime | None = None

    def check(self) -> bool:
        """Open and end alarms, if this process leads; return whether it does.

        Raises Unavailable when the ledger is away.
        """
        ledger, now = self._broker.ledger, self._broker.clock()
        if not ledger.sweep.hold_lead("silence", self._holder, for_=LEAD_FOR, now=now):
            return False
        book = self._broker.policies.latest()
        self._learn(book, now)
        self._settle(ledger.activity.seen(now=now), book, now)
        self._forget(book, now)
        return True

    def _settle(self, seen: Sequence[Seen], book: Policy, now: datetime) -> None:
        began = perf_counter()
        quiet = [one for each in seen if (one := self._judged(each, book, now))]
        standing = self._broker.ledger.activity.silences(limit=LIMIT)
        ended = _ended(standing, quiet, seen)
        opened = _opened(standing, quiet, ended)
        self._broker.ledger.activity.end_silences(ended, now=now)
        count = self._broker.ledger.activity.raise_silences(
            opened, policy_version=book.version, now=now, new_id=self._broker.new_id
        )
        if count or ended:
            _log.info("silence", opened=count, ended=len(ended), seconds=elapsed(began))

    def _judged(self, seen: Seen, book: Policy, now: datetime) -> Quiet | None:
        organisation = book.directory.organisation(seen.organisation)
        if organisation is None or not organisation.is_in_effect(now.astimezone(LONDON).date()):
            return None
        usual = self._usual.get((seen.organisation, seen.activity))
        return judge(seen, organisation=organisation, policy=book.silence, usual=usual, now=now)

    def _learn(self, book: Policy, now: datetime) -> None:
        """Learn anew what is usual, once in a while: an hour changes little of four weeks."""
        if self._learned_at is not None and now - self._learned_at < LEARN_EVERY:
            return
        found = {}
        traffic = self._broker.ledger.activity.traffic(since=now - LEARNED_FROM)
        for (code, activity), (first, counts) in traffic.items():
            organisation = book.directory.organisation(code)
            if organisation is None:
                continue
            holidays = organisation.calendar.bank_holidays.days
            if usual := learn(counts, first=first, now=now, holidays=holidays):
                found[code, activity] = usual
        self._usual, self._learned_at = found, now

    def _forget(self, book: Policy, now: datetime) -> None:
        ledger = self._broker.ledger
        ledger.activity.purge_traffic(before=now - KEPT_FOR, limit=PURGED)
        ledger.reconciliations.purge_reconciliations(before=(now - LISTS_KEPT_FOR).date())
        if book.recurrence is not None:
            ledger.pseudonyms.purge_marks(before=now - book.recurrence.window, limit=PURGED)


def _ended(
    standing: Sequence[OpenSilence], quiet: Sequence[Quiet], seen: Sequence[Seen]
) -> dict[UUID, str]:
    """Return which alarms end, and why: heard again, or nothing is expected any more."""
    still = {(one.organisation, one.activity) for one in quiet}
    last = {(one.organisation, one.activity): one.last_at for one in seen}
    ended = {}
    for one in standing:
        about = (one.organisation, one.activity)
        if about not in still:
            at = last.get(about)
            heard = at is not None and (one.last_at is None or at > one.last_at)
            ended[one.escalation] = HEARD if heard else NOT_EXPECTED
    return ended


def _opened(
    standing: Sequence[OpenSilence], quiet: Sequence[Quiet], ended: Mapping[UUID, str]
) -> list[Quiet]:
    """Return which alarms open: one for each organisation at a time."""
    told = {one.organisation for one in standing if one.escalation not in ended}
    new: dict[str, Quiet] = {}
    for one in quiet:
        if one.organisation not in told:
            new.setdefault(one.organisation, one)
    return list(new.values())
