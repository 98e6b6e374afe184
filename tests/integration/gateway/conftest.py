"""A gateway that listens on a socket, for what only a real connection can show."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from broker.flow.context import Context
from broker.serving import build
from tests.conftest import eventually


@contextmanager
def listening(context: Context, listener: socket.socket | None = None) -> Iterator[str]:
    """Serve a broker on a free port of this machine, or that one; yields the address."""
    listener = listener or socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        build(context), log_level="critical", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    eventually(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def address(context: Context) -> Iterator[str]:
    with listening(context) as url:
        yield url
