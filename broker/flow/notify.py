"""Step 7, notify: send the notices that step 6 recorded, outside of any transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from broker.domain.codes import Contact, Milestone, NoticeChannel, NoticeState
from broker.domain.ids import LeaseId
from broker.domain.notice import (
    DueNotice,
    NoticeResult,
)
from broker.flow import embargoes, inbox_notices, outage_notices
from broker.flow.context import Context
from broker.flow.hand_over import KIND as HANDED_OVER
from broker.flow.steps import step
from broker.heartbeats import beat
from broker.ledger.alarms import NOT_OFFERED
from broker.notices.base import Deferred, Message, NoticeOutcome, Refused, Sent
from broker.policy.language.directory import Directory
from broker.policy.monitoring.alarms import ATTEND
from broker.policy.time.moments import instant_text
from broker.telemetry import error_fields, logger, monotonic_seconds

EVERY = timedelta(seconds=1)
BATCH = 20
LEASE = timedelta(minutes=10)
"""Longer than a whole batch can take, each notice within the time limits of its channel."""
SERVER_SECONDS = 20.0
"""What one server may take of a batch. The rest of its notices are postponed, behind those that are
due by then: a slow server delays its own notices alone."""
ATTEMPTS = 12
"""With the pauses below this is about a day and a half; then the notice is recorded as failed."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=4)
UNTIL_OFFERED = timedelta(minutes=15)
"""How often it is judged again whether an agency is offered what a notice is about."""
LONGEST_NAME = 70
"""Characters of an organisation's name in a text message."""
_log = logger("notify")
TASK = "task"
_TASKS: Mapping[str, str] = {
    Milestone.COLLECT: "collect a referral",
    Milestone.ACKNOWLEDGE: "acknowledge a referral",
    Milestone.DECIDE: "decide on a referral",
    ATTEND: "find an agency for a referral",
    TASK: "settle a task",
}

_JUDGED = frozenset({*inbox_notices.OF_DEADLINES, *embargoes.SUBJECTS, HANDED_OVER})
"""Kinds that may not be true any more when they are sent, beside warnings."""


def notify(
    context: Context,
    *,
    kinds: Sequence[str] | None = None,
    show: Callable[[], None] | None = None,
) -> int:
    """Send the notices that are due, all or those of some kinds; return how many.

    ``show`` is called after each: a batch may take minutes where a mail server is slow.

    Raises Unavailable without the ledger.
    """
    with step(context, "notify", _log) as this:
        lease = LeaseId(context.new_id())
        due = context.ledger.alarms.claim_notices(
            BATCH, lease=lease, lease_for=LEASE, now=this.begun_at, kinds=kinds
        )
        if due:
            directory = context.policies.latest().directory
            servers = _Servers()
            results = []
            for notice in due:
                results.append(_send(context, directory, notice, servers))
                if show:
                    show()
            context.ledger.alarms.settle_notices(results, lease=lease, now=context.clock())
            this.log(
                count=len(due), sent=sum(result.state is NoticeState.SENT for result in results)
            )
            this.log_single("notice", due, lambda notice: notice.id)
    return len(due)


_ONE_SERVER = frozenset({NoticeChannel.EMAIL, NoticeChannel.SMS})
"""Channels all of whose notices go by one server of the site, whatever their address."""


class _Servers:
    """The servers of one batch: which are unavailable, and how long each has taken."""

    def __init__(self) -> None:
        self._unavailable: set[tuple[str, str]] = set()
        self._seconds: defaultdict[tuple[str, str], float] = defaultdict(float)

    def postponed(
        self, server: tuple[str, str], notice: DueNotice, now: datetime
    ) -> NoticeResult | None:
        """Return the result of a notice that is not sent in this batch; None where it may be.

        A batch waits once only for a server that is unavailable. After ``SERVER_SECONDS`` at one
        server it goes on with the notices of others.
        """
        if server in self._unavailable:
            return _retry(notice, "unavailable", now)
        if self._seconds[server] > SERVER_SECONDS:
            return NoticeResult(notice.id, NoticeState.DUE, now)
        return None

    def note(self, server: tuple[str, str], seconds: float, outcome: NoticeOutcome) -> None:
        """Take note of what became of a notice, and how long it took."""
        self._seconds[server] += seconds
        if isinstance(outcome, Deferred) and outcome.is_unavailable:
            self._unavailable.add(server)


