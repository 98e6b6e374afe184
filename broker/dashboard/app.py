"""The pages for ops: their addresses as a table, and what surrounds every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from broker.dashboard import (
    actions,
    bulk_actions,
    pages,
    policy_pages,
    rendering,
    signing_in,
)
from broker.dashboard.access import Desk, NoRight, NotSignedIn, done, shown, visiting
from broker.dashboard.live import Changes, live
from broker.dashboard.openid_provider import NotBegun, Provider, ProviderAway, ProviderWrong
from broker.dashboard.paths import ROOT
from broker.dashboard.snapshot import Watch
from broker.domain.codes import Right
from broker.errors import (
    BrokerError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    PolicyError,
    Unavailable,
)
from broker.flow.context import Context
from broker.telemetry import error_fields, logger

THREADS = 4
"""Questions to the ledger at once."""
STATIC = Path(__file__).with_name("static")
ASSETS = {
    "govuk.css": "text/css",
    "ops.css": "text/css",
    "live.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_STATUS: tuple[tuple[type[BrokerError], int, str], ...] = (
    (NotSignedIn, 401, "You are not signed in"),
    (NoRight, 403, "You may not do this"),
    (NotBegun, 400, "This sign-in cannot go on"),
    (ProviderAway, 503, "You cannot sign in at this moment"),
    (ProviderWrong, 502, "Your sign-in provider’s answer was refused"),
    (Denied, 403, "This is not possible"),
    (NotFound, 404, "There is no such thing"),
    (Conflict, 409, "Nothing was changed"),
    (PolicyError, 409, "The policy has no answer"),
    (Invalid, 422, "Something is not right"),
    (Unavailable, 503, "The ledger cannot be reached"),
)
_log = logger("dashboard")


def routes(provider: Provider | None = None) -> list[BaseRoute]:
    """Return every page, with the right that it needs."""
    view, act, bulk = Right.VIEW, Right.ACT, Right.BULK
    return [
        Route("/", shown(view, pages.status)),
        Route("/live", shown(view, live)),
        Route("/search", shown(view, pages.search)),
        Route("/attention", shown(view, pages.attention)),
        Route("/agencies/{code}", shown(view, pages.agency)),
        Route("/referrals/{id}", shown(view, pages.referral)),
        Route("/act/reveal/{subject}", shown(Right.REVEAL, actions.ask_to_reveal)),
        Route("/act/reveal/{subject}", done(Right.REVEAL, actions.reveal), methods=["POST"]),
        Route("/act/{kind}/{subject}", shown(act, actions.ask)),
        Route("/act/{kind}/{subject}", done(act, actions.do), methods=["POST"]),
        Route("/policy", shown(Right.POLICY, policy_pages.show)),
        Route("/replays", shown(view, bulk_actions.listed)),
        Route("/replays", done(bulk, bulk_actions.plan), methods=["POST"]),
        Route("/send-on", shown(bulk, bulk_actions.ask_to_send_on)),
        Route("/send-on", done(bulk, bulk_actions.plan_redirect), methods=["POST"]),
        Route("/replays/{id}", shown(view, bulk_actions.show)),
        Route("/replays/{id}", done(bulk, bulk_actions.turn), methods=["POST"]),
        Route("/sign-in", signing_in.how),
        Route("/signed-out", signing_in.signed_out),
        *_with_provider(provider),
        Route("/sign-in/{link}", signing_in.offer),
        Route("/sign-in/{link}", signing_in.sign_in, methods=["POST"]),
        Route("/sign-out", done(view, signing_in.sign_out), methods=["POST"]),
        Route("/static/{name}", asset),
    ]


def _with_provider(provider: Provider | None) -> list[BaseRoute]:
    if provider is None:
        return []
    kept = [provider.middleware()]
    return [
        Route("/sign-in/provider", signing_in.to_provider, middleware=kept),
        Route("/sign-in/answer", signing_in.from_provider, middleware=kept),
    ]


def mount(context: Context) -> list[BaseRoute]:
    """Return the pages as a part of the gateway; ``running`` must surround its life."""
    settings = context.settings
    provider = None
    if settings.provider:
        provider = Provider(settings.provider, public_url=settings.public_url, clock=context.clock)
    app = Starlette(
        routes=routes(provider),
        middleware=[Middleware(GZipMiddleware, minimum_size=500, compresslevel=6)],
        exception_handlers={
            BrokerError: on_broker_error,
            HTTPException: on_http_error,
            Exception: on_error,
        },
    )
    app.state.desk = Desk(context, Watch(context), CapacityLimiter(THREADS), provider)
    return [Route(ROOT, to_pages), Mount(ROOT, app)]


@asynccontextmanager
async def running(mounted: list[BaseRoute]) -> AsyncIterator[None]:
    """Look for changes while the pages are served."""
    app = next(one.app for one in mounted if isinstance(one, Mount))
    assert isinstance(app, Starlette)
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
    name = request.path_params["name"]
    if name not in ASSETS:
        raise NotFound("There is no such file.")
    headers = {"Cache-Control": "public, max-age=3600"}
    return FileResponse(STATIC / name, media_type=ASSETS[name], headers=headers)


async def on_broker_error(request: Request, error: Exception) -> Response:
    """Show what is wrong and what to do."""
    assert isinstance(error, BrokerError)
    status, title = next(
        ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)),
        (500, "Something went wrong here"),
    )
    if status >= 500:
        _log.warning("unavailable", **error_fields(error))
    return _trouble(request, status, title, error.message)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Show what the framework refuses."""
    assert isinstance(error, HTTPException)
    with suppress(BrokerError):  # no page of ours was reached, so nobody has asked yet who looks
        await visiting(request, Right.VIEW)
    if error.status_code == 405:
        return _trouble(request, 405, "This page cannot be sent to", "Go back and try again.")
    return _trouble(request, error.status_code, "There is no such page", "Check the address.")


async def on_error(request: Request, error: Exception) -> Response:
    """Show that something went wrong; the log gets its class, nobody gets its text."""
    _log.error("unexpected", request_id=request.state.request_id, **error_fields(error))
    told = "Reload the page. If it happens again, tell whoever runs the broker this number: "
    return _trouble(request, 500, "Something went wrong here", told + request.state.request_id)


def _trouble(request: Request, status: int, title: str, message: str) -> Response:
    """Say it, and leave whoever is signed in their ways on."""
    visit = getattr(request.state, "visit", None)
    return rendering.page("trouble", status, visit=visit, title=title, message=message)
