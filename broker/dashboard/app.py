"""The pages for ops: the table of their addresses, and what surrounds them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from broker.dashboard import (
    actions,
    agencies,
    areas_page,
    bulk_actions,
    duty_page,
    escalations,
    flows_page,
    organisation_change,
    pages,
    policy_pages,
    rendering,
    signing_in,
    told_page,
    wording,
)
from broker.dashboard.access import ACCESS, Desk
from broker.dashboard.live import Changes, live
from broker.dashboard.paths import ROOT
from broker.dashboard.snapshot import Watch
from broker.domain.codes import Right
from broker.errors import BrokerError
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.threads import FairThreads
from broker.web import assets, openid_provider
from broker.web.compression import Compression
from broker.web.errors import TITLES, handlers
from broker.web.openid_provider import Entrance, Provider

THREADS = 4
"""Ledger calls in progress at the same time."""
STATIC = Path(__file__).with_name("static")
ASSETS = {
    "ops.css": "text/css",
    "pictures.css": "text/css",
    "live.js": "text/javascript",
    **{f"icon-{tone}.svg": "image/svg+xml" for tone in {*wording.TONES.values()}},
    "icon.svg": "image/svg+xml",
}
_ENTRANCE = Entrance(ROOT, "broker-sign-in", "You can still use a one-time link.")


def routes(provider: Provider | None = None) -> list[BaseRoute]:
    """Return every page, with the right that it needs."""
    shown, submitted = ACCESS.shown, ACCESS.submitted
    view, act, bulk = Right.VIEW, Right.ACT, Right.BULK
    return [
        Route("/", shown(view, duty_page.show)),
        Route("/figures", shown(view, pages.figures)),
        Route("/live", shown(view, live)),
        Route("/search", shown(view, pages.search)),
        Route("/attention", shown(view, pages.attention)),
        Route("/notices", shown(view, pages.notices)),
        Route("/areas", shown(view, areas_page.show)),
        Route("/flows", shown(view, flows_page.show)),
        Route("/silent", shown(view, pages.silent)),
        Route("/questions", shown(view, pages.questions)),
        Route("/agencies", shown(view, agencies.listed)),
        Route("/agencies/{code}", shown(view, agencies.show)),
        Route("/agencies/{code}/take-on", shown(act, escalations.of_agency)),
        Route("/agencies/{code}/take-on", submitted(act, escalations.turn_all), methods=["POST"]),
        Route("/agencies/{code}/change", shown(act, organisation_change.ask)),
        Route(
            "/agencies/{code}/change", submitted(act, organisation_change.change), methods=["POST"]
        ),
        Route("/escalations", shown(view, escalations.listed)),
        Route("/escalations/{id}", shown(view, escalations.show)),
        Route("/escalations/{id}", submitted(act, escalations.turn), methods=["POST"]),
        Route("/referrals/{id}", shown(view, pages.referral)),
        Route("/referrals/{id}/told", shown(view, told_page.show)),
        Route("/referrals/{id}/told.csv", shown(view, told_page.download)),
        Route("/act/reveal/{subject}", shown(Right.REVEAL, actions.ask_to_reveal)),
        Route("/act/reveal/{subject}", submitted(Right.REVEAL, actions.reveal), methods=["POST"]),
        Route("/act/{kind}/{subject}", shown(act, actions.ask)),
        Route("/act/{kind}/{subject}", submitted(act, actions.perform), methods=["POST"]),
        Route("/policy", shown(Right.POLICY, policy_pages.show)),
        Route("/replays", shown(view, bulk_actions.listed)),
        Route("/replays", submitted(bulk, bulk_actions.plan), methods=["POST"]),
        Route("/send-on", shown(bulk, bulk_actions.ask_to_send_on)),
        Route("/send-on", submitted(bulk, bulk_actions.plan_send_on), methods=["POST"]),
        Route("/replays/{id}", shown(view, bulk_actions.show)),
        Route("/replays/{id}", submitted(bulk, bulk_actions.turn), methods=["POST"]),
        Route("/sign-in", signing_in.how),
        Route("/signed-out", signing_in.signed_out),
        *_with_provider(provider),
        Route("/sign-in/{link}", signing_in.offer),
        Route("/sign-in/{link}", signing_in.sign_in, methods=["POST"]),
        Route("/sign-out", submitted(view, signing_in.sign_out), methods=["POST"]),
        Route("/static/{name}", asset),
    ]


def _with_provider(provider: Provider | None) -> list[BaseRoute]:
    if provider is None:
        return []
    middleware = [provider.middleware()]
    return [
        Route("/sign-in/provider", signing_in.to_provider, middleware=middleware),
        Route("/sign-in/answer", signing_in.from_provider, middleware=middleware),
    ]


def mount(context: Context, health: HealthWatch) -> list[BaseRoute]:
    """Return the pages as a part of the gateway; ``running`` must surround its life."""
    provider = Provider.of(context.settings, _ENTRANCE, context.clock)
    app = Starlette(
        routes=routes(provider),
        middleware=[Middleware(Compression)],
        exception_handlers=handlers(_error_page, (*openid_provider.TITLES, *TITLES)),
    )
    app.state.desk = Desk(
        FairThreads(THREADS, THREADS), context, Watch(context, health), health, provider
    )
    return [Route(ROOT, to_pages), Mount(ROOT, app)]


def _pages(mounted: list[BaseRoute]) -> Starlette:
    app = next(route.app for route in mounted if isinstance(route, Mount))
    assert isinstance(app, Starlette)
    return app


async def end_streams(mounted: list[BaseRoute]) -> None:
    """End the streams of live pages at once."""
    await _pages(mounted).state.changes.end()


@asynccontextmanager
async def running(mounted: list[BaseRoute]) -> AsyncIterator[None]:
    """Look for changes while the pages are served."""
    app = _pages(mounted)
    app.state.changes = Changes(app.state.desk)
    task = asyncio.create_task(app.state.changes.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def to_pages(request: Request) -> Response:
    """Lead from the address without a slash to the page."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{ROOT}/{query}", 308)


async def asset(request: Request) -> Response:
    """Return a style sheet, a script or the icon."""
    return assets.asset(STATIC, ASSETS, request.path_params["name"])


async def _error_page(request: Request, status: int, title: str, message: str) -> Response:
    """Return the page of an error, with the navigation for a person who is signed in."""
    with suppress(BrokerError):  # no page may have been reached, so the visitor is not known yet
        if status in (404, 405) and not hasattr(request.state, "visit"):
            await ACCESS.visiting(request, Right.VIEW)
    visit = getattr(request.state, "visit", None)
    return rendering.page("error", status, visit=visit, title=title, message=message)
