"""Access to the inbox: the session in the cookie, and what the person may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request

from broker.admin import membership
from broker.admin.sign_in import form_token
from broker.domain.codes import MemberRight
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.flow.inbox_notices import INBOX
from broker.inbox.mails import Mails
from broker.ledger.members import SignedInMember
from broker.threads import Threaded
from broker.web.access import Access
from broker.web.openid_provider import Provider
from broker.web.session_cookie import SessionCookie

COOKIE = SessionCookie("broker-inbox", membership.SESSION_FOR)
LARGEST_FORM = 64 * 1024
"""In bytes: a note may have 4,000 characters, each of up to 12 bytes in a form."""
_PERMITS: Mapping[MemberRight, str] = {
    MemberRight.READ: "read referrals",
    MemberRight.ANSWER: "answer referrals",
    MemberRight.PUBLISH: "send referrals",
    MemberRight.ADMINISTER: "change who may use this inbox",
}


@dataclass(frozen=True, slots=True)
class Inboxes(Threaded):
    """The parts of the inbox in one process."""

    context: Context
    mails: Mails = field(default_factory=Mails)
    provider: Provider | None = None
    """Where people of some organisations sign in."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a person who is signed in."""

    request: Request
    inboxes: Inboxes
    person: SignedInMember
    secret: str = field(repr=False)

    @property
    def context(self) -> Context:
        """The parts of the process."""
        return self.inboxes.context

    @property
    def agency(self) -> OrganisationCode:
        """The person's organisation: nothing of another one is ever shown."""
        return self.person.organisation

    @property
    def actor(self) -> str:
        """How the history names the person: by id, because events hold no names."""
        return self.person.actor

    @property
    def form_token(self) -> str:
        """The token that every form of this session has."""
        return form_token(self.secret)

    def may(self, right: MemberRight) -> bool:
        """Tell whether the person has a right."""
        return right in self.person.rights


def inboxes_of(request: Request) -> Inboxes:
    """Return what serves a request."""
    return cast("Inboxes", request.app.state.inboxes)


async def _signed_in(request: Request) -> Visit | None:
    inboxes, secret = inboxes_of(request), COOKIE.secret(request)
    if not secret:
        return None
    person = await inboxes.run(membership.signed_in, inboxes.context, secret)
    return Visit(request, inboxes, person, secret) if person else None


ACCESS: Access[MemberRight, Visit] = Access(
    INBOX,
    _signed_in,
    _PERMITS,
    ask="Ask the person in your organisation who looks after this inbox.",
    largest_form=LARGEST_FORM,
)
