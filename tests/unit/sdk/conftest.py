"""The scripted gateway, running."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from tests.unit.sdk.scripted import Handler, Script


@pytest.fixture
def script() -> Iterator[Script]:
    """A running gateway that follows a script."""
    running = Script()
    handler = type("ScriptedHandler", (Handler,), {"script": running})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    running.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield running
    server.shutdown()
    thread.join()
    server.server_close()
