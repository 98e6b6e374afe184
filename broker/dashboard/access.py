"""Access to pages: the session in the cookie, the person's rights, and the check of forms."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.admin import sign_in
from broker.dashboard.openid_provider import Provider
from broker.dashboard.paths import ROOT
from broker.dashboard.snapshot import Watch
from broker.domain.codes import Right
from broker.errors import Denied, Malformed, TooLarge
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.ledger.people import SignedIn
from broker.settings import LOOPBACK
from broker.threads import Threaded

LARGEST_FORM = 16 * 1024
"""In bytes."""
_FORM_TYPE = "application/x-www-form-urlencoded"
_PERMITS: Mapping[Right, str] = {
    Right.VIEW: "see this page",
    Right.ACT: "do this",
    Right.REVEAL: "see the content of referrals",
    Right.REVEAL_RECALLED: "see the content of recalled referrals",
    Right.BULK: "replay or redirect many deliveries",
    Right.POLICY: "see policies",
}


class NotSignedIn(Denied):
    """Nobody is signed in, or the session has ended."""

    code = "not-signed-in"


class NoRight(Denied):
    """The person may not do this."""

    code = "no-right"


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
        if not secrets.compare_digest(form.get("token", ""), visit.form_token):
            raise NoRight(
                "This form is not from your session. Go back, reload the page and try again."
            )
        return await handler(visit, form)

    return endpoint


async def visiting(request: Request, right: Right) -> Visit:
    """Return the visit, and keep it for a page that shows an error.

    Raises NotSignedIn or NoRight.
    """
    desk, secret = desk_of(request), request.cookies.get(cookie_name(request), "")
    person = None
    if secret:
        now = desk.context.clock()
        person = await desk.run(sign_in.signed_in, desk.context.ledger, secret, now=now)
    if person is None:
        raise NotSignedIn("Sign in first.")
    request.state.visit = visit = Visit(request, desk, person, secret)
    if right not in person.rights:
        raise NoRight(f"You do not have permission to {_PERMITS[right]}. Ask your administrator.")
    return visit


async def form_of(request: Request) -> Mapping[str, str]:
    """Return the fields of a form that was sent from a page of ours.

    Raises NoRight for one from another site, Malformed or TooLarge.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NoRight("This form was sent from another website.")
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM_TYPE:
        raise Malformed("This is not a form.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise TooLarge(f"The form is over {LARGEST_FORM} bytes.")
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50))
    except ValueError as error:
        raise Malformed("We cannot read this form.") from error


def is_plain(request: Request) -> bool:
    """Tell whether this is plain HTTP on this very machine, where a Secure cookie would be lost."""
    return request.url.scheme == "http" and request.url.hostname in LOOPBACK


def cookie_name(request: Request) -> str:
    """Return the cookie's name: with the prefix that binds it to this host, over TLS."""
    return "broker-session" if is_plain(request) else "__Host-broker-session"


def remember(response: Response, request: Request, secret: str) -> Response:
    """Set the session's cookie: for this host and its own pages, out of reach of scripts."""
    response.set_cookie(
        cookie_name(request),
        secret,
        max_age=int(sign_in.SESSION_FOR.total_seconds()),
        path="/",
        secure=not is_plain(request),
        httponly=True,
        samesite="lax",
    )
    return response


def forget(response: Response, request: Request) -> Response:
    """Delete the session's cookie."""
    response.delete_cookie(
        cookie_name(request),
        path="/",
        secure=not is_plain(request),
        httponly=True,
        samesite="lax",
    )
    return response
