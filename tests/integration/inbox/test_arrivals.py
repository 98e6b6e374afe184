"""An agency's people are told by email what arrived, once, and nothing about anybody."""

import json
from collections.abc import Callable
from email import message_from_string
from email.policy import default

import pytest

from broker.admin import operator_actions
from broker.domain.ids import OrganisationCode
from broker.flow import inbox_notices, notify
from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.integration.inbox.conftest import OFFICE, Person
from tests.mail_server import MailServer
from tests.rows import rows


def body(mail: str) -> str:
    return message_from_string(mail, policy=default).get_content()


def told(context: Context, with_mail: MailServer) -> list[tuple[list[str], str]]:
    """Announce and send; return the recipients and the text of each new mail."""
    before = len(with_mail.got)
    inbox_notices.announce(context)
    notify.notify(context)
    return [(recipients, body(mail)) for recipients, mail in with_mail.got[before:]]


@pytest.fixture
def jo(enter: Callable[..., Person]) -> Person:
    return enter(OFFICE, "Jo Example", "answer", "administer")


def test_who_answers_is_told_once(
    context: Context, world: World, with_mail: MailServer, enter: Callable[..., Person], jo: Person
) -> None:
    enter(OFFICE, "Lee Reader")
    enter("shropshire-csc", "Kim Example", "answer")
    world.routed(sample(12))
    ((recipients, text),) = told(context, with_mail)
    assert recipients == ["jo.example@example.org"]
    ((item,),) = rows(context, "select id from delivery where agency = %s", OFFICE)
    assert f"/inbox/items/{item}" in text
    assert "Take it on by" in text
    assert told(context, with_mail) == []
    assert rows(context, "select state, member from notice where kind = 'inbox.arrived'") == [
        ("sent", jo.id)
    ]


def test_a_mail_says_nothing_about_anybody(
    context: Context, world: World, with_mail: MailServer, jo: Person
) -> None:
    document = sample(6)
    world.routed(document)
    told(context, with_mail)
    ((_, got),) = with_mail.got
    mail = got.replace("social=20care", "").replace("social care", "")  # the office's own name
    texts = [text for text in _texts(document) if len(text) > 3]
    assert len(texts) > 40
    assert [text for text in texts if text in mail] == []


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else [json.dumps(value)]


def test_nobody_is_told_while_delivery_is_suspended_and_everybody_afterwards(
    context: Context, world: World, with_mail: MailServer, jo: Person
) -> None:
    world.routed(sample(12))
    office = OrganisationCode(OFFICE)
    operator_actions.suspend_agency(context, office, by="person:Ops", reason="Test")
    assert told(context, with_mail) == []
    operator_actions.resume_agency(context, office, by="person:Ops", reason="Test")
    assert len(told(context, with_mail)) == 1


def test_who_wants_no_mail_gets_none(
    context: Context, world: World, with_mail: MailServer, jo: Person
) -> None:
    jo.post("/team/mail", mail="no")
    world.routed(sample(12))
    assert told(context, with_mail) == []
    jo.post("/team/mail", mail="yes")
    assert len(told(context, with_mail)) == 1


def test_whose_access_ended_meanwhile_is_not_told(
    context: Context, world: World, with_mail: MailServer, enter: Callable[..., Person], jo: Person
) -> None:
    sam = enter(OFFICE, "Sam Example", "answer")
    world.routed(sample(12))
    inbox_notices.announce(context)
    jo.post(f"/team/{sam.id}", do="disable")
    notify.notify(context)
    assert [recipients for recipients, _ in with_mail.got] == [["jo.example@example.org"]]
    assert rows(context, "select state, code from notice where member = %s", sam.id) == [
        ("failed", "no_address")
    ]
