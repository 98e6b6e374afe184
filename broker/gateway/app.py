"""The gateway: its calls as a table, and what surrounds every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from time import perf_counter

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker.errors import BrokerError, Unavailable
from broker.flow.activity_counter import EVERY as NOTE_ACTIVITY
from broker.flow.context import Context
from broker.gateway import (
    api_page,
    deliveries,
    escalations,
    operations,
    problems,
    reconciliations,
    referrals,
    reports,
)
from broker.gateway.authentication import Authentication
from broker.gateway.context import Gateway
from broker.gateway.long_polls import Poller
from broker.intake.http import HttpIntake
from broker.telemetry import elapsed, info_enabled, logger

THREADS = 16
"""Calls to the ledger at once; the pool of connections has half as many."""
NOTE_USE_SECONDS = 60
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_log = logger("gateway")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Those that the log names: a caller may write any word there."""
_Handler = Callable[[Request], Awaitable[Response]]
CALLS: tuple[tuple[str, str, _Handler], ...] = (
    ("POST", "/v1/referrals", referrals.publish),
    ("POST", "/v1/referrals/bulk", referrals.publish_bulk),
    ("POST", "/v1/referrals/check", referrals.check),
    ("GET", "/v1/referrals", referrals.look_up),
    ("GET", "/v1/referrals/{id}", referrals.show),
    ("GET", "/v1/referrals/{id}/timeline", referrals.timeline),
    ("POST", "/v1/referrals/{id}/areas", referrals.give_areas),
    ("POST", "/v1/referrals/{id}/reroute", referrals.retry_routing),
    ("POST", "/v1/referrals/{id}/corrections", referrals.correct),
    ("POST", "/v1/referrals/{id}/recall", referrals.recall),
    ("GET", "/v1/events", referrals.events),
    ("POST", "/v1/collect", deliveries.take),
    ("POST", "/v1/receipts", deliveries.settle),
    ("POST", "/v1/leases/extend", deliveries.extend),
    ("POST", "/v1/leases/release", deliveries.release),
    ("GET", "/v1/deliveries/{id}", deliveries.show),
    ("POST", "/v1/deliveries/{id}/reroute", deliveries.redirect),
    ("POST", "/v1/deliveries/{id}/pause", escalations.pause_clock),
    ("POST", "/v1/deliveries/{id}/resume", escalations.resume_clock),
    ("GET", "/v1/escalations", escalations.escalations),
    ("POST", "/v1/escalations/{id}/acknowledge", escalations.acknowledge),
    ("GET", "/v1/queue", deliveries.queue),
    ("GET", "/v1/queues", operations.queues),
    ("GET", "/v1/attention", operations.attention),
    ("GET", "/v1/refusals", operations.refusals),
    ("POST", "/v1/reconciliations", reconciliations.compare),
    ("GET", "/v1/reconciliations", reconciliations.listed),
    ("GET", "/v1/reports/deadlines", reports.deadlines),
    ("GET", "/v1/reports/deadlines.csv", reports.deadlines_csv),
    ("GET", "/livez", operations.livez),
    ("GET", "/readyz", operations.readyz),
    ("GET", "/metrics", operations.metrics),
    ("GET", "/openapi.json", operations.openapi_document),
    ("GET", "/docs", api_page.page),
)


def build(
    context: Context,
    *,
    beside: Sequence[BaseRoute] = (),
    running: AbstractAsyncContextManager[None] | None = None,
) -> Starlette:
    """Return the ASGI application over a broker; ``beside`` it other routes, with their life."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        here = Gateway(
            context,
            Authentication(context),
            HttpIntake(context),
            Poller(context),
            CapacityLimiter(THREADS),
        )
        app.state.gateway = here
        work = (here.poller.run(), _note_use(here), _note_activity(here))
        tasks = [asyncio.create_task(one) for one in work]
        try:
            async with running or nullcontext():
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            here.commits.close()
            with suppress(Unavailable):
                here.authentication.note_use()

    app = Starlette(
        routes=[*_routes(), api_page.FILES, *beside],
        lifespan=lifespan,
        exception_handlers={
            BrokerError: problems.on_broker_error,
            HTTPException: problems.on_http_error,
        },
    )
    app.router.redirect_slashes = False
    app.add_middleware(_Surroundings, context=context)
    return app


def _routes() -> list[Route]:
    """Return one route an address, so that another method is 405 with the methods there are."""
    by_path: dict[str, dict[str, _Handler]] = {}
    for method, path, handler in CALLS:
        by_path.setdefault(path, {})[method] = handler
    return [Route(path, _dispatch(by_path[path]), methods=list(by_path[path])) for path in by_path]


def _dispatch(handlers: dict[str, _Handler]) -> _Handler:
    async def call(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request)

    return call


async def _note_use(here: Gateway) -> None:
    while True:
        await asyncio.sleep(NOTE_USE_SECONDS)
        with suppress(Unavailable):
            await here.run(here.authentication.note_use)


async def _note_activity(here: Gateway) -> None:
    while True:
        await asyncio.sleep(NOTE_ACTIVITY.total_seconds())
        with suppress(Unavailable):
            await here.run(here.context.activity.flush)


class _Surroundings:
    """Gives every request a name, a line in the log and headers, and lets no exception out.

    A server would log the text of an exception, which may repeat what somebody sent.
    """

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._new_id = context.new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = str(self._new_id())
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name for name, _ in message["headers"]}
                own = [one for one in HEADERS if one[0] not in given]
                named = (b"x-request-id", request_id.encode())
                message["headers"] = [*message["headers"], *own, named]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            answer = problems.unexpected(Request(scope), error)
            if not status:
                await answer(scope, receive, sending)
        finally:
            if info_enabled(_log):
                _tell(scope, status, began)


def _tell(scope: Scope, status: int, began: float) -> None:
    """Log a request, its path as the routes have it: ids and links stand in the real one.

    There is no path where no route has it, no method that is not known, and no status where the
    caller went away before.
    """
    route, named = scope.get("route"), scope["state"]
    _log.info(
        "request",
        method=scope["method"] if scope["method"] in METHODS else None,
        path=scope["root_path"] + route.path if isinstance(route, Route) else None,
        status=status or None,
        seconds=elapsed(began),
        request_id=named["request_id"],
        credential=named.get("credential"),
    )
