"""An agency's people are reminded before a deadline, once, and nothing about anybody."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from broker.admin import operator_actions
from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.domain.ids import OrganisationCode
from broker.flow import inbox_notices, notify
from broker.flow.context import Context
from broker.policy.published.policy import documents_from
from tests.acceptance.conftest import World, sample
from tests.conftest import POLICIES, FixedClock
from tests.integration.inbox.conftest import OFFICE, Person
from tests.integration.inbox.test_arrivals import _texts, body
from tests.mail_server import MailServer
from tests.rows import rows


@pytest.fixture
def jo(enter: Callable[..., Person]) -> Person:
    return enter(OFFICE, "Jo Example", "answer", "administer")


@pytest.fixture
def due_at(context: Context, world: World, with_mail: MailServer, jo: Person) -> datetime:
    """When the office has to take on a referral of which its people were told."""
    world.routed(sample(12))
    inbox_notices.announce(context)
    notify.notify(context)
    with_mail.got.clear()
    ((at,),) = rows(context, "select acknowledge_by from delivery where agency = %s", OFFICE)
    assert isinstance(at, datetime)
    return at


def reminded(context: Context, with_mail: MailServer) -> list[tuple[list[str], str]]:
    before = len(with_mail.got)
    inbox_notices.remind(context)
    notify.notify(context, kinds=[inbox_notices.NEAR])
    return [(recipients, body(mail)) for recipients, mail in with_mail.got[before:]]


def test_a_near_deadline_is_reminded_of_once(
    context: Context, clock: FixedClock, with_mail: MailServer, due_at: datetime, jo: Person
) -> None:
    clock.now = due_at - timedelta(minutes=31)
    assert reminded(context, with_mail) == []
    clock.now = due_at - timedelta(minutes=29)
    ((recipients, text),) = reminded(context, with_mail)
    assert recipients == ["jo.example@example.org"]
    assert "is due soon" in text
    assert "Take it on by" in text
    assert "/inbox/items/" in text
    assert [word for word in _texts(sample(12)) if len(word) > 6 and word in text] == []
    assert reminded(context, with_mail) == []
    assert rows(
        context, "select state, member from notice where kind = %s", inbox_notices.NEAR
    ) == [("sent", jo.id)]


def test_a_missed_deadline_and_one_that_is_met_are_not_reminded_of(
    context: Context, clock: FixedClock, with_mail: MailServer, due_at: datetime, jo: Person
) -> None:
    clock.now = due_at + timedelta(seconds=1)
    assert reminded(context, with_mail) == []
    assert rows(context, "select count(*) from reminded") == [(0,)]


def test_who_deals_with_it_and_who_covers_are_reminded(
    context: Context,
    clock: FixedClock,
    with_mail: MailServer,
    enter: Callable[..., Person],
    due_at: datetime,
    jo: Person,
) -> None:
    sam = enter(OFFICE, "Sam Example", "answer")
    enter(OFFICE, "Kim Example", "answer")
    ((item,),) = rows(context, "select id from delivery where agency = %s", OFFICE)
    jo.post(f"/items/{item}/hand-over", to=str(sam.id))
    clock.now = due_at - timedelta(minutes=20)
    sam.browser.cookies.clear()
    assert [recipients for recipients, _ in reminded(context, with_mail)] == [
        ["sam.example@example.org"]
    ]


def test_where_who_deals_with_it_gets_no_mail_everybody_is_reminded(
    context: Context,
    clock: FixedClock,
    with_mail: MailServer,
    enter: Callable[..., Person],
    due_at: datetime,
    jo: Person,
) -> None:
    sam = enter(OFFICE, "Sam Example", "answer")
    ((item,),) = rows(context, "select id from delivery where agency = %s", OFFICE)
    jo.post(f"/items/{item}/hand-over", to=str(sam.id))
    sam.post("/team/mail", mail="no")
    clock.now = due_at - timedelta(minutes=20)
    assert [recipients for recipients, _ in reminded(context, with_mail)] == [
        ["jo.example@example.org"]
    ]


def test_who_was_told_just_now_is_not_told_twice(
    context: Context, world: World, clock: FixedClock, with_mail: MailServer, jo: Person
) -> None:
    world.routed(sample(12))
    ((due_at,),) = rows(context, "select acknowledge_by from delivery where agency = %s", OFFICE)
    clock.now = due_at - timedelta(minutes=10)
    inbox_notices.announce(context)
    assert reminded(context, with_mail) == []


def test_nobody_is_reminded_where_policy_does_not_say_so(
    context: Context, clock: FixedClock, with_mail: MailServer, due_at: datetime, jo: Person
) -> None:
    documents = documents_from(POLICIES)
    documents["policy.yaml"] = documents["policy.yaml"].replace("  remind_before: 30 minutes\n", "")
    publish(context.ledger, documents, now=clock.now, channels=CHANNELS.forms)
    context.policies._fresh_until = 0.0
    clock.now = due_at - timedelta(minutes=20)
    assert reminded(context, with_mail) == []


def waiting(
    context: Context, clock: FixedClock, with_mail: MailServer, due_at: datetime
) -> datetime:
    """Let a reminder wait for the mail server; return when it is tried again."""
    clock.now = due_at - timedelta(minutes=20)
    with_mail.answer = "451 try again later"
    assert reminded(context, with_mail) == []
    ((again_at,),) = rows(
        context,
        "select next_attempt_at from notice where kind = %s and state = 'due'",
        inbox_notices.NEAR,
    )
    with_mail.answer = "250 OK"
    assert isinstance(again_at, datetime)
    return again_at


def dropped(context: Context) -> list[str]:
    """Return why reminders were not sent, by the history; none is counted as failed."""
    found = rows(
        context,
        "select notice.state, notice.code, event.data ->> 'code' from notice "
        "join event on event.data ->> 'notice' = notice.id::text "
        "and event.kind = 'delivery.notice_dropped' where notice.kind = %s",
        inbox_notices.NEAR,
    )
    assert all(state == "void" and code == why for state, code, why in found)
    return [why for _, _, why in found]


def test_a_reminder_that_waited_is_sent_while_it_is_true(
    context: Context, clock: FixedClock, with_mail: MailServer, due_at: datetime, jo: Person
) -> None:
    clock.now = waiting(context, clock, with_mail, due_at)
    ((_, text),) = reminded(context, with_mail)
    assert "Take it on by" in text
    assert dropped(context) == []


def test_a_reminder_that_waited_until_the_deadline_passed_is_dropped(
    context: Context, clock: FixedClock, with_mail: MailServer, due_at: datetime, jo: Person
) -> None:
    waiting(context, clock, with_mail, due_at)
    clock.now = due_at + timedelta(minutes=1)
    assert reminded(context, with_mail) == []
    assert dropped(context) == ["passed"]


@pytest.mark.parametrize(
    ("stage", "why"), [("acknowledged", "met"), ("decided", "ended"), ("returned", "ended")]
)
def test_a_reminder_that_waited_until_somebody_answered_is_dropped(  # noqa: PLR0917
    context: Context,
    clock: FixedClock,
    world: World,
    with_mail: MailServer,
    due_at: datetime,
    jo: Person,
    stage: str,
    why: str,
) -> None:
    again_at = waiting(context, clock, with_mail, due_at)
    ((item,),) = rows(context, "select id::text from delivery where agency = %s", OFFICE)
    more = {"decided": {"outcome": "assessment"}, "returned": {"reason": "not_ours"}}.get(stage, {})
    world.answer(OFFICE, delivery=item, stage=stage, by="Jo Example", **more)
    clock.now = again_at
    assert reminded(context, with_mail) == []
    assert dropped(context) == [why]


def test_an_announcement_that_waited_tells_what_is_due_now_or_nothing(
    context: Context, world: World, clock: FixedClock, with_mail: MailServer, jo: Person
) -> None:
    world.routed(sample(12))
    ((due_at,),) = rows(context, "select acknowledge_by from delivery where agency = %s", OFFICE)
    with_mail.answer = "451 try again later"
    inbox_notices.announce(context)
    notify.notify(context, kinds=[inbox_notices.ARRIVED])
    clock.now = due_at + timedelta(minutes=1)
    notify.notify(context, kinds=[inbox_notices.ARRIVED])
    assert with_mail.got == []
    with_mail.answer = "250 OK"
    clock.now += timedelta(hours=5)
    notify.notify(context, kinds=[inbox_notices.ARRIVED])
    ((_, mail),) = with_mail.got
    assert "It was due by" in body(mail)
    assert "Take it on by" not in body(mail)


def test_an_announcement_of_what_was_taken_on_meanwhile_is_dropped(
    context: Context, world: World, clock: FixedClock, with_mail: MailServer, jo: Person
) -> None:
    world.routed(sample(12))
    ((item,),) = rows(context, "select id::text from delivery where agency = %s", OFFICE)
    with_mail.answer = "451 try again later"
    inbox_notices.announce(context)
    notify.notify(context, kinds=[inbox_notices.ARRIVED])
    with_mail.answer = "250 OK"
    world.answer(OFFICE, delivery=item, stage="acknowledged", by="Jo Example")
    clock.advance(minutes=5)
    notify.notify(context, kinds=[inbox_notices.ARRIVED])
    assert with_mail.got == []
    assert rows(
        context, "select state, code from notice where kind = %s", inbox_notices.ARRIVED
    ) == [("void", "met")]


def test_an_announcement_waits_for_the_end_of_a_suspension_however_long_it_is(
    context: Context, world: World, clock: FixedClock, with_mail: MailServer, jo: Person
) -> None:
    world.routed(sample(12))
    inbox_notices.announce(context)
    office = OrganisationCode(OFFICE)
    operator_actions.suspend_agency(context, office, by="person:Ops", reason="Test")
    for _ in range(60):
        notify.notify(context, kinds=[inbox_notices.ARRIVED])
        clock.advance(hours=5)
    query = "select state, code, attempt from notice where kind = %s"
    assert rows(context, query, inbox_notices.ARRIVED) == [("due", "not_offered", 0)]
    assert with_mail.got == []
    operator_actions.resume_agency(context, office, by="person:Ops", reason="Test")
    notify.notify(context, kinds=[inbox_notices.ARRIVED])
    ((_, mail),) = with_mail.got
    assert "It was due by" in body(mail)
