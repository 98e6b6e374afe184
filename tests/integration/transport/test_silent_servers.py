"""Servers that accept a connection and say nothing: every wait for one ends by itself."""

import contextlib
import socket
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from broker.domain.ids import OrganisationCode
from broker.errors import Unavailable
from broker.transport.queues import AgencyQueues, Copy
from broker.transport.wakeups import Wakeups
from tests.conftest import ends


def new_id() -> UUID:
    return uuid4()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and what is sent, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_an_exchange_that_says_nothing_is_unavailable(silent_port: int, scheme: str) -> None:
    queues = AgencyQueues(f"{scheme}://127.0.0.1:{silent_port}/")
    copy = Copy(OrganisationCode("stoke-csc"), "1", b"{}")
    outcome: list[str] = []

    def publish() -> None:
        try:
            queues.publish([copy])
        except Unavailable:
            outcome.append("unavailable")

    assert ends(publish)
    assert outcome == ["unavailable"]
    with contextlib.suppress(Unavailable):
        queues.close()


def test_a_wake_up_valkey_that_says_nothing_holds_nobody_up(silent_port: int) -> None:
    wakeups = Wakeups(f"redis://127.0.0.1:{silent_port}/0", new_id=new_id)

    def use() -> None:
        wakeups.notify("route")
        wakeups.clear("route")
        assert wakeups.waiting(["route"]) is None
        wakeups.close()

    assert ends(use)
