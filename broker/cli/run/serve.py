"""``broker serve``: run the gateway in the foreground."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import cast

import click
import uvicorn
from starlette.applications import Starlette

from broker import memory, telemetry, time_limits
from broker.bootstrap import open_broker, read_settings
from broker.cli.interrupt import Interrupted, interruptible
from broker.cli.run.listening import take
from broker.errors import BrokerError
from broker.flow.context import Context
from broker.gateway.connections import Connections, most_connections
from broker.gateway.http_protocol import BoundedProtocol
from broker.serving import build, end_waits
from broker.settings import Settings

SWITCH_SECONDS = 0.001
"""The event loop waits so long at most for a thread that computes; Python's own value is 5 ms."""


@click.command()
@click.option("--host", help="Where to listen; BROKER_HTTP_HOST says so otherwise.")
@click.option("--port", type=click.IntRange(1, 65535), help="Or BROKER_HTTP_PORT.")
@click.option("--fd", type=int, help="A listening socket that was inherited, instead.")
def serve(host: str | None, port: int | None, fd: int | None) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; requests under way are finished first.

    \b
    Example:    broker serve --host 127.0.0.1 --port 8080
    """
    settings = read_settings()
    telemetry.configure(settings.log_level)
    telemetry.take_over()
    sys.setswitchinterval(SWITCH_SECONDS)
    listener = socket.socket(fileno=fd) if fd is not None else None
    listener = listener or take(host or settings.http_host, port or settings.http_port)
    # uvicorn raises the signal again when it has ended in order; the broker is closed on its way.
    try:
        with (
            interruptible(),
            open_broker(settings, process="gateway") as context,
            _services(settings, context),
        ):
            app = application(context)
            _Server(_config(app, settings), app).run(sockets=[listener])
    except Interrupted:
        return


def application(context: Context) -> Starlette:
    """Return what is served, when everything is read that lives as long as the process."""
    # Calls need the policy: it is read before anybody is let in.
    with suppress(BrokerError):
        context.policies.latest()
    app = build(context)
    memory.settle(memory.FOR_A_GATEWAY)
    return app


def _config(app: Starlette, settings: Settings) -> uvicorn.Config:
    """Return the server's settings: everything that a caller may use of it is bounded."""
    connections = Connections(
        most_connections(settings.connections),
        settings.connections_per_address,
        proxies=settings.trusted_proxies,
    )
    protocol = partial(BoundedProtocol, open_connections=connections)
    return uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", protocol),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
        timeout_keep_alive=int(time_limits.IDLE),
        timeout_graceful_shutdown=int(time_limits.GATEWAY_GRACE),
    )


def _services(settings: Settings, context: Context) -> AbstractContextManager[None]:
    """Run a worker's services beside the gateway, where the settings say so."""
    if not settings.gateways_sweep:
        return nullcontext()
    from workers import services

    return services.running(context.policies)


class _Server(uvicorn.Server):
    """Answers what only waits at once when it is asked to end, and then finishes the rest."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await end_waits(self._app)
        await super().shutdown(sockets)
