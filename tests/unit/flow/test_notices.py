"""What becomes of a notice, and what is written in it: text, codes and where to open it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from broker.domain.codes import Contact, NoticeChannel, NoticeState
from broker.domain.ids import (
    DeliveryId,
    EscalationId,
    NoticeId,
    OrganisationCode,
    ReferralId,
)
from broker.domain.notice import DueNotice, NoticeResult
from broker.flow.embargoes import ENDING, LONG
from broker.flow.hand_over import KIND as HANDED_OVER
from broker.flow.notify import (
    ATTEMPTS,
    FIRST_PAUSE,
    LONGEST_NAME,
    LONGEST_PAUSE,
    SERVER_SECONDS,
    _retry,
    _Servers,
    written,
)
from broker.notices.base import Deferred, Refused
from broker.policy.language.directory import Directory, Organisation, Telephone
from broker.policy.time.calendars import BankHolidays, Edition, WorkingCalendar

NOW = datetime(2026, 12, 21, 14, 1, tzinfo=UTC)
STOKE, POLICE = OrganisationCode("stoke-csc"), OrganisationCode("staffordshire-police")
URL = "https://broker.example.org"
IDS = [UUID(int=number) for number in range(4)]
OWN_INBOX = f"{URL}/inbox/items/{IDS[2]}"
OPS_PAGE = f"{URL}/ops/referrals/{IDS[1]}"
DUE = {"due_at": "2026-12-21T16:30:00+00:00", "milestone": "acknowledge"}
LATE = "Stoke social care missed the deadline to acknowledge a referral. It was "
WHEN = "Monday 21 December 2026, 16:30 (UK time)."
SERVER = ("email", "")


def organisation(code: OrganisationCode, name: str) -> Organisation:
    edition = Edition("1", "0" * 64, date(2027, 12, 31), date(2026, 1, 1))
    calendar = WorkingCalendar(BankHolidays("ENG", {}, edition))
    duty = Telephone("01632 960001", True, {}, calendar)
    return Organisation(
        code=code,
        name=name,
        kind="social-care",
        nation="england",
        channel="mailbox",
        areas=(),
        effective_from=date(2026, 1, 1),
        effective_until=None,
        always_open=False,
        hours={},
        closures={},
        out_of_hours_partner=None,
        urn=None,
        school_days=None,
        contacts={},
        place="directory.yaml:1",
        calendar=calendar,
        telephones={Contact.DUTY: duty} if code == STOKE else {},
    )


DIRECTORY = Directory(
    [], [organisation(STOKE, "Stoke social care"), organisation(POLICE, "Staffordshire Police")], {}
)
"""Of whom Stoke alone has a telephone."""


def notice(kind: str = "delivery.breached", **changes: Any) -> DueNotice:
    """Return a notice to Stoke about a deadline of its own, as it is claimed first."""
    own = DueNotice(
        NoticeId(IDS[0]),
        kind,
        STOKE,
        Contact.DUTY,
        NoticeChannel.EMAIL,
        ReferralId(IDS[1]),
        DeliveryId(IDS[2]),
        None,
        DUE,
        1,
        NOW,
    )
    return replace(own, **changes)


@pytest.mark.parametrize(
    ("attempt", "pause"),
    [
        (1, FIRST_PAUSE),
        (2, 2 * FIRST_PAUSE),
        (4, 8 * FIRST_PAUSE),
        (ATTEMPTS - 1, LONGEST_PAUSE),
    ],
)
def test_what_was_not_sent_is_due_again_after_pauses_that_double(
    attempt: int, pause: timedelta
) -> None:
    due = NoticeResult(NoticeId(IDS[0]), NoticeState.DUE, NOW + pause, "busy")
    assert _retry(notice(attempt=attempt), "busy", NOW) == due


def test_after_the_last_attempt_it_has_failed() -> None:
    failed = NoticeResult(NoticeId(IDS[0]), NoticeState.FAILED, code="busy")
    assert _retry(notice(attempt=ATTEMPTS), "busy", NOW) == failed


def test_a_server_that_is_unavailable_is_waited_for_once() -> None:
    servers = _Servers()
    servers.note(SERVER, 1.0, Deferred("busy"))
    servers.note(SERVER, 1.0, Refused("gone"))
    assert servers.postponed(SERVER, notice(), NOW) is None
    servers.note(SERVER, 1.0, Deferred("refused", is_unavailable=True))
    put_off = servers.postponed(SERVER, notice(), NOW)
    assert put_off == _retry(notice(), "unavailable", NOW)
    assert servers.postponed(("webhook", "https://example.org"), notice(), NOW) is None


def test_a_server_that_has_had_its_share_is_put_back_untried() -> None:
    servers = _Servers()
    servers.note(SERVER, SERVER_SECONDS, Refused("gone"))
    assert servers.postponed(SERVER, notice(), NOW) is None
    servers.note(SERVER, 0.5, Refused("gone"))
    put_back = NoticeResult(NoticeId(IDS[0]), NoticeState.DUE, NOW)
    assert servers.postponed(SERVER, notice(), NOW) == put_back


@pytest.mark.parametrize(
    ("changes", "subject", "sentence"),
    [
        ({}, "Deadline missed: Stoke social care", f"{LATE}{WHEN}"),
        (
            {"kind": "delivery.warned"},
            "Deadline soon: Stoke social care",
            "Stoke social care has until Monday 21 December 2026, 16:30 (UK time) to acknowledge a "
            "referral.",
        ),
        (
            {"kind": "referral.breached", "data": {**DUE, "task": "1"}},
            "Deadline missed: Stoke social care",
            f"Stoke social care missed the deadline to settle a task. It was {WHEN}",
        ),
        (
            {"data": {**DUE, "milestone": "other"}},
            "Deadline missed: Stoke social care",
            f"Stoke social care missed the deadline to do what is due. It was {WHEN}",
        ),
        (
            {"kind": "organisation.silent", "data": {}},
            "Not connected: Stoke social care",
            "Stoke social care has not connected for longer than is usual or allowed.",
        ),
        (
            {"kind": "organisation.breached", "data": {**DUE, "task": "1"}},
            "Deadline missed: Stoke social care",
            f"Stoke social care missed the deadline to settle a task. It was {WHEN}",
        ),
        (
            {"kind": HANDED_OVER, "data": {}},
            "Handed over to Stoke social care",
            "Stoke social care is responsible for this now, because an office has opened or "
            "closed. The deadline does not change.",
        ),
        (
            {"kind": ENDING, "data": {"until": DUE["due_at"]}},
            "An embargo ends soon",
            f"Stoke social care will be told of its part of this referral on {WHEN[:-1]}, when the "
            "embargo ends. If that is too early, correct the referral with a later end, or ask ops "
            "to extend it.",
        ),
        (
            {"kind": LONG, "data": {"until": DUE["due_at"]}},
            "An embargo has lasted for four weeks",
            f"Stoke social care is not told of a part of this referral until {WHEN} Is that still "
            "right?",
        ),
        (
            {"kind": LONG, "data": {"until": None}},
            "An embargo has lasted for four weeks",
            "Stoke social care is not told of a part of this referral until a person releases it. "
            "Is that still right?",
        ),
    ],
)
def test_a_notice_says_what_happened_and_to_whom(
    changes: dict[str, Any], subject: str, sentence: str
) -> None:
    message = written(notice(**changes), DIRECTORY, "")
    assert message.subject == subject
    assert message.text.splitlines()[0] == sentence
    assert message.short == sentence


HELP = ["", "If you call the broker's team, say:"]
REFERRAL, DELIVERY = f"Referral: {IDS[1]}", f"Delivery: {IDS[2]}"
TELEPHONE = "Telephone of Stoke social care: 01632 960001 (always)"
ESCALATED = {"escalation": EscalationId(IDS[3])}
NEXT = ["", "We will alert the next person unless somebody takes this on."]
COMMAND = f"  broker escalations {IDS[3]} --acknowledge --by 'Your name'"
ESCALATION = f"Escalation: {IDS[3]}"


@pytest.mark.parametrize(
    ("changes", "url", "lines"),
    [
        ({}, URL, [TELEPHONE, *HELP, REFERRAL, DELIVERY]),
        (
            {"has_inbox": True},
            URL,
            [TELEPHONE, "", f"Open it in the inbox: {OWN_INBOX}", *HELP, REFERRAL, DELIVERY],
        ),
        ({"has_inbox": True}, "", [TELEPHONE, *HELP, REFERRAL, DELIVERY]),
        ({"has_inbox": True, "delivery": None}, "", [TELEPHONE, *HELP, REFERRAL]),
        (
            {"has_inbox": True, "delivery": None},
            URL,
            [TELEPHONE, "", f"Open it: {OPS_PAGE}", *HELP, REFERRAL],
        ),
        (
            {"data": {**DUE, "agency": POLICE}, "has_inbox": True},
            URL,
            ["", f"Open it: {OPS_PAGE}", *HELP, REFERRAL, DELIVERY],
        ),
        (
            {"data": {**DUE, "agency": POLICE}, "referral": None, "delivery": None},
            URL,
            [],
        ),
        (
            ESCALATED,
            URL,
            [
                TELEPHONE,
                *NEXT,
                "",
                "To take it on:",
                COMMAND,
                *HELP,
                REFERRAL,
                DELIVERY,
                ESCALATION,
            ],
        ),
    ],
)
def test_a_notice_says_where_to_open_it_and_by_which_ids_to_be_helped(
    changes: dict[str, Any], url: str, lines: list[str]
) -> None:
    message = written(notice(**changes), DIRECTORY, url)
    assert message.text.endswith("\n")
    assert message.text.splitlines()[2:] == lines
    address = next((line.split(": ")[1] for line in lines if line.startswith("Open it")), "")
    assert message.short.endswith(address or ".")


@pytest.mark.parametrize("is_known", [True, False])
def test_the_codes_of_a_notice_name_what_it_is_about(is_known: bool) -> None:
    about: dict[str, Any] = {} if is_known else {"referral": None, "delivery": None}
    message = written(notice(**(ESCALATED if is_known else {}), **about), DIRECTORY, "")
    assert message.data == {
        "id": str(IDS[0]),
        "kind": "delivery.breached",
        "referral": str(IDS[1]) if is_known else None,
        "delivery": str(IDS[2]) if is_known else None,
        "escalation": str(IDS[3]) if is_known else None,
        **DUE,
    }


@pytest.mark.parametrize("code", ["unknown", STOKE])
def test_who_is_not_in_the_directory_is_named_by_code(code: str) -> None:
    message = written(notice(data={**DUE, "agency": code}), DIRECTORY, "")
    name = "Stoke social care" if code == STOKE else code
    assert message.subject == f"Deadline missed: {name}"


@pytest.mark.parametrize("length", [LONGEST_NAME, LONGEST_NAME + 1])
def test_a_long_name_leaves_room_for_the_link_in_a_text_message(length: int) -> None:
    name = "N" * length
    message = written(notice(), Directory([], [organisation(STOKE, name)], {}), "")
    short = name if length == LONGEST_NAME else f"{'N' * (LONGEST_NAME - 1)}…"
    assert message.short.startswith(f"{short} missed")
    assert message.text.startswith(f"{name} missed")


@pytest.mark.parametrize("is_member", [True, False])
def test_a_mail_about_the_inbox_has_the_delivery_and_no_referral(is_member: bool) -> None:
    delivery = DeliveryId(IDS[2]) if is_member else None
    arrived = notice("inbox.arrived", data={"kind": "referral"}, delivery=delivery)
    message = written(arrived, DIRECTORY, URL)
    about = str(IDS[2]) if is_member else None
    assert message.data == {"id": str(IDS[0]), "delivery": about, "kind": "referral"}
    assert message.subject == "A referral is in the inbox of Stoke social care"


def test_a_notice_about_an_outage_is_of_no_organisation() -> None:
    data = {"outage": "1", "missing": [], "since": DUE["due_at"], "alarms": 1}
    stopped = notice("organisation.broker_stopped", data={**data, "unrouted": 1, "late": 2})
    message = written(stopped, DIRECTORY, URL)
    assert message.subject == "The broker has stopped: referrals are not sent on"
    assert message.data["kind"] == "organisation.broker_stopped"
