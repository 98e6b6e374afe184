"""``broker serve``: run the gateway in the foreground."""

from __future__ import annotations

import os

import click
import uvicorn

from broker.bootstrap import open_broker
from broker.gateway.app import build
from broker.settings import Settings

GRACE_SECONDS = 10
"""How long requests under way may take when the gateway is asked to end."""


@click.command()
@click.option("--host", help="Where to listen; BROKER_HTTP_HOST says so otherwise.")
@click.option("--port", type=click.IntRange(0, 65535), help="Or BROKER_HTTP_PORT.")
@click.option("--fd", type=int, help="A listening socket that was inherited, instead.")
def serve(host: str | None, port: int | None, fd: int | None) -> None:
    """Run the gateway until SIGTERM or Ctrl-C.

    \b
    Example:    broker serve --host 127.0.0.1 --port 8080
    """
    settings = Settings.from_environ(os.environ)
    with open_broker(settings) as broker:
        uvicorn.run(
            build(broker),
            host=host or settings.http_host,
            port=settings.http_port if port is None else port,
            fd=fd,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
