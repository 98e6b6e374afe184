"""What ops are told about an outage, and who of them: text for the notices of step 7."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from broker.domain.codes import Contact, NoticeChannel
from broker.domain.ids import NewId, NoticeId
from broker.domain.notice import DueNotice, NewNotice
from broker.domain.outage import Outage
from broker.policy.language.directory import Organisation
from broker.policy.monitoring.health import LANES
from broker.policy.time.duration_words import how_many
from broker.policy.time.moments import moment

STOPPED, WORKS = "organisation.broker_stopped", "organisation.broker_works"
KINDS = (STOPPED, WORKS)
REPEAT = timedelta(minutes=15)
"""How long after an alarm it is repeated while the outage lasts."""
CONTACTS = (Contact.DUTY, Contact.MANAGER)
"""Whom of ops: the first is alerted at once, the others too when the alarm is repeated."""


def notices(
    kind: str,
    outage: Outage,
    ops: Organisation,
    *,
    is_set: Collection[NoticeChannel],
    waiting: tuple[int, int],
    new_id: NewId,
) -> list[NewNotice]:
    """Return the notices about an outage: by every channel that is set, to each contact.

    Where no channel is set they are made for all, so that the history shows that they failed.
    ``waiting`` says how many referrals are not routed and how many deliveries are late.
    """
    data = {
        "outage": str(outage.id),
        "missing": list(outage.missing),
        "since": outage.began_at.isoformat(),
        "alarms": outage.alarms,
        "unrouted": waiting[0],
        "late": waiting[1],
    }
    return [
        NewNotice(NoticeId(new_id()), kind, ops.code, contact, channel, None, None, None, data)
        for contact in _contacts(ops, outage.alarms)
        for channel in _channels(ops, contact, is_set)
    ]


def _contacts(ops: Organisation, alarms: int) -> list[Contact]:
    wanted = CONTACTS[:1] if alarms == 1 else CONTACTS
    return [contact for contact in wanted if ops.contacts.get(contact)] or [*ops.contacts]


def _channels(
    ops: Organisation, contact: Contact, is_set: Collection[NoticeChannel]
) -> list[NoticeChannel]:
    known = ops.contacts[contact]
    return [channel for channel in known if channel in is_set] or [*known]


def subject(notice: DueNotice) -> str:
    """Return the subject of a notice about an outage."""
    if notice.kind == WORKS:
        return "The broker works again"
    number = int(notice.data["alarms"])
    again = f" (alarm {number})" if number > 1 else ""
    return f"The broker has stopped: referrals are not sent on{again}"


def short(notice: DueNotice, url: str) -> str:
    """Return a notice about an outage as one sentence and a link."""
    return f"{subject(notice)}. {url}/ops/" if url else f"{subject(notice)}."


def text(notice: DueNotice, url: str) -> str:
    """Return the text of a notice about an outage."""
    since = _when(datetime.fromisoformat(notice.data["since"]))
    if notice.kind == WORKS:
        lines = [
            f"The broker stopped on {since}. It has worked again since {_when(notice.created_at)}.",
            "",
            "Deadlines that passed meanwhile are alerted now. Look for what is late:",
        ]
    else:
        lines = [
            f"The broker has not done all of its work since {since}:",
            *(f"- {LANES[lane][1]};" for lane in notice.data["missing"]),
            "",
            f"{how_many(notice.data['unrouted'], 'referral')} not sent on, "
            f"{notice.data['late']:,} late. Nothing that was accepted is lost.",
            "",
            "1. Start a worker: `broker worker`. `broker doctor` says what is missing.",
            "2. Until it works, telephone the agencies whose deadlines are near.",
            "",
            f"We repeat this every {REPEAT.seconds // 60} minutes, and tell you when it is over.",
        ]
    lines.append(f"{url}/ops/" if url else "  broker top")
    return "\n".join(lines) + "\n"


def _when(at: datetime) -> str:
    return f"{moment(at)} (UK time)"
