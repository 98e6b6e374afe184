"""An inbox with people who are signed in, over a broker with referrals."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from broker.admin import membership
from broker.admin.membership import Invited
from broker.domain.codes import MemberRight, NoticeChannel
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.notices.email import Email
from tests.mail_server import MailServer

OFFICE = "staffordshire-csc"
TOKEN = re.compile(r'name="token" value="([^"]+)"')


@dataclass
class Person:
    """Somebody in a browser of their own, signed in to an inbox."""

    browser: TestClient
    id: UUID

    def get(self, path: str, status: int = 200) -> str:
        """Return a page."""
        answer = self.browser.get(f"/inbox{path}", follow_redirects=False)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, path: str, status: int = 303, **form: str) -> Any:
        """Send a form with the token of the session."""
        (token,) = set(TOKEN.findall(self.get("/")))
        answer = self.browser.post(
            f"/inbox{path}", data={"token": token, **form}, follow_redirects=False
        )
        assert answer.status_code == status, answer.text
        return answer


@pytest.fixture
def enter(context: Context, client: TestClient) -> Callable[..., Person]:
    """Let somebody into an inbox: ``enter("staffordshire-csc", "Jo Example", "answer")``."""

    def make(organisation: str, name: str, *rights: str) -> Person:
        email = f"{name.lower().replace(' ', '.')}@example.org"
        invited = Invited(name, email, [MemberRight(right) for right in rights])
        id_ = membership.add(
            context.ledger,
            OrganisationCode(organisation),
            invited,
            by="test",
            now=context.clock(),
            new_id=context.new_id,
        )
        link = membership.new_link(context.ledger, id_, url="", now=context.clock())
        browser = TestClient(client.app, base_url="http://127.0.0.1")
        answer = browser.post(link, data={"next": ""}, follow_redirects=False)
        assert answer.status_code == 303
        return Person(browser, id_)

    return make


@pytest.fixture
def with_mail(context: Context, mail: MailServer) -> MailServer:
    """The mail server, set up for the broker."""
    notifiers: Any = context.notifiers
    notifiers[NoticeChannel.EMAIL] = Email(
        mail.url, sender="broker@broker.example.org", clock=context.clock
    )
    return mail
