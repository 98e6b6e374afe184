"""Part of step 7, notify: emails and text messages to an agency's people about their inbox.

A mail has no name, age, category or grade: only that something is there, by when somebody has to
take it on, and where to open it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from broker.domain.codes import Contact, DeliveryKind, Milestone, NoticeChannel
from broker.domain.ids import DeliveryId, NoticeId, OrganisationCode, ReferralId
from broker.domain.notice import DueNotice, NewNotice, NoticeJudgement
from broker.domain.outstanding import is_past
from broker.domain.question import AnswerReader
from broker.errors import PolicyError
from broker.flow.context import Context
from broker.ledger.drafts import ExpiringDraft
from broker.ledger.inbox import Arrival, NearDeadline
from broker.policy.time.moments import instant_text

ARRIVED, NEAR, ANSWERED = "inbox.arrived", "inbox.deadline_near", "inbox.answered"
DRAFT_EXPIRES = "inbox.draft_expires"
KINDS = (ARRIVED, NEAR, ANSWERED, DRAFT_EXPIRES)
OF_DEADLINES = (ARRIVED, NEAR, DRAFT_EXPIRES)
"""Kinds that are not true any more once somebody has done what they ask for."""
INBOX = "/inbox"
"""Where an agency's people read what arrived, below the broker's address."""
DRAFT_WARNING = timedelta(days=2)
"""How long before a draft is deleted those who write it are told."""
LIMIT = 50
"""Deliveries that are announced at once."""
_WHAT = {
    DeliveryKind.REFERRAL: ("A referral", "Take it on"),
    DeliveryKind.CORRECTION: ("A correction", "Read it"),
    DeliveryKind.RECALL: ("A referral that the police have taken back", "Confirm it is destroyed"),
}
_TASKS: Mapping[str, str] = {Milestone.COLLECT: "Open it", Milestone.DECIDE: "Decide"}


def announce(context: Context) -> int:
    """Ask for notices to each member who is to be told what arrived; return how many.

    Nothing is asked for while nothing is set up: then those who look are told by the list alone.
    """
    if not _channels(context, has_mobile=True):
        return 0

    def notices_of(arrival: Arrival) -> list[NewNotice]:
        due = arrival.due_at.isoformat() if arrival.due_at else None
        about = (arrival.agency, arrival.referral, arrival.delivery, arrival.member)
        data = {"kind": str(arrival.kind), "due_at": due, "milestone": arrival.milestone}
        return [
            _notice(context, ARRIVED, about, data, channel)
            for channel in _channels(context, has_mobile=arrival.has_mobile)
        ]

    return context.ledger.inbox.announce(LIMIT, now=context.clock(), notices_of=notices_of)


def remind(context: Context) -> int:
    """Ask for notices to those whom a near deadline concerns; return how many.

    The policy says how near; each deadline is reminded of once.
    """
    if not _channels(context, has_mobile=True):
        return 0
    try:
        before = context.policies.latest().inbox.remind_before
    except PolicyError:  # nothing is published yet
        return 0
    if before is None:
        return 0

    def notices_of(near: NearDeadline) -> list[NewNotice]:
        data = {
            "kind": str(near.kind),
            "due_at": near.due_at.isoformat(),
            "milestone": near.milestone,
        }
        about = (near.agency, near.referral, near.delivery, near.member)
        return [
            _notice(context, NEAR, about, data, channel)
            for channel in _channels(context, has_mobile=near.has_mobile)
        ]

    now = context.clock()
    return context.ledger.inbox.remind(LIMIT, before=before, now=now, notices_of=notices_of)


def warn_of_drafts(context: Context) -> int:
    """Ask for a mail to those who write a draft that expires soon; return how many."""
    if NoticeChannel.EMAIL not in context.notifiers:
        return 0

    def notice(expiring: ExpiringDraft) -> NewNotice:
        data = {"draft": str(expiring.draft), "due_at": expiring.expires_at.isoformat()}
        about = (expiring.publisher, None, None, expiring.member)
        return _notice(context, DRAFT_EXPIRES, about, data)

    return context.ledger.drafts.warn(
        LIMIT, before=DRAFT_WARNING, now=context.clock(), notice=notice
    )


def answered(context: Context, question: UUID) -> Callable[[AnswerReader], NewNotice] | None:
    """Return what makes the mail that a question is answered; None while mail is not set up."""
    if NoticeChannel.EMAIL not in context.notifiers:
        return None

    def notice(reader: AnswerReader) -> NewNotice:
        about = (reader.agency, reader.referral, reader.delivery, reader.member)
        return _notice(context, ANSWERED, about, {"question": str(question)})

    return notice


def _channels(context: Context, *, has_mobile: bool) -> list[NoticeChannel]:
    """Return by what a member is told: by email, and on their mobile if they gave one."""
    wanted = [NoticeChannel.EMAIL, *([NoticeChannel.SMS] if has_mobile else [])]
    return [channel for channel in wanted if channel in context.notifiers]


def _notice(
    context: Context,
    kind: str,
    about: tuple[OrganisationCode, ReferralId | None, DeliveryId | None, UUID],
    data: Mapping[str, Any],
    channel: NoticeChannel = NoticeChannel.EMAIL,
) -> NewNotice:
    agency, referral, delivery, member = about
    return NewNotice(
        id=NoticeId(context.new_id()),
        kind=kind,
        organisation=agency,
        contact=Contact.DUTY,
        channel=channel,
        referral=referral,
        delivery=delivery,
        escalation=None,
        data=data,
        member=member,
    )


def renewed(notice: DueNotice, judged: NoticeJudgement, now: datetime) -> DueNotice:
    """Return a notice with what is due next as it is now."""
    due = {
        "due_at": judged.due_at.isoformat() if judged.due_at else None,
        "milestone": judged.milestone,
        "is_late": is_past(judged.due_at, now),
    }
    return replace(notice, data={**notice.data, **due})


def subject(notice: DueNotice, agency: str) -> str:
    """Return the subject of a mail."""
    if notice.kind == ANSWERED:
        return f"An answer of the police is in the inbox of {agency}"
    if notice.kind == DRAFT_EXPIRES:
        return f"A draft of {agency} will be deleted soon"
    what, _ = _WHAT[DeliveryKind(notice.data["kind"])]
    if notice.kind == NEAR:
        return f"{what} in the inbox of {agency} is due soon"
    return f"{what} is in the inbox of {agency}"


def text(notice: DueNotice, agency: str, url: str) -> str:
    """Return the text of a mail."""
    lines = _lines(notice, agency)
    lines += [f"Open it: {item_address(url, notice)}", ""]
    lines.append("This email names nobody, to keep them safe. Do not reply to it.")
    return "\n".join(lines) + "\n"


def short(notice: DueNotice, agency: str, url: str) -> str:
    """Return what a mail says as a sentence or two and a link, for a text message."""
    sentences = [line for line in _lines(notice, agency) if line]
    return " ".join([*sentences, item_address(url, notice)])


def _lines(notice: DueNotice, agency: str) -> list[str]:
    if notice.kind == ANSWERED:
        return [f"The police have answered a question about a referral of {agency}.", ""]
    if notice.kind == DRAFT_EXPIRES:
        when = instant_text(notice.data["due_at"])
        return [
            f"A draft of a referral of {agency} was not saved for some time.",
            "",
            f"It is deleted on {when} (UK time), unless you send it or save it again before.",
            "",
        ]
    what, task = _WHAT[DeliveryKind(notice.data["kind"])]
    if notice.data["kind"] == DeliveryKind.REFERRAL:
        task = _TASKS.get(str(notice.data.get("milestone")), task)
    lines = [f"{what} is in the referral inbox of {agency}.", ""]
    if notice.kind == NEAR:
        lines[0] = f"{what} in the referral inbox of {agency} is due soon."
    if due := notice.data.get("due_at"):
        when = f"{instant_text(due)} (UK time)"
        is_late = notice.data.get("is_late")
        lines += [f"It was due by {when}." if is_late else f"{task} by {when}.", ""]
    return lines


def item_address(url: str, notice: DueNotice) -> str:
    """Return where what a notice is about can be opened in the inbox."""
    if notice.kind == DRAFT_EXPIRES:
        return f"{url}{INBOX}/referrals/drafts/{notice.data['draft']}"
    return f"{url}{INBOX}/items/{notice.delivery}"
