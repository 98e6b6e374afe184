"""Text messages by a Notify on loopback: one sentence and a link, to numbers that were checked."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.admin.publish_policy import publish
from broker.bootstrap import notifiers
from broker.channels.registry import CHANNELS
from broker.domain.codes import NoticeChannel
from broker.errors import PolicyError
from broker.flow.context import Context
from broker.flow.inbox_notices import announce, remind
from broker.flow.notify import ATTEMPTS, notify
from broker.notices.base import Deferred, Message, Refused, Sent
from broker.notices.sms import LONGEST, Sms
from broker.policy.published.policy import documents_from
from tests.acceptance.conftest import World, sample, world
from tests.conftest import POLICIES, FixedClock
from tests.integration.inbox.conftest import Person, enter
from tests.notify_server import NotifyServer, notify_server
from tests.rows import rows

__all__ = ["enter", "world"]
MESSAGE = Message(
    "0193", "Deadline missed", "In words.\n", {}, "Stoke missed a deadline. https://x"
)
NUMBER = "07700 900123"
STOKE = "stoke-csc"


@pytest.fixture
def gateway(clock: FixedClock) -> Iterator[NotifyServer]:
    with notify_server(clock) as served:
        yield served


@pytest.fixture
def texting(context: Context, gateway: NotifyServer) -> Context:
    """A broker that sends text messages and nothing else."""
    settings = replace(
        context.settings, notify=gateway.service, public_url="https://broker.example.org"
    )
    sends = {**context.notifiers, **notifiers(settings, context.clock)}
    return replace(context, settings=settings, notifiers=sends)


def test_a_message_is_one_sentence_under_the_notices_id(gateway: NotifyServer) -> None:
    sms = Sms(gateway.service, clock=gateway.clock)
    assert sms.send(NUMBER, MESSAGE) == Sent()
    assert sms.send(NUMBER, replace(MESSAGE, short="x" * 1000)) == Sent()
    first, second = gateway.sent
    assert first["personalisation"] == {"message": MESSAGE.short}
    assert (first["phone_number"], first["reference"]) == (NUMBER, "0193")
    assert len(second["personalisation"]["message"]) == LONGEST


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Refused("sms_http_400")),
        (429, Deferred("sms_http_429")),
        (500, Deferred("sms_http_500", is_unavailable=True)),
        (302, Refused("sms_http_302")),
    ],
)
def test_what_may_help_is_tried_again(gateway: NotifyServer, status: int, expected: object) -> None:
    gateway.instead.append(status)
    assert Sms(gateway.service, clock=gateway.clock).send(NUMBER, MESSAGE) == expected


def test_a_wrong_key_and_a_wrong_clock_are_put_right_by_people(gateway: NotifyServer) -> None:
    other = replace(gateway.service, secret="99992222-3333-4444-8555-666677778888")
    refused = Deferred("sms_key_refused", is_unavailable=True)
    assert Sms(other, clock=gateway.clock).send(NUMBER, MESSAGE) == refused
    ahead = gateway.clock.now + timedelta(minutes=5)
    assert Sms(gateway.service, clock=lambda: ahead).send(NUMBER, MESSAGE) == refused
    assert gateway.sent == []


def test_a_gateway_that_is_away_is_unavailable(gateway: NotifyServer) -> None:
    away = replace(gateway.service, url="http://127.0.0.1:1")
    outcome = Sms(away, clock=gateway.clock).send(NUMBER, MESSAGE)
    assert outcome == Deferred("sms_unavailable", is_unavailable=True)


def test_the_secret_shows_nowhere(gateway: NotifyServer) -> None:
    assert gateway.service.secret not in repr(gateway.service)


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "as it must be": ({}, ""),
    "words of its own": ({"template": "Broker: ((message))"}, "must be ((message))"),
    "without the message": ({"template": "Ring us."}, "must be ((message))"),
    "for letters": ({"kind": "letter"}, "not one for text messages"),
    "gone": ({"instead": [404]}, "no such template"),
    "refused": ({"instead": [403]}, "the key is refused"),
    "ill": ({"instead": [500]}, "answers with 500"),
    "somebody else": ({"instead": [200]}, "not as Notify does"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_set_up_that_cannot_work_is_found_and_nothing_is_sent(
    gateway: NotifyServer, case: str
) -> None:
    changes, expected = FAULTS[case]
    for name, value in changes.items():
        setattr(gateway, name, value)
    fault = Sms(gateway.service, clock=gateway.clock).check()
    assert (expected in fault) if expected else fault == ""
    assert gateway.sent == []


def with_mobile(number: str) -> dict[str, str]:
    """Return the shipped policy, whose duty contact of Stoke has a mobile."""
    duty = "email: duty@stoke-csc.example.org"
    return {
        name: text.replace(duty, f"{duty}, sms: {number!r}").replace(
            "by: [email, webhook]", "by: [email, webhook, sms]"
        )
        for name, text in documents_from(POLICIES).items()
    }


def test_an_escalation_reaches_the_mobile_of_a_contact(
    world: World, texting: Context, gateway: NotifyServer
) -> None:
    documents = with_mobile(NUMBER)
    publish(texting.ledger, documents, now=world.clock.now, channels=CHANNELS.forms)
    world.at("2026-12-21 10:00")
    document = sample(1)
    world.routed(document)
    world.at("2026-12-21 14:01")
    world.watch()
    notify(texting)
    messages = [sent["personalisation"]["message"] for sent in gateway.sent]
    assert messages, rows(texting, "select channel, state, code from notice")
    assert all(sent["phone_number"] == NUMBER for sent in gateway.sent)
    assert any("missed the deadline" in message for message in messages)
    for secret in (document["reference"], document["children"][0]["given_name"]):
        assert all(secret not in message for message in messages)
    states = rows(texting, "select distinct state from notice where channel = 'sms'")
    assert states == [("sent",)]


@pytest.mark.parametrize("number", ["01632 960123", "999", "+33 6 12 34 56 78", "07700 90012x"])
def test_a_number_that_is_no_mobile_is_refused_by_the_policy(
    texting: Context, clock: FixedClock, number: str
) -> None:
    with pytest.raises(PolicyError):
        publish(texting.ledger, with_mobile(number), now=clock.now, channels=CHANNELS.forms)


@pytest.fixture
def jo(enter: Callable[..., Person], texting: Context, context: Context) -> Person:
    """Somebody of Stoke who answers; the inbox sends text messages."""
    context.notifiers[NoticeChannel.SMS] = texting.notifiers[NoticeChannel.SMS]  # type: ignore[index]
    return enter(STOKE, "Jo Example", "answer", "administer")


def test_a_member_gives_a_number_and_hears_of_what_arrives_and_is_due(
    jo: Person, world: World, texting: Context, gateway: NotifyServer
) -> None:
    jo.post("/team/mobile", mobile="07700 900 123")
    assert rows(texting, "select number from member_mobile") == [("+447700900123",)]
    assert 'value="+447700900123"' in jo.get("/team")
    world.at("2026-12-21 10:00")
    world.routed(sample(1))
    assert announce(texting) == 1
    notify(texting)
    ((sent,)) = gateway.sent
    message = sent["personalisation"]["message"]
    assert sent["phone_number"] == "+447700900123"
    assert message.startswith("A referral is in the referral inbox of Stoke-on-Trent")
    assert "https://broker.example.org/inbox/items/" in message
    assert "\n" not in message
    assert json.dumps(sample(1)["children"][0]["given_name"])[1:-1] not in message
    world.at("2026-12-21 13:45")
    assert remind(texting) == 1
    notify(texting)
    assert len(gateway.sent) == 2
    assert "is due soon" in gateway.sent[1]["personalisation"]["message"]


def test_a_number_is_taken_away_again(jo: Person, world: World, texting: Context) -> None:
    jo.post("/team/mobile", mobile=NUMBER)
    jo.post("/team/mobile", mobile="")
    assert rows(texting, "select number from member_mobile") == [(None,)]
    world.at("2026-12-21 10:00")
    world.routed(sample(1))
    announce(texting)
    assert rows(texting, "select count(*) from notice where channel = 'sms'") == [(0,)]


def test_who_is_disabled_gets_no_message(
    jo: Person, enter: Callable[..., Person], world: World, texting: Context, gateway: NotifyServer
) -> None:
    jo.post("/team/mobile", mobile=NUMBER)
    sam = enter(STOKE, "Sam Example", "answer", "administer")
    world.at("2026-12-21 10:00")
    world.routed(sample(1))
    announce(texting)
    sam.post(f"/team/{jo.id}", do="disable")
    for _ in range(ATTEMPTS):
        notify(texting)
    assert gateway.sent == []
    assert rows(texting, "select state, code from notice where channel = 'sms'") == [
        ("failed", "no_address")
    ]
    assert rows(texting, "select number from member_mobile") == [(None,)]


@pytest.mark.parametrize("number", ["01632 960123", "07700", "+1 202 555 0123", "a mobile"])
def test_what_is_no_mobile_is_said_beside_the_field(
    jo: Person, texting: Context, number: str
) -> None:
    answer = jo.post("/team/mobile", status=422, mobile=number)
    assert "Enter a UK mobile number" in answer.text
    (invite,) = re.findall(r'<form [^>]*>(?=(?:(?!</form>).)*name="email")', answer.text, re.DOTALL)
    assert 'action="/inbox/team"' in invite  # this page has another address
    assert rows(texting, "select count(*) from member_mobile") == [(0,)]
