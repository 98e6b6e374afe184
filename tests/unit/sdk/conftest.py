"""The scripted gateway, running."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from referral_broker_client import consumer, http_client, lease_keeper

from tests.unit.sdk.scripted import Handler, Script


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client tries again as often as ever, and pauses for a moment instead of for seconds."""
    monkeypatch.setattr(http_client, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(consumer, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(lease_keeper, "PAUSE_SECONDS", 0.05)


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
