"""Signing in by a one-time link or with a provider, and out again."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.admin import sign_in as sessions
from broker.dashboard.access import Visit, desk, forget, form_of, remember
from broker.dashboard.openid_provider import Provider, ProviderAway, ProviderWrong
from broker.dashboard.paths import ROOT, own_path
from broker.dashboard.rendering import page
from broker.errors import Denied, NotFound


async def how(request: Request) -> Response:
    """Say how to sign in."""
    return _how(request, ended="signed-out" in request.query_params)


async def signed_out(request: Request) -> Response:
    """Say that it is over, at the provider as well."""
    return _how(request, ended=True)


def _how(request: Request, *, ended: bool) -> Response:
    after = own_path(request.query_params.get("next", ""))
    with_provider = desk(request).provider is not None
    return page("sign_in", visit=None, ended=ended, after=after, with_provider=with_provider)


async def offer(request: Request) -> Response:
    """Ask whether to sign in: a link that a mail program looks at first is not used up by it."""
    here, link = desk(request), request.path_params["link"]
    now = here.context.clock()
    name = await here.run(here.context.ledger.people.link_owner, sessions.digest(link), now=now)
    return page("offer", 200 if name else 410, visit=None, name=name, link=link)


async def sign_in(request: Request) -> Response:
    """Use the link up and begin a session. Raises Denied."""
    await form_of(request)
    here = desk(request)
    now = here.context.clock()
    try:
        link = request.path_params["link"]
        secret = await here.run(sessions.sign_in, here.context.ledger, link, now=now)
    except Denied:
        return page("offer", 410, visit=None, name=None, link="")
    return remember(RedirectResponse(f"{ROOT}/", 303), request, secret)


async def to_provider(request: Request) -> Response:
    """Lead to the provider."""
    return await _provider(request).ask(
        request, after=own_path(request.query_params.get("next", ""))
    )


async def from_provider(request: Request) -> Response:
    """Begin a session for whom the provider vouches. Raises Denied for whoever has no right."""
    here, provider = desk(request), _provider(request)
    state = request.query_params.get("state", "")
    who, after = await provider.answered(request)
    secret = await here.run(
        sessions.sign_in_as,
        here.context.ledger,
        who,
        provider.rights_of,
        answer=state,
        now=here.context.clock(),
        new_id=here.context.new_id,
    )
    return remember(RedirectResponse(own_path(after), 303), request, secret)


async def sign_out(visit: Visit, _: Mapping[str, str]) -> Response:
    """End the session; whom a provider let in is signed out there, too, where it can be done."""
    context, provider = visit.desk.context, visit.desk.provider
    by_provider = await visit.desk.run(
        sessions.sign_out, context.ledger, visit.secret, now=context.clock()
    )
    answer: Response = RedirectResponse(f"{ROOT}/sign-in?signed-out", 303)
    if by_provider and provider is not None:
        answer = await _out_there(provider)
    return forget(answer, visit.request)


async def _out_there(provider: Provider) -> Response:
    """Return a page that leads on to the provider: a form may not lead to another site itself."""
    try:
        url = await provider.way_out()
    except (ProviderAway, ProviderWrong):
        url = None
    answer = page("signed_out", visit=None, url=url)
    if url:
        answer.headers["Refresh"] = f"0; url={url}"
    return answer


def _provider(request: Request) -> Provider:
    found = desk(request).provider
    if found is None:
        raise NotFound("No provider is set up here: sign in by a one-time link.")
    return found
