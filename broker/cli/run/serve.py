"""``broker serve``: run the gateway in the foreground."""

from __future__ import annotations

import socket

import click
import uvicorn

from broker import telemetry
from broker.bootstrap import open_broker, read_settings
from broker.cli.interrupt import Interrupted, interruptible
from broker.cli.run.listening import listen
from broker.web import build

GRACE_SECONDS = 10
"""How long requests under way may take when the gateway is asked to end."""
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
        with interruptible(), open_broker(settings, process="gateway") as context:
            config = uvicorn.Config(
                build(context),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
            uvicorn.Server(config).run(sockets=[listener])
    except Interrupted:
        return
