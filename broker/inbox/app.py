"""The inbox: the table of its addresses, and what surrounds them."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from broker.domain.codes import MemberRight
from broker.flow.context import Context
from broker.flow.inbox_notices import INBOX
from broker.inbox import acts, ask, item, items, rendering, signing_in, team
from broker.inbox.access import ACCESS, Inboxes
from broker.threads import FairThreads
from broker.web import assets, openid_provider
from broker.web.compression import Compression
from broker.web.errors import TITLES, handlers
from broker.web.openid_provider import Entrance, Provider

THREADS = 6
"""Ledger calls in progress at the same time."""
STATIC = Path(__file__).with_name("static")
ASSETS = dict.fromkeys(("inbox.css", "document.css"), "text/css")


_ENTRANCE = Entrance(INBOX, "broker-inbox-sign-in", needs_email=True)


def routes(provider: Provider | None = None) -> list[BaseRoute]:
    """Return every page, with the right that it needs."""
    shown, submitted = ACCESS.shown, ACCESS.submitted
    read, answer, administer = MemberRight.READ, MemberRight.ANSWER, MemberRight.ADMINISTER
    item_path = "/items/{id}"
    return [
        Route("/", shown(read, items.show)),
        Route("/", submitted(read, items.find), methods=["POST"]),
        Route(item_path, shown(read, item.show)),
        Route(f"{item_path}/print", shown(read, item.for_paper)),
        Route(f"{item_path}/take-on", submitted(answer, acts.take_on), methods=["POST"]),
        Route(f"{item_path}/decide", shown(answer, acts.ask_decision)),
        Route(f"{item_path}/decide", submitted(answer, acts.decide), methods=["POST"]),
        Route(f"{item_path}/return", shown(answer, acts.ask_return)),
        Route(f"{item_path}/return", submitted(answer, acts.return_), methods=["POST"]),
        Route(f"{item_path}/destroyed", submitted(answer, acts.destroyed), methods=["POST"]),
        Route(f"{item_path}/ask", shown(answer, ask.show)),
        Route(f"{item_path}/ask", submitted(answer, ask.send), methods=["POST"]),
        Route(f"{item_path}/hand-over", shown(answer, acts.ask_hand_over)),
        Route(f"{item_path}/hand-over", submitted(answer, acts.hand_over), methods=["POST"]),
        Route(f"{item_path}/deal-with", submitted(answer, acts.deal_with), methods=["POST"]),
        Route("/team", shown(read, team.show)),
        Route("/team", submitted(administer, team.invite), methods=["POST"]),
        Route("/team/cover", submitted(answer, team.cover), methods=["POST"]),
        Route("/team/mail", submitted(read, team.mail), methods=["POST"]),
        Route("/team/mobile", submitted(answer, team.mobile), methods=["POST"]),
        Route("/team/sign-in", submitted(administer, team.sign_in), methods=["POST"]),
        Route("/team/{id}", shown(administer, team.ask_change)),
        Route("/team/{id}", submitted(administer, team.change), methods=["POST"]),
        Route("/sign-in", signing_in.how),
        Route("/sign-in", signing_in.send_link, methods=["POST"]),
        Route("/signed-out", signing_in.signed_out),
        *_with_provider(provider),
        Route("/sign-in/{link}", signing_in.offer),
        Route("/sign-in/{link}", signing_in.sign_in, methods=["POST"]),
        Route("/sign-out", submitted(read, signing_in.sign_out), methods=["POST"]),
        Route("/static/{name}", asset),
    ]


def _with_provider(provider: Provider | None) -> list[BaseRoute]:
    if provider is None:
        return []
    middleware = [provider.middleware()]
    chosen = Route("/sign-in/inbox", signing_in.chosen, methods=["POST"], middleware=middleware)
    return [
        Route("/sign-in/provider", signing_in.to_provider, middleware=middleware),
        Route("/sign-in/answer", signing_in.from_provider, middleware=middleware),
        Route("/sign-in/inbox", signing_in.choose, middleware=middleware),
        chosen,
    ]


def mount(context: Context) -> list[BaseRoute]:
    """Return the inbox as a part of what is served."""
    provider = Provider.of(context.settings, _ENTRANCE, context.clock)
    app = Starlette(
        routes=routes(provider),
        middleware=[Middleware(Compression)],
        exception_handlers=handlers(_error_page, (*openid_provider.TITLES, *TITLES)),
    )
    app.state.inboxes = Inboxes(FairThreads(THREADS, THREADS), context, provider=provider)
    return [Route(INBOX, to_pages), Mount(INBOX, app)]


async def to_pages(request: Request) -> Response:
    """Lead from the address without a slash to the list."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{INBOX}/{query}", 308)


async def asset(request: Request) -> Response:
    """Return a style sheet."""
    return assets.asset(STATIC, ASSETS, request.path_params["name"])


async def _error_page(request: Request, status: int, title: str, message: str) -> Response:
    """Return the page of an error, with the navigation for a person who is signed in."""
    visit = getattr(request.state, "visit", None)
    return rendering.page("error", status, visit=visit, title=title, message=message)
