"""Signing in by a one-time link, and out again."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.dashboard.access import ROOT, Visit, desk, forget, form_of, remember
from broker.dashboard.rendering import page
from broker.errors import Denied
from broker.flow import people


async def how(request: Request) -> Response:
    """Say how to sign in."""
    ended = "signed-out" in request.query_params
    return page("sign_in", visit=None, ended=ended, next=request.query_params.get("next", ""))


async def offer(request: Request) -> Response:
    """Ask whether to sign in: a link that a mail program looks at first is not used up by it."""
    here, link = desk(request), request.path_params["link"]
    now = here.broker.clock()
    name = await here.run(here.broker.ledger.link_owner, people.digest(link), now=now)
    return page("offer", 200 if name else 410, visit=None, name=name, link=link)


async def sign_in(request: Request) -> Response:
    """Use the link up and begin a session. Raises Denied."""
    await form_of(request)
    here = desk(request)
    now = here.broker.clock()
    try:
        link = request.path_params["link"]
        secret = await here.run(people.sign_in, here.broker.ledger, link, now=now)
    except Denied:
        return page("offer", 410, visit=None, name=None, link="")
    return remember(RedirectResponse(f"{ROOT}/", 303), request, secret)


async def sign_out(visit: Visit, _: Mapping[str, str]) -> Response:
    """End the session."""
    broker = visit.desk.broker
    await visit.desk.run(people.sign_out, broker.ledger, visit.secret, now=broker.clock())
    answer = RedirectResponse(f"{ROOT}/sign-in?signed-out", 303)
    return forget(answer, visit.request)
