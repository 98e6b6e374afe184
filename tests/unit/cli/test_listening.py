"""The port of a gateway is its own from the start, and nobody waits at it before it listens."""

import socket
from contextlib import closing

import pytest

from broker.cli.exit_codes import Failure
from broker.cli.run.listening import listen, take


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_gateway_that_starts_keeps_nobody_waiting(host: str) -> None:
    with closing(take(host, 0)) as taken:
        address = taken.getsockname()[:2]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=5)
        taken.listen()
        socket.create_connection(address, timeout=5).close()


def test_a_port_on_which_another_listens_is_taken() -> None:
    with closing(listen("127.0.0.1", 0)) as other, pytest.raises(Failure, match="already in use"):
        take("127.0.0.1", other.getsockname()[1])