def _send(
    context: Context, directory: Directory, notice: DueNotice, servers: _Servers
) -> NoticeResult:
    """Send one notice, unless its server is unavailable or has taken too long in this batch."""
    address, notifier = _recipient(notice, directory), context.notifiers.get(notice.channel)
    if address is None or notifier is None:
        code = "no_address" if address is None else "channel_not_set"
        return NoticeResult(notice.id, NoticeState.FAILED, code=code)
    judged = _judged(context, notice)
    if isinstance(judged, NoticeResult):
        return judged
    beat()  # a batch may take longer than a thread may go without a heartbeat
    server = (str(notice.channel), "" if notice.channel in _ONE_SERVER else address)
    if postponed := servers.postponed(server, notice, context.clock()):
        return postponed
    began = monotonic_seconds()
    try:
        outcome = notifier.send(address, written(judged, directory, context.settings.public_url))
    except Exception as error:
        _log.error("notice failed", channel=str(notice.channel), **error_fields(error))
        outcome = Deferred("fault")
    servers.note(server, monotonic_seconds() - began, outcome)
    return _result(context, notice, outcome)


def _recipient(notice: DueNotice, directory: Directory) -> str | None:
    """Return where a notice goes: to a member, or to a contact of the organisation."""
    if notice.member is not None:
        return notice.mobile if notice.channel is NoticeChannel.SMS else notice.email
    organisation = directory.organisation(notice.organisation)
    contacts = organisation.contacts.get(notice.contact, {}) if organisation else {}
    return contacts.get(notice.channel)


def _result(context: Context, notice: DueNotice, outcome: NoticeOutcome) -> NoticeResult:
    """Return what the outcome of sending makes of a notice."""
    match outcome:
        case Sent():
            return NoticeResult(notice.id, NoticeState.SENT)
        case Refused(code=code):
            return NoticeResult(notice.id, NoticeState.FAILED, code=code)
        case Deferred(code=code):
            return _retry(notice, code, context.clock())
        case _:
            assert_never(outcome)


def _judged(context: Context, notice: DueNotice) -> DueNotice | NoticeResult:
    """Return a notice as it is true now; or its result, where it is not sent, or not yet.

    It may have waited for a server that was unavailable.
    """
    if notice.kind not in _JUDGED and not notice.kind.endswith(".warned"):
        return notice
    now = context.clock()
    judged = context.ledger.alarms.judge_notice(notice.id, now=now)
    if judged.over_because:
        return NoticeResult(notice.id, NoticeState.VOID, code=judged.over_because)
    if not judged.is_offered:
        return NoticeResult(notice.id, NoticeState.DUE, now + UNTIL_OFFERED, NOT_OFFERED)
    return inbox_notices.renewed(notice, judged, now) if notice.member else notice


def _retry(notice: DueNotice, code: str, now: datetime) -> NoticeResult:
    if notice.attempt >= ATTEMPTS:
        return NoticeResult(notice.id, NoticeState.FAILED, code=code)
    pause = min(FIRST_PAUSE * 2 ** (notice.attempt - 1), LONGEST_PAUSE)
    return NoticeResult(notice.id, NoticeState.DUE, now + pause, code)


