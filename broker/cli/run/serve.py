"""``broker serve``: run the gateway in the foreground."""

from __future__ import annotations

import socket
from contextlib import AbstractContextManager, nullcontext

import click
import uvicorn
from starlette.applications import Starlette

from broker import telemetry, time_limits
from broker.bootstrap import open_broker, read_settings
from broker.cli.interrupt import Interrupted, interruptible
from broker.cli.run.listening import listen
from broker.settings import Settings
from broker.web import build, end_waits

KEEP_ALIVE_SECONDS = 65
"""An idle connection outlives the longest wait of a client between two requests."""


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
    listener = socket.socket(fileno=fd) if fd is not None else None
    listener = listener or listen(host or settings.http_host, port or settings.http_port)
    # uvicorn raises the signal again when it has ended in order; the broker is closed on its way.
    try:
        with (
            interruptible(),
            open_broker(settings, process="gateway") as context,
            _services(settings),
        ):
            app = build(context)
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=int(time_limits.GATEWAY_GRACE),
            )
            _Server(config, app).run(sockets=[listener])
    except Interrupted:
        return


def _services(settings: Settings) -> AbstractContextManager[None]:
    """Run a worker's services beside the gateway, where the settings say so."""
    if not settings.gateways_sweep:
        return nullcontext()
    from workers import services

    return services.running()


class _Server(uvicorn.Server):
    """Answers what only waits at once when it is asked to end, and then finishes the rest."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await end_waits(self._app)
        await super().shutdown(sockets)
