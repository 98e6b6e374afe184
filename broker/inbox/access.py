"""Access to the inbox: the session in the cookie, and what the person may do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.admin import membership
from broker.admin.sign_in import form_token
from broker.domain.codes import MemberRight
from broker.domain.ids import OrganisationCode
from broker.flow.arrivals import INBOX
from broker.flow.context import Context
from broker.ledger.members import SignedInMember
from broker.threads import Threaded
from broker.web.forms import check_token, form_of
from broker.web.session_cookie import NoRight, NotSignedIn, SessionCookie

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
    mails: set[asyncio.Task[None]] = field(default_factory=set)
    """Links that are being sent."""


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
        return f"member:{self.person.id}"

    @property
    def form_token(self) -> str:
        """The token that every form of this session has."""
        return form_token(self.secret)

    def may(self, right: MemberRight) -> bool:
        """Tell whether the person has a right."""
        return right in self.person.rights


Handler = Callable[[Visit], Awaitable[Response]]
FormHandler = Callable[[Visit, Mapping[str, str]], Awaitable[Response]]


def inboxes_of(request: Request) -> Inboxes:
    """Return what serves a request."""
    return cast("Inboxes", request.app.state.inboxes)


def shown(right: MemberRight, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for people who have the right; others must sign in, or are refused."""

    async def endpoint(request: Request) -> Response:
        try:
            visit = await visiting(request, right)
        except NotSignedIn:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{INBOX}/sign-in?{urlencode({'next': wanted})}", 303)
        return await handler(visit)

    return endpoint


def submitted(right: MemberRight, handler: FormHandler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for a form of our pages, sent by a person who has the right."""

    async def endpoint(request: Request) -> Response:
        visit = await visiting(request, right)
        form = await form_of(request, largest=LARGEST_FORM)
        check_token(form, visit.form_token)
        return await handler(visit, form)

    return endpoint


async def visiting(request: Request, right: MemberRight) -> Visit:
    """Return the visit, and keep it for a page that shows an error.

    Raises NotSignedIn or NoRight.
    """
    inboxes, secret = inboxes_of(request), COOKIE.secret(request)
    person = None
    if secret:
        person = await inboxes.run(membership.signed_in, inboxes.context, secret)
    if person is None:
        raise NotSignedIn("Sign in first.")
    request.state.visit = visit = Visit(request, inboxes, person, secret)
    if right not in person.rights:
        raise NoRight(
            f"You do not have permission to {_PERMITS[right]}. Ask the person in your organisation "
            "who looks after this inbox."
        )
    return visit