def written(notice: DueNotice, directory: Directory, url: str) -> Message:
    """Return a notice as text and as codes: no content, no reference, no person's name."""
    if notice.kind in outage_notices.KINDS:
        data = {"id": str(notice.id), "kind": notice.kind, **notice.data}
        subject, text = outage_notices.subject(notice), outage_notices.text(notice, url)
        return Message(str(notice.id), subject, text, data, outage_notices.short(notice, url))
    late = str(notice.data.get("agency") or notice.organisation)
    named = directory.organisation(late)
    agency = named.name if named else late
    if notice.kind in inbox_notices.KINDS:
        delivery = str(notice.delivery) if notice.delivery else None
        data = {"id": str(notice.id), "delivery": delivery, **notice.data}
        shown = inbox_notices.text(notice, agency, url)
        short = inbox_notices.short(notice, _brief(agency), url)
        subject = inbox_notices.subject(notice, agency)
        return Message(str(notice.id), subject, shown, data, short)
    lines = [_sentence(notice, agency), ""]
    duty = named.telephones.get(Contact.DUTY) if named else None
    if duty:
        lines.append(f"Telephone of {agency}: {duty.number} ({duty.words})")
    lines += _what_to_do(notice, late, url)
    data = {
        "id": str(notice.id),
        "kind": notice.kind,
        "referral": str(notice.referral) if notice.referral else None,
        "delivery": str(notice.delivery) if notice.delivery else None,
        "escalation": str(notice.escalation) if notice.escalation else None,
        **notice.data,
    }
    address = _address(notice, late, url)
    short = f"{_sentence(notice, _brief(agency))} {address}".rstrip()
    return Message(str(notice.id), _subject(notice, agency), "\n".join(lines) + "\n", data, short)


def _brief(name: str) -> str:
    """Return a name of at most so many characters that a text message has room for its link."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _address(notice: DueNotice, late: str, url: str) -> str:
    """Return where the recipient opens what a notice is about; empty where they cannot."""
    is_own = notice.delivery is not None and notice.organisation == late
    if url and is_own and notice.has_inbox:
        return inbox_notices.item_address(url, notice)
    if url and notice.referral and not is_own:  # the pages for ops are not for agencies
        return f"{url}/ops/referrals/{notice.referral}"
    return ""


def _what_to_do(notice: DueNotice, late: str, url: str) -> list[str]:
    """Return where to open it, and the ids by which a person can be helped."""
    lines = []
    if notice.escalation:
        lines += ["", "We will alert the next person unless somebody takes this on."]
    if address := _address(notice, late, url):
        where = "Open it" if "/ops/" in address else "Open it in the inbox"
        lines += ["", f"{where}: {address}"]
    elif notice.escalation:
        command = f"broker escalations {notice.escalation} --acknowledge --by 'Your name'"
        lines += ["", "To take it on:", f"  {command}"]
    ids = {
        "Referral": notice.referral,
        "Delivery": notice.delivery,
        "Escalation": notice.escalation,
    }
    known = [f"{name}: {id_}" for name, id_ in ids.items() if id_]
    return [*lines, *(["", "If you call the broker's team, say:", *known] if known else [])]


def _subject(notice: DueNotice, agency: str) -> str:
    if notice.kind == HANDED_OVER:
        return f"Handed over to {agency}"
    if notice.kind in embargoes.SUBJECTS:
        return embargoes.SUBJECTS[notice.kind]
    if notice.kind.endswith("warned"):
        return f"Deadline soon: {agency}"
    if _is_of_silence(notice):
        return f"Not connected: {agency}"
    return f"Deadline missed: {agency}"


def _is_of_silence(notice: DueNotice) -> bool:
    """Tell it from what is about a body that was refused, which has no referral either."""
    return notice.kind.startswith("organisation") and not notice.data.get("task")


def _sentence(notice: DueNotice, agency: str) -> str:
    if notice.kind == HANDED_OVER:
        return (
            f"{agency} is responsible for this now, because an office has opened or closed. The "
            "deadline does not change."
        )
    if notice.kind in embargoes.SUBJECTS:
        return embargoes.sentence(notice, agency)
    if _is_of_silence(notice):
        return f"{agency} has not connected for longer than is usual or allowed."
    when = f"{instant_text(notice.data['due_at'])} (UK time)"
    milestone = TASK if notice.data.get("task") else str(notice.data.get("milestone"))
    task = _TASKS.get(milestone, "do what is due")
    if notice.kind.endswith("warned"):
        return f"{agency} has until {when} to {task}."
    return f"{agency} missed the deadline to {task}. It was {when}."
