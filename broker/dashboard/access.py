"""Who looks at a page: the session in the cookie, the person's rights, and forms of our own."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast
from urllib.parse import parse_qsl, urlencode

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.admin import sign_in
from broker.dashboard.paths import ROOT
from broker.dashboard.snapshot import Watch
from broker.domain.codes import Right
from broker.errors import Denied, Malformed, TooLarge
from broker.flow.context import Context
from broker.ledger.people import SignedIn
from broker.settings import LOOPBACK

if TYPE_CHECKING:
    from broker.dashboard.openid_provider import Provider

LARGEST_FORM = 16 * 1024
"""In bytes."""
_FORM_TYPE = "application/x-www-form-urlencoded"
P = ParamSpec("P")
T = TypeVar("T")


class NotSignedIn(Denied):
    """Nobody is signed in, or the session has ended."""

    code = "not-signed-in"


class NoRight(Denied):
    """The person may not do this."""

    code = "no-right"


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of the pages for ops in one process."""

    context: Context
    watch: Watch
    threads: CapacityLimiter
    provider: Provider | None = None
    """Where people sign in, if not by links alone."""

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something that may wait for the ledger, without holding up anybody else."""
        return await to_thread.run_sync(partial(work, *args, **kwargs), limiter=self.threads)


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
        """What every form of this session bears."""
        return sign_in.form_token(self.secret)

    def may(self, right: Right) -> bool:
        """Tell whether the person has a right."""
        return right in self.person.rights


Handler = Callable[[Visit], Awaitable[Response]]
FormHandler = Callable[[Visit, Mapping[str, str]], Awaitable[Response]]


def desk(request: Request) -> Desk:
    """Return the desk that serves a request."""
    return cast("Desk", request.app.state.desk)


def shown(right: Right, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for whoever has the right; others are asked to sign in, or refused."""

    async def endpoint(request: Request) -> Response:
        try:
            visit = await visiting(request, right)
        except NotSignedIn:
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{ROOT}/sign-in?{urlencode({'next': asked})}", 303)
        return await handler(visit)

    return endpoint


def done(right: Right, handler: FormHandler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for a form of ours, sent by whoever has the right."""

    async def endpoint(request: Request) -> Response:
        visit = await visiting(request, right)
        form = await form_of(request)
        if not secrets.compare_digest(form.get("token", ""), visit.form_token):
            raise NoRight("This form is not from your session. Go back, reload the page, repeat.")
        return await handler(visit, form)

    return endpoint


async def visiting(request: Request, right: Right) -> Visit:
    """Return who looks, also kept for a page that says what went wrong.

    Raises NotSignedIn or NoRight.
    """
    here, secret = desk(request), request.cookies.get(cookie_name(request), "")
    found = None
    if secret:
        now = here.context.clock()
        found = await here.run(sign_in.signed_in, here.context.ledger, secret, now=now)
    if found is None:
        raise NotSignedIn("Sign in first.")
    request.state.visit = visit = Visit(request, here, found, secret)
    if right not in found.rights:
        raise NoRight(f"You have not the right '{right}'. Ask whoever runs the broker for it.")
    return visit


async def form_of(request: Request) -> Mapping[str, str]:
    """Return the fields of a form that was sent from a page of ours.

    Raises NoRight for one from another site, Malformed or TooLarge.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NoRight("This form came from another site.")
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
        raise Malformed("This form cannot be read.") from error


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
    """Take the session's cookie back."""
    response.delete_cookie(
        cookie_name(request),
        path="/",
        secure=not is_plain(request),
        httponly=True,
        samesite="lax",
    )
    return response
