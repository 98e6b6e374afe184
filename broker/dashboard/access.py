"""Access to pages: the session in the cookie, and the person's rights."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.admin import sign_in
from broker.dashboard.openid_provider import Provider
from broker.dashboard.paths import ROOT
from broker.dashboard.snapshot import Frame, Watch
from broker.domain.codes import Right
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.ledger.people import SignedIn
from broker.threads import Threaded
from broker.web.forms import check_token, form_of
from broker.web.session_cookie import NoRight, NotSignedIn, SessionCookie

COOKIE = SessionCookie("broker-session", sign_in.SESSION_FOR)
_PERMITS: Mapping[Right, str] = {
    Right.VIEW: "see this page",
    Right.ACT: "do this",
    Right.REVEAL: "see the content of referrals",
    Right.REVEAL_RECALLED: "see the content of recalled referrals",
    Right.BULK: "replay or redirect many deliveries",
    Right.POLICY: "see policies",
}


@dataclass(frozen=True, slots=True)
class Desk(Threaded):
    """The parts of the pages for ops in one process."""

    context: Context
    watch: Watch
    health: HealthWatch
    provider: Provider | None = None
    """Where people sign in, if not by links alone."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a person who is signed in."""

    request: Request
    desk: Desk
    person: SignedIn
    secret: str = field(repr=False)
    frame: Frame
    """What every page shows beside its own figures."""

    @property
    def by(self) -> str:
        """How the history names the person."""
        return f"person:{self.person.name}"

    @property
    def form_token(self) -> str:
        """The token that every form of this session has."""
        return sign_in.form_token(self.secret)

    def may(self, right: Right) -> bool:
        """Tell whether the person has a right."""
        return right in self.person.rights


Handler = Callable[[Visit], Awaitable[Response]]
FormHandler = Callable[[Visit, Mapping[str, str]], Awaitable[Response]]


def desk_of(request: Request) -> Desk:
    """Return the desk that serves a request."""
    return cast("Desk", request.app.state.desk)


def shown(right: Right, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for people who have the right; others must sign in, or are refused."""

    async def endpoint(request: Request) -> Response:
        try:
            visit = await visiting(request, right)
        except NotSignedIn:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{ROOT}/sign-in?{urlencode({'next': wanted})}", 303)
        return await handler(visit)

    return endpoint


def submitted(right: Right, handler: FormHandler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for a form of our pages, sent by a person who has the right."""

    async def endpoint(request: Request) -> Response:
        visit = await visiting(request, right)
        form = await form_of(request)
        check_token(form, visit.form_token)
        try:
            return await handler(visit, form)
        finally:  # the page that follows shows what was done
            visit.desk.watch.forget()

    return endpoint


async def visiting(request: Request, right: Right) -> Visit:
    """Return the visit, and keep it for a page that shows an error.

    Raises NotSignedIn or NoRight.
    """
    desk, secret = desk_of(request), COOKIE.secret(request)
    visitor = await desk.run(_visitor, desk, secret) if secret else None
    if visitor is None:
        raise NotSignedIn("Sign in first.")
    person, frame = visitor
    request.state.visit = visit = Visit(request, desk, person, secret, frame)
    if right not in person.rights:
        raise NoRight(f"You do not have permission to {_PERMITS[right]}. Ask your administrator.")
    return visit


def _visitor(desk: Desk, secret: str) -> tuple[SignedIn, Frame] | None:
    """Return who is signed in, and what every page shows them."""
    now = desk.context.clock()
    person = sign_in.signed_in(desk.context.ledger, secret, now=now)
    return (person, desk.watch.frame()) if person else None
