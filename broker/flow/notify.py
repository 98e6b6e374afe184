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
from broker.telemetry import elapsed, error_fields, logger, single_id

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
            sent=sum(result.state == "sent" for result in results),
            seconds=elapsed(began),
            **single_id("notice", [one.id for one in due]),
        )
    return len(due)


def _told(
    context: Context, directory: Directory, notice: DueNotice, away: set[tuple[str, str]]
) -> NoticeResult:
    """Tell one notice; ``away`` gathers what did not answer, so that a batch waits for it once."""
    organisation = directory.organisation(notice.organisation)
    known = organisation.contacts.get(notice.contact, {}) if organisation else {}
    address, notifier = known.get(notice.channel), context.notifiers.get(notice.channel)
    if address is None or notifier is None:
        code = "no_address" if address is None else "channel_not_set"
        return NoticeResult(notice.id, "failed", code=code)
    server = (str(notice.channel), address if notice.channel is NoticeChannel.WEBHOOK else "")
    if server in away:
        return _later(notice, "away", context.clock())
    try:
        result = notifier.tell(address, written(notice, directory, context.settings.public_url))
    except Exception as error:
        _log.error("notice failed", channel=str(notice.channel), **error_fields(error))
        result = NotNow("fault")
    match result:
        case Told():
            return NoticeResult(notice.id, "sent")
        case Never(code=code):
            return NoticeResult(notice.id, "failed", code=code)
        case NotNow(code=code):
            if code.endswith("_away"):
                away.add(server)
            return _later(notice, code, context.clock())
        case _:
            assert_never(result)


def _later(notice: DueNotice, code: str, now: datetime) -> NoticeResult:
    if notice.attempt >= ATTEMPTS:
        return NoticeResult(notice.id, "failed", code=code)
    pause = min(FIRST_PAUSE * 2 ** (notice.attempt - 1), LONGEST_PAUSE)
    return NoticeResult(notice.id, "due", now + pause, code)


def written(notice: DueNotice, directory: Directory, url: str) -> Message:
    """Return a notice in words and in codes; no content, no reference, no person's name."""
    late = str(notice.data.get("agency") or notice.organisation)
    named = directory.organisation(late)
    agency = named.name if named else late
    lines = [_sentence(notice, agency), ""]
    if notice.referral:
        lines.append(f"Referral: {notice.referral}")
    if notice.delivery:
        lines.append(f"Delivery: {notice.delivery}")
    if notice.escalation:
        lines.append(f"Escalation: {notice.escalation}, step {notice.data.get('step')}")
        lines += ["", "It goes on to the next contact until a person says that they see to it:"]
        lines.append(f"  broker escalations {notice.escalation} --acknowledge --by 'Your name'")
    if url and notice.referral:
        lines += ["", f"{url}/ops/referrals/{notice.referral}"]
    data = {
        "id": str(notice.id),
        "kind": notice.kind,
        "referral": str(notice.referral) if notice.referral else None,
        "delivery": str(notice.delivery) if notice.delivery else None,
        "escalation": str(notice.escalation) if notice.escalation else None,
        **notice.data,
    }
    return Message(str(notice.id), _subject(notice, agency), "\n".join(lines) + "\n", data)


def _subject(notice: DueNotice, agency: str) -> str:
    if notice.kind.endswith("warned"):
        return f"Deadline near ({notice.data.get('percent')} % of the time is gone): {agency}"
    if notice.kind.startswith("organisation"):
        return f"Silence: {agency}"
    return f"Deadline missed: {agency}"


def _sentence(notice: DueNotice, agency: str) -> str:
    if notice.kind.startswith("organisation"):
        return f"Nothing has been heard from {agency} for longer than is usual."
    due_at = datetime.fromisoformat(str(notice.data["due_at"])).astimezone(LONDON)
    when = f"{in_words(due_at.date())}, {due_at:%H:%M}"
    asked = _ASKED.get(str(notice.data.get("milestone")), "")
    passed = "ends" if notice.kind.endswith("warned") else "ended"
    return f"The time of {agency} {asked} {passed} on {when}, UK time."
