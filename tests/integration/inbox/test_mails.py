"""A mail server that says nothing holds up nobody, and what was not sent is shown."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from broker.admin import membership
from broker.domain.codes import NoticeChannel
from broker.flow.context import Context
from broker.inbox import mails
from broker.notices.email import Email
from tests.conftest import eventually
from tests.integration.gateway.conftest import listening
from tests.integration.inbox.conftest import OFFICE, TOKEN, Person
from tests.mail_server import MailServer
from tests.rows import rows

HUNG = 4.0
"""Seconds after which a mail to a server that says nothing is given up."""


@pytest.fixture
def url(context: Context) -> Iterator[str]:
    """The address of a gateway whose mail server accepts connections and says nothing."""
    notifiers: Any = context.notifiers
    with socket.create_server(("127.0.0.1", 0)) as silent, listening(context) as address:
        notifiers[NoticeChannel.EMAIL] = Email(
            f"smtp://127.0.0.1:{silent.getsockname()[1]}",
            sender="broker@broker.example.org",
            clock=context.clock,
            total_seconds=HUNG,
        )
        yield address


@pytest.fixture
def jo(context: Context, url: str, enter: Callable[..., Person]) -> Iterator[httpx2.Client]:
    """Somebody who looks after an inbox, in a browser of their own."""
    person = enter(OFFICE, "Jo Example", "answer", "administer")
    link = membership.new_link(context.ledger, person.id, url="", now=context.clock())
    with httpx2.Client(base_url=url, timeout=30) as browser:
        assert browser.post(link, data={"next": ""}).status_code == 303
        yield browser


def invite(browser: httpx2.Client, name: str) -> httpx2.Response:
    (token,) = set(TOKEN.findall(browser.get("/inbox/").text))
    form = {"token": token, "name": name, "email": f"{name.lower()}@example.org"}
    return browser.post("/inbox/team", data=form, follow_redirects=True)


def test_a_silent_mail_server_holds_up_nobodys_reading(url: str, jo: httpx2.Client) -> None:
    began = time.monotonic()
    for number in range(8):
        assert "is on its way" in invite(jo, f"Sam{number}").text
    assert jo.get("/inbox/").status_code == 200
    assert time.monotonic() - began < HUNG


def test_that_an_invitation_was_not_sent_is_shown_until_one_is(
    context: Context, url: str, jo: httpx2.Client, mail: MailServer
) -> None:
    invite(jo, "Sam")
    assert "Email not sent" not in jo.get("/inbox/team").text
    eventually(lambda: "Email not sent" in jo.get("/inbox/team").text, within=HUNG + 20)
    assert rows(context, "select link_failed_because from member where name = 'Sam'") == [
        ("mail_server_unavailable",)
    ]
    notifiers: Any = context.notifiers
    notifiers[NoticeChannel.EMAIL] = Email(
        mail.url, sender="broker@broker.example.org", clock=context.clock
    )
    invite(jo, "Sam")
    eventually(lambda: mail.got)
    eventually(lambda: "Email not sent" not in jo.get("/inbox/team").text)


def test_more_invitations_than_are_sent_at_a_time_are_shown_as_not_sent(
    context: Context, url: str, jo: httpx2.Client
) -> None:
    for number in range(mails.MOST + 2):
        invite(jo, f"Sam{number}")
    assert rows(
        context, "select name from member where link_failed_because = 'too_many' order by name"
    ) == [("Sam20",), ("Sam21",)]
    assert len(re.findall("Too many emails", jo.get("/inbox/team").text)) == 2
