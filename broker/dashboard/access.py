"""Access to pages: the session in the cookie, and the person's rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request

from broker.admin import sign_in
from broker.dashboard.paths import ROOT
from broker.dashboard.snapshot import Frame, Watch
from broker.domain.codes import Right
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.ledger.people import SignedIn
from broker.threads import Threaded
from broker.web.access import Access
from broker.web.openid_provider import Provider
from broker.web.session_cookie import SessionCookie

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


def desk_of(request: Request) -> Desk:
    """Return the desk that serves a request."""
    return cast("Desk", request.app.state.desk)


async def _signed_in(request: Request) -> Visit | None:
    desk, secret = desk_of(request), COOKIE.secret(request)
    visitor = await desk.run(_visitor, desk, secret) if secret else None
    if visitor is None:
        return None
    person, frame = visitor
    return Visit(request, desk, person, secret, frame)


def _visitor(desk: Desk, secret: str) -> tuple[SignedIn, Frame] | None:
    """Return who is signed in, and what every page shows them."""
    now = desk.context.clock()
    person = sign_in.signed_in(desk.context.ledger, secret, now=now)
    return (person, desk.watch.frame()) if person else None


def _after_form(visit: Visit) -> None:
    """Let the page that follows show what was done."""
    visit.desk.watch.forget()


ACCESS: Access[Right, Visit] = Access(
    ROOT, _signed_in, _PERMITS, ask="Ask your administrator.", after_form=_after_form
)
