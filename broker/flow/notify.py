"""Step 7, notify: tell people what the watch wrote down; outside of any transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from time import perf_counter
from typing import assert_never

from broker.domain.codes import Milestone, NoticeChannel
from broker.domain.ids import LeaseId
from broker.domain.notice import (
    DueNotice,
    NoticeResult,
)
from broker.flow.context import Context
from broker.notices import Message, Never, NotNow, Told
from broker.policy.language.directory import Directory
from broker.policy.monitoring.alarms import ATTEND
from broker.policy.time.calendars import LONDON, in_words
from broker.telemetry import logger, since, sole, trouble

EVERY = timedelta(seconds=1)
BATCH = 20
LEASE = timedelta(minutes=10)
"""Longer than a whole batch can take, each within the time limits of its way."""
ATTEMPTS = 12
"""With the pauses below this is about a day and a half; then ops is left with it as failed."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=4)
_log = logger("notify")
_ASKED: Mapping[str, str] = {
    Milestone.COLLECT: "for its software to collect a delivery",
    Milestone.ACKNOWLEDGE: "for a person to acknowledge a delivery",
    Milestone.DECIDE: "to decide about a delivery",
    ATTEND: "to find an owner for a referral",
}


def notify(context: Context) -> int:
    """Send the notices that are due; return how many it was.

    Raises Unavailable when the ledger is away.
    """
    began, now, lease = perf_counter(), context.clock(), LeaseId(context.new_id())
    due = context.ledger.alarms.claim_notices(BATCH, lease=lease, lease_for=LEASE, now=now)
    if due:
        directory = context.policies.latest().directory
        away: set[tuple[str, str]] = set()
        results = [_told(context, directory, one, away) for one in due]
        context.ledger.alarms.settle_notices(results, lease=lease, now=context.clock())
        _log.info(
            "notify",
            count=len(due),
            sent=sum(one.state == "sent" for one in results),
            seconds=since(began),
            **sole("notice", [one.id for one in due]),
        )
    return len(due)


def _told(
    context: Context, directory: Directory, one: DueNotice, away: set[tuple[str, str]]
) -> NoticeResult:
    """Tell one notice; ``away`` gathers what did not answer, so that a batch waits for it once."""
    organisation = directory.organisation(one.organisation)
    known = organisation.contacts.get(one.contact, {}) if organisation else {}
    address, notifier = known.get(one.channel), context.notifiers.get(one.channel)
    if address is None or notifier is None:
        code = "no_address" if address is None else "channel_not_set"
        return NoticeResult(one.id, "failed", code=code)
    server = (str(one.channel), address if one.channel is NoticeChannel.WEBHOOK else "")
    if server in away:
        return _later(one, "away", context.clock())
    try:
        result = notifier.tell(address, written(one, directory, context.settings.public_url))
    except Exception as error:
        _log.error("notice failed", channel=str(one.channel), **trouble(error))
        result = NotNow("fault")
    match result:
        case Told():
            return NoticeResult(one.id, "sent")
        case Never(code=code):
            return NoticeResult(one.id, "failed", code=code)
        case NotNow(code=code):
            if code.endswith("_away"):
                away.add(server)
            return _later(one, code, context.clock())
        case _:
            assert_never(result)


def _later(one: DueNotice, code: str, now: datetime) -> NoticeResult:
    if one.attempt >= ATTEMPTS:
        return NoticeResult(one.id, "failed", code=code)
    pause = min(FIRST_PAUSE * 2 ** (one.attempt - 1), LONGEST_PAUSE)
    return NoticeResult(one.id, "due", now + pause, code)


def written(one: DueNotice, directory: Directory, url: str) -> Message:
    """Return a notice in words and in codes; no content, no reference, no person's name."""
    late = str(one.data.get("agency") or one.organisation)
    named = directory.organisation(late)
    agency = named.name if named else late
    lines = [_sentence(one, agency), ""]
    if one.referral:
        lines.append(f"Referral: {one.referral}")
    if one.delivery:
        lines.append(f"Delivery: {one.delivery}")
    if one.escalation:
        lines.append(f"Escalation: {one.escalation}, step {one.data.get('step')}")
        lines += ["", "It goes on to the next contact until a person says that they see to it:"]
        lines.append(f"  broker escalations {one.escalation} --acknowledge --by 'Your name'")
    if url and one.referral:
        lines += ["", f"{url}/ops/referrals/{one.referral}"]
    data = {
        "id": str(one.id),
        "kind": one.kind,
        "referral": str(one.referral) if one.referral else None,
        "delivery": str(one.delivery) if one.delivery else None,
        "escalation": str(one.escalation) if one.escalation else None,
        **one.data,
    }
    return Message(str(one.id), _subject(one, agency), "\n".join(lines) + "\n", data)


def _subject(one: DueNotice, agency: str) -> str:
    if one.kind.endswith("warned"):
        return f"Deadline near ({one.data.get('percent')} % of the time is gone): {agency}"
    if one.kind.startswith("organisation"):
        return f"Silence: {agency}"
    return f"Deadline missed: {agency}"


def _sentence(one: DueNotice, agency: str) -> str:
    if one.kind.startswith("organisation"):
        return f"Nothing has been heard from {agency} for longer than is usual."
    due_at = datetime.fromisoformat(str(one.data["due_at"])).astimezone(LONDON)
    when = f"{in_words(due_at.date())}, {due_at:%H:%M}"
    asked = _ASKED.get(str(one.data.get("milestone")), "")
    passed = "ends" if one.kind.endswith("warned") else "ended"
    return f"The time of {agency} {asked} {passed} on {when}, UK time."
