"""Part of step 7, notify: tell an agency's people by email that something is in their inbox.

A mail has no name, age, category or grade: only that something is there, by when somebody has to
take it on, and where to open it.
"""

from __future__ import annotations

from broker.domain.codes import Contact, DeliveryKind, NoticeChannel
from broker.domain.ids import NoticeId
from broker.domain.notice import DueNotice, NewNotice
from broker.flow.context import Context
from broker.ledger.inbox import Arrival
from broker.policy.time.moments import instant_text

KIND = "inbox.arrived"
INBOX = "/inbox"
"""Where an agency's people read what arrived, below the broker's address."""
LIMIT = 50
"""Deliveries that are announced at once."""
_WHAT = {
    DeliveryKind.REFERRAL: ("A referral", "Take it on"),
    DeliveryKind.CORRECTION: ("A correction", "Read it"),
    DeliveryKind.RECALL: ("A referral that the police have taken back", "Confirm it is destroyed"),
}


def announce(context: Context) -> int:
    """Ask for a mail to each member who is to be told what arrived; return how many.

    Nothing is asked for while mail is not set up: then those who look are told by the list alone.
    """
    if NoticeChannel.EMAIL not in context.notifiers:
        return 0

    def notice(arrival: Arrival) -> NewNotice:
        due = arrival.due_at.isoformat() if arrival.due_at else None
        return NewNotice(
            id=NoticeId(context.new_id()),
            kind=KIND,
            organisation=arrival.agency,
            contact=Contact.DUTY,
            channel=NoticeChannel.EMAIL,
            referral=arrival.referral,
            delivery=arrival.delivery,
            escalation=None,
            data={"kind": str(arrival.kind), "due_at": due},
            member=arrival.member,
        )

    return context.ledger.inbox.announce(LIMIT, now=context.clock(), notice=notice)


def subject(notice: DueNotice, agency: str) -> str:
    """Return the subject of a mail."""
    what, _ = _WHAT[DeliveryKind(notice.data["kind"])]
    return f"{what} is in the inbox of {agency}"


def text(notice: DueNotice, agency: str, url: str) -> str:
    """Return the text of a mail."""
    what, task = _WHAT[DeliveryKind(notice.data["kind"])]
    lines = [f"{what} is in the referral inbox of {agency}.", ""]
    if due := notice.data.get("due_at"):
        lines += [f"{task} by {instant_text(due)} (UK time).", ""]
    lines += [f"Open it: {item_address(url, notice)}", ""]
    lines.append("This email names nobody, to keep them safe. Do not reply to it.")
    return "\n".join(lines) + "\n"


def item_address(url: str, notice: DueNotice) -> str:
    """Return where the delivery of a notice can be opened in the inbox."""
    return f"{url}{INBOX}/items/{notice.delivery}"
