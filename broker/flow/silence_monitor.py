"""Part of step 6, deadlines: raise an alarm when an organisation is silent for too long.

One process checks every organisation each half minute, by a lease in the ledger. An alarm opens
once, and ends by itself when the organisation is heard again. Counts older than ``KEPT_FOR`` are
deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from broker.flow.context import Context
from broker.flow.steps import step
from broker.ledger.activity import OpenSilence
from broker.policy.monitoring.silence import LEARNED_FROM, Quiet, Seen, Usual, judge, learn
from broker.policy.published.policy import Policy
from broker.policy.time.calendars import LONDON
from broker.telemetry import logger

EVERY = timedelta(seconds=30)
LEAD_FOR = timedelta(seconds=120)
LEARN_EVERY = timedelta(hours=1)
KEPT_FOR = LEARNED_FROM + timedelta(weeks=4)
"""How long counts are kept: the weeks that are learned from, and as many again to look back on."""
LISTS_KEPT_FOR = timedelta(days=90)
LIMIT = 1000
PURGED = 5000
HEARD, NOT_EXPECTED = "heard", "not_expected"
_log = logger("silence")


class SilenceMonitor:
    """Checks which organisations are silent; call ``check`` once every ``EVERY``."""

    def __init__(self, context: Context, holder: str) -> None:
        self._context = context
        self._holder = holder
        self._usual: Mapping[tuple[str, str], Usual] = {}
        self._learned_at: datetime | None = None

    def check(self) -> bool:
        """Open and end alarms, if this process leads; return whether it does.

        Raises Unavailable without the ledger.
        """
        ledger, now = self._context.ledger, self._context.clock()
        if not self._context.may_lead:
            return False
        if not ledger.sweep.hold_lead("silence", self._holder, for_=LEAD_FOR, now=now):
            return False
        policy = self._context.policies.latest()
        self._learn(policy, now)
        self._settle(ledger.activity.last_activity(now=now), policy, now)
        self._forget(policy, now)
        return True

    def _settle(self, seen_now: Sequence[Seen], policy: Policy, now: datetime) -> None:
        activity = self._context.ledger.activity
        with step(self._context, "silence", _log) as this:
            silent = [quiet for seen in seen_now if (quiet := self._judge(seen, policy, now))]
            alarms = activity.silences(limit=LIMIT)
            ended = _ended(alarms, silent, seen_now)
            opened = _opened(alarms, silent, ended)
            activity.end_silences(ended, now=now)
            count = activity.raise_silences(
                opened, policy_version=policy.version, now=now, new_id=self._context.new_id
            )
            if count or ended:
                this.log(opened=count, ended=len(ended))

    def _judge(self, seen: Seen, policy: Policy, now: datetime) -> Quiet | None:
        organisation = policy.directory.organisation(seen.organisation)
        if organisation is None or not organisation.is_in_effect(now.astimezone(LONDON).date()):
            return None
        usual = self._usual.get((seen.organisation, seen.activity))
        return judge(seen, organisation=organisation, policy=policy.silence, usual=usual, now=now)

    def _learn(self, policy: Policy, now: datetime) -> None:
        """Learn what is usual again, once an hour: an hour changes little of four weeks."""
        if self._learned_at is not None and now - self._learned_at < LEARN_EVERY:
            return
        usual_traffic = {}
        traffic = self._context.ledger.activity.traffic(since=now - LEARNED_FROM)
        for (code, activity), (first, counts) in traffic.items():
            organisation = policy.directory.organisation(code)
            if organisation is None:
                continue
            holidays = organisation.calendar.bank_holidays.days
            if usual := learn(counts, first=first, now=now, holidays=holidays):
                usual_traffic[code, activity] = usual
        self._usual, self._learned_at = usual_traffic, now

    def _forget(self, policy: Policy, now: datetime) -> None:
        ledger = self._context.ledger
        ledger.activity.purge_traffic(before=now - KEPT_FOR, limit=PURGED)
        ledger.reconciliations.purge_reconciliations(before=(now - LISTS_KEPT_FOR).date())
        if policy.recurrence is not None:
            ledger.pseudonyms.purge_pseudonyms(before=now - policy.recurrence.window, limit=PURGED)
        if policy.linked_within is not None:
            ledger.links.purge_marks(before=now - policy.linked_within, limit=PURGED)


def _ended(
    alarms: Sequence[OpenSilence], silent: Sequence[Quiet], seen_now: Sequence[Seen]
) -> dict[UUID, str]:
    """Return which alarms end, and why: heard again, or nothing is expected any more."""
    still_silent = {(quiet.organisation, quiet.activity) for quiet in silent}
    last = {(seen.organisation, seen.activity): seen.last_at for seen in seen_now}
    ended = {}
    for alarm in alarms:
        key = (alarm.organisation, alarm.activity)
        if key not in still_silent:
            at = last.get(key)
            heard = at is not None and (alarm.last_at is None or at > alarm.last_at)
            ended[alarm.escalation] = HEARD if heard else NOT_EXPECTED
    return ended


def _opened(
    alarms: Sequence[OpenSilence], silent: Sequence[Quiet], ended: Mapping[UUID, str]
) -> list[Quiet]:
    """Return which alarms open: one for each organisation at a time."""
    alarmed = {alarm.organisation for alarm in alarms if alarm.escalation not in ended}
    new: dict[str, Quiet] = {}
    for quiet in silent:
        if quiet.organisation not in alarmed:
            new.setdefault(quiet.organisation, quiet)
    return list(new.values())
