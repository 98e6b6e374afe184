"""Signing in by a one-time link or with a provider, and signing out."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.admin import sign_in as sessions
from broker.dashboard.access import COOKIE, Visit, desk_of
from broker.dashboard.paths import ROOT
from broker.dashboard.rendering import page
from broker.errors import Denied, NotFound
from broker.web.forms import form_of
from broker.web.openid_provider import Provider
from broker.web.own_paths import own_path


async def how(request: Request) -> Response:
    """Show how to sign in."""
    return _how(request, ended="signed-out" in request.query_params)


async def signed_out(request: Request) -> Response:
    """Show that the person is signed out, at the provider as well."""
    return _how(request, ended=True)


def _how(request: Request, *, ended: bool) -> Response:
    after = own_path(request.query_params.get("next", ""), ROOT)
    with_provider = desk_of(request).provider is not None
    return page("sign_in", visit=None, ended=ended, after=after, with_provider=with_provider)


async def offer(request: Request) -> Response:
    """Ask whether to sign in, so that a mail program that opens the link does not use it up."""
    desk, link = desk_of(request), request.path_params["link"]
    now = desk.context.clock()
    name = await desk.run(desk.context.ledger.people.link_owner, sessions.digest(link), now=now)
    return page("offer", 200 if name else 410, visit=None, name=name, link=link)


async def sign_in(request: Request) -> Response:
    """Begin a session; the link cannot be used again. Raises Denied."""
    await form_of(request)
    desk = desk_of(request)
    now = desk.context.clock()
    try:
        link = request.path_params["link"]
        secret = await desk.run(sessions.sign_in, desk.context.ledger, link, now=now)
    except Denied:
        return page("offer", 410, visit=None, name=None, link="")
    return COOKIE.remember(RedirectResponse(f"{ROOT}/", 303), request, secret)


async def to_provider(request: Request) -> Response:
    """Redirect to the provider."""
    return await _provider(request).ask(
        request, after=own_path(request.query_params.get("next", ""), ROOT)
    )


async def from_provider(request: Request) -> Response:
    """Begin a session for a person whom the provider confirms. Raises Denied without rights."""
    desk, provider = desk_of(request), _provider(request)
    state = request.query_params.get("state", "")
    identity, after = await provider.answered(request)
    secret = await desk.run(
        sessions.sign_in_as,
        desk.context.ledger,
        identity,
        provider.rights_of,
        answer=state,
        now=desk.context.clock(),
        new_id=desk.context.new_id,
    )
    return COOKIE.remember(RedirectResponse(own_path(after, ROOT), 303), request, secret)


async def sign_out(visit: Visit, _: Mapping[str, str]) -> Response:
    """End the session, and lead on to the provider's own sign-out where there is one."""
    context, provider = visit.desk.context, visit.desk.provider
    by_provider = await visit.desk.run(
        sessions.sign_out, context.ledger, visit.secret, now=context.clock()
    )
    response: Response = RedirectResponse(f"{ROOT}/sign-in?signed-out", 303)
    if by_provider and provider is not None:
        response = await provider.leave(lambda url: page("signed_out", visit=None, url=url))
    return COOKIE.forget(response, visit.request)


def _provider(request: Request) -> Provider:
    provider = desk_of(request).provider
    if provider is None:
        raise NotFound("No sign-in provider is set up. Use a one-time link.")
    return provider
