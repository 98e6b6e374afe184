"""The gateway as an ASGI application: routes from the table of calls, and what surrounds them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from functools import cache
from time import perf_counter
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker.errors import BrokerError, Unavailable
from broker.flow.activity_counter import EVERY as NOTE_ACTIVITY
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.gateway import api_page, bounds, openapi, problem_pages, problems
from broker.gateway.authentication import Authentication
from broker.gateway.brake import Brake
from broker.gateway.call import Call, Handler
from broker.gateway.calls import CALLS
from broker.gateway.long_polls import Poller
from broker.gateway.readiness import Readiness, check_of
from broker.gateway.request_metrics import RequestMetrics, known_method, path_of
from broker.gateway.self_watch import watch_over
from broker.gateway.shares import Shares
from broker.gateway.state import Gateway, admit, caller_of, gateway_of
from broker.heartbeats import LOOK_SECONDS, Heartbeats, Watchdog
from broker.intake.http_intake import HttpIntake
from broker.telemetry import elapsed, error_fields, info_enabled, logger
from broker.threads import FairThreads
from broker.transport.nudges import NudgeListener

NOTE_USE_SECONDS = 60
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_log = logger("gateway")
TOO_MANY = 429


def build(
    context: Context,
    *,
    beside: Sequence[BaseRoute] = (),
    running: AbstractAsyncContextManager[None] | None = None,
    health: HealthWatch | None = None,
) -> Starlette:
    """Return the ASGI application of a broker.

    ``beside`` are further routes; ``running`` surrounds their life. ``health`` is what they show
    too.
    """

    requests = RequestMetrics()
    app = Starlette(
        routes=[*_routes(), api_page.FILES, *problem_pages.ROUTES, *beside],
        lifespan=_lifespan(
            context, requests, running or nullcontext(), health or HealthWatch(context)
        ),
        exception_handlers={
            BrokerError: problems.on_broker_error,
            HTTPException: problems.on_http_error,
        },
    )
    app.state.openapi = _description()
    app.router.redirect_slashes = False
    app.add_middleware(_Surroundings, context=context, requests=requests)
    return app


def _lifespan(
    context: Context,
    requests: RequestMetrics,
    surroundings: AbstractAsyncContextManager[None],
    health: HealthWatch,
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return what starts and ends the gateway's own work with the application."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        heartbeats, shares = Heartbeats(), Shares()
        gateway = Gateway(
            threads=FairThreads(bounds.THREADS, bounds.THREADS_EACH),
            context=context,
            authentication=Authentication(context),
            commits=HttpIntake(context, heartbeats),
            shares=shares,
            poller=Poller(context, shares),
            watchdog=Watchdog(heartbeats),
            readiness=Readiness(check_of(context)),
            health=health,
            requests=requests,
        )
        app.state.gateway = gateway
        jobs = (gateway.poller.run(), _note_use(gateway), _note_activity(gateway))
        watches = (_beat(heartbeats), watch_over(context, health))
        tasks = [asyncio.create_task(job) for job in (*jobs, *watches)]
        listener = _listener(gateway, heartbeats)
        gateway.watchdog.start()
        try:
            async with surroundings:
                yield
        finally:
            listener.close()
            await _end(gateway, tasks)

    return lifespan


def _listener(gateway: Gateway, heartbeats: Heartbeats) -> NudgeListener:
    """Return what makes long polls look when another process has committed something; it runs."""
    loop = asyncio.get_running_loop()

    def nudge() -> None:
        loop.call_soon_threadsafe(gateway.poller.nudge)

    listener = NudgeListener(gateway.context.settings.wakeup_url, nudge, heartbeats)
    listener.start()
    return listener


async def _end(gateway: Gateway, tasks: Sequence[asyncio.Task[None]]) -> None:
    """End the gateway's own work, and write what it noted."""
    gateway.watchdog.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    gateway.commits.close()
    with suppress(Unavailable):
        gateway.authentication.note_use()


@cache
def _description() -> dict[str, Any]:
    return openapi.document(CALLS)


