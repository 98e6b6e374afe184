"""Those who write a draft are emailed before it is deleted, once, and nothing about anybody."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from broker.flow import inbox_notices, notify
from broker.flow.context import Context
from tests.acceptance.conftest import World
from tests.conftest import FixedClock
from tests.integration.inbox.conftest import Person, with_mail
from tests.integration.inbox.test_arrivals import body
from tests.integration.referral_form.conftest import FORCE, Sergeant
from tests.mail_server import MailServer
from tests.rows import rows

__all__ = ["with_mail"]

WROTE = {"concern-category": "grooming", "concern-summary": "Zebedee was asked for pictures."}


@pytest.fixture(autouse=True)
def in_december(world: World) -> None:
    world.at("2026-12-01 10:00")


def told(context: Context, with_mail: MailServer) -> list[tuple[str, str]]:
    """Warn and send; return the recipient and the text of each new mail."""
    before = len(with_mail.got)
    inbox_notices.warn_of_drafts(context)
    notify.notify(context, kinds=[inbox_notices.DRAFT_EXPIRES])
    return [(recipients[0], body(mail)) for recipients, mail in with_mail.got[before:]]


def test_who_writes_a_draft_is_told_once_before_it_is_deleted(
    context: Context,
    clock: FixedClock,
    with_mail: MailServer,
    sergeant: Sergeant,
    enter: Callable[..., Person],
) -> None:
    enter(FORCE, "Lee Other", "publish")
    draft = sergeant.begin("SP/2026/77")
    sergeant.fill("what-happened", WROTE)
    clock.advance(days=11, hours=23)
    assert told(context, with_mail) == []
    clock.advance(hours=2)
    ((recipient, text),) = told(context, with_mail)
    assert recipient == "sam.example@example.org"
    assert f"/inbox/referrals/drafts/{draft}" in text
    assert "It is deleted on Tuesday 15 December 2026, 10:00" in text
    for word in ("Zebedee", "SP/2026/77", "grooming"):
        assert word not in text
    assert told(context, with_mail) == []
    assert rows(context, "select state, member from notice") == [("sent", sergeant.person.id)]


def test_a_draft_that_is_saved_again_is_told_of_again(
    context: Context, clock: FixedClock, with_mail: MailServer, sergeant: Sergeant
) -> None:
    sergeant.begin("SP/1")
    clock.advance(days=13)
    assert len(told(context, with_mail)) == 1
    ((expires_at,),) = rows(context, "select expires_at from draft")
    rows(context, "update draft set expires_at = %s returning id", expires_at + timedelta(days=14))
    assert told(context, with_mail) == []
    clock.advance(days=13)
    assert len(told(context, with_mail)) == 1


def test_who_left_is_not_told_and_somebody_who_may_send_is(
    context: Context,
    clock: FixedClock,
    with_mail: MailServer,
    sergeant: Sergeant,
    enter: Callable[..., Person],
) -> None:
    sergeant.begin("SP/1")
    enter(FORCE, "Lee Other", "publish")
    enter(FORCE, "Kim Reader", "read")
    rows(
        context,
        "update member set disabled_at = %s where id = %s returning id",
        context.clock(),
        sergeant.person.id,
    )
    clock.advance(days=13)
    assert [recipient for recipient, _ in told(context, with_mail)] == ["lee.other@example.org"]


def test_an_email_that_waited_while_the_draft_was_deleted_is_dropped(
    context: Context, clock: FixedClock, with_mail: MailServer, sergeant: Sergeant
) -> None:
    sergeant.begin("SP/1")
    clock.advance(days=13)
    with_mail.answer = "451 try again later"
    assert told(context, with_mail) == []
    rows(
        context,
        "update draft set body = null, ended_at = %s, ended_because = 'deleted' returning id",
        context.clock(),
    )
    with_mail.answer = "250 OK"
    clock.advance(minutes=5)
    assert told(context, with_mail) == []
    assert rows(context, "select state, code from notice") == [("void", "ended")]
    assert rows(
        context,
        "select kind, data ->> 'code' from event where kind like '%%notice_dropped'",
    ) == [("organisation.notice_dropped", "ended")]


def test_the_navigation_counts_the_drafts_of_the_force(
    context: Context, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    assert ">Your referrals</a>" in sergeant.get("/")
    sergeant.begin("SP/1")
    assert ">Your referrals (1 draft)</a>" in sergeant.get("/")
    colleague = enter(FORCE, "Kim Example", "publish")
    Sergeant(colleague).begin("SP/2")
    assert ">Your referrals (2 drafts)</a>" in colleague.get("/")
    other = enter("west-mercia-police", "Lee Example", "publish")
    assert ">Your referrals</a>" in other.get("/")