def _routes() -> list[Route]:
    """Return one route for each address, so that another method is answered with 405."""
    by_path: dict[str, dict[str, Handler]] = {}
    for call in CALLS:
        by_path.setdefault(call.path, {})[call.method] = _guarded(call)
    return [Route(path, _dispatch(by_path[path]), methods=list(by_path[path])) for path in by_path]


def _guarded(call: Call) -> Handler:
    """Return the handler of a call, behind the check of the key and its scopes."""

    async def endpoint(request: Request) -> Response:
        await admit(request, call.scopes)
        with gateway_of(request).shares.call(caller_of(request).credential) as share:
            request.state.share = share
            return await call.handler(request)

    return endpoint if call.scopes else call.handler


def _dispatch(handlers: dict[str, Handler]) -> Handler:
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request)

    return endpoint


async def _note_use(gateway: Gateway) -> None:
    while True:
        await asyncio.sleep(NOTE_USE_SECONDS)
        await _try(gateway, gateway.authentication.note_use)


async def _note_activity(gateway: Gateway) -> None:
    while True:
        await asyncio.sleep(NOTE_ACTIVITY.total_seconds())
        await _try(gateway, gateway.context.activity.flush)


async def _beat(heartbeats: Heartbeats) -> None:
    """Show that the event loop goes on."""
    while True:
        heartbeats.beat("event loop")
        await asyncio.sleep(LOOK_SECONDS)


async def _try(gateway: Gateway, work: Callable[[], object]) -> None:
    """Do some of the gateway's own work; what goes wrong is logged, and tried again next time."""
    try:
        await gateway.run(work)
    except Exception as error:
        _log.warning("not noted", **error_fields(error))


class _Surroundings:
    """Gives every request an id, a line in the log and headers, counts it, and catches exceptions.

    Answers that cost the others too much are sent late.

    The server would log the text of an exception, which may repeat what a caller sent.
    """

    def __init__(self, app: ASGIApp, context: Context, requests: RequestMetrics) -> None:
        self._app = app
        self._new_id = context.new_id
        self._requests = requests
        self._brake = Brake()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = str(self._new_id())
        answer = _Answer(scope, send, self._brake)
        self._requests.begin()
        try:
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:
            # The server stops, and the time for requests under way is up.
            if answer.status:
                raise
            response = problems.respond(Request(scope), Unavailable("The gateway is stopping."))
            await response(scope, receive, answer.send)
        except Exception as error:
            response = problems.unexpected(Request(scope), error)
            if not answer.status:
                await response(scope, receive, answer.send)
        finally:
            self._requests.end(scope, answer.status, answer.seconds)
            if info_enabled(_log):
                _log_request(scope, answer.status, answer.began)


class _Answer:
    """The answer to one request, as it is sent: with headers, and late where that is needed."""

    def __init__(self, scope: Scope, send: Send, brake: Brake) -> None:
        self._scope = scope
        self._send = send
        self._brake = brake
        self.began = perf_counter()
        self.status = 0
        """0 until it begins to be sent."""
        self.seconds = 0.0
        """How long it took until then, without what it waited for others."""

    async def send(self, message: Message) -> None:
        """Send a part of the answer; the first one has its status."""
        if message["type"] == "http.response.start":
            state = self._scope["state"]
            self.status = message["status"]
            self.seconds = perf_counter() - self.began - state.get("waited", 0.0)
            if self.status == TOO_MANY or "credential" not in state:
                await self._brake.slow_down(self._scope)
            present = {name for name, _ in message["headers"]}
            added = [header for header in HEADERS if header[0] not in present]
            identity = (b"x-request-id", state["request_id"].encode())
            message["headers"] = [*message["headers"], *added, identity]
        await self._send(message)


def _log_request(scope: Scope, status: int, began: float) -> None:
    """Log a request with the path of its route: the real one may hold ids and links.

    The path is left out where no route matches, the method where it is not a known one, and the
    status where the caller disconnected first.
    """
    state = scope["state"]
    _log.info(
        "request",
        method=known_method(scope),
        path=path_of(scope),
        status=status or None,
        seconds=elapsed(began),
        request_id=state["request_id"],
        credential=state.get("credential"),
    )
