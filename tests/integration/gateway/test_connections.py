"""Bounds below the application, by real sockets: what is sent, how slowly, and by how many."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import ip_network
from typing import cast

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from broker import time_limits
from broker.gateway import bounds
from broker.gateway.connections import Connections
from broker.gateway.http_protocol import BoundedProtocol
from tests.conftest import PATIENCE_SECONDS, eventually

Open = Callable[..., socket.socket]
GET = b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n"
MOST, MOST_EACH = 20, 8
LARGE = 8 * 1024 * 1024
"""In bytes: more than the buffers of both ends take."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once; a body is read at ``/read``, and ``/large`` has a large answer."""
    if scope["type"] != "http":
        return
    message: Message = {"more_body": scope["path"] == "/read"}
    while message.get("more_body"):
        message = await receive()
    body = b"x" * LARGE if scope["path"] == "/large" else b"answered"
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def connections(request: pytest.FixtureRequest) -> Connections:
    return Connections(MOST, MOST_EACH, proxies=getattr(request, "param", ()))


@pytest.fixture
def port(connections: Connections) -> Iterator[int]:
    protocol = partial(BoundedProtocol, open_connections=connections)
    config = uvicorn.Config(
        application, http=cast("type[asyncio.Protocol]", protocol), ws="none", log_config=None
    )
    server = uvicorn.Server(config)
    with socket.create_server(("0.0.0.0", 0)) as listener:
        number = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        eventually(lambda: server.started)
        yield number
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


@pytest.fixture
def connect(port: int) -> Iterator[Open]:
    with contextlib.ExitStack() as stack:

        def opened(sending: bytes = b"", *, source: str = "127.0.0.1") -> socket.socket:
            connection = socket.create_connection(
                ("127.0.0.1", port), PATIENCE_SECONDS, source_address=(source, 0)
            )
            stack.callback(connection.close)
            connection.sendall(sending)
            return connection

        yield opened


def answer(connection: socket.socket) -> bytes:
    """Return all that comes until the other side closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def problem(connection: socket.socket) -> dict[str, object]:
    """Return the problem document with which a connection ends."""
    head, _, body = answer(connection).partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head.lower()
    document: dict[str, object] = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {document['status']} ".encode())
    return document


def is_answered(connection: socket.socket) -> bool:
    return connection.recv(65536).startswith(b"HTTP/1.1 200 ")


# How much


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b"x" * (bounds.HEAD_BYTES + 1),
        b"GET / HTTP/1.1\r\nX: " + b"x" * bounds.HEAD_BYTES + b"\r\n\r\n",
        b"GET /" + b"x" * (bounds.HEAD_BYTES + 1),
        b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * (bounds.HEADERS + 1) + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * bounds.HEAD_BYTES,
    ],
    ids=["unfinished", "whole", "address", "number", "number-unfinished"],
)
def test_a_head_that_is_too_large_is_refused(connect: Open, head: bytes) -> None:
    assert problem(connect(head))["code"] == "head-too-large"


def test_a_large_head_within_the_bound_is_taken(connect: Open) -> None:
    value = b"x" * (bounds.HEAD_BYTES - 100)
    assert is_answered(connect(b"GET / HTTP/1.1\r\nX: " + value + b"\r\n\r\n"))


def test_empty_lines_before_a_request_have_an_end(connect: Open) -> None:
    assert problem(connect(b"\r\n" * bounds.HEAD_BYTES))["status"] == 431


@pytest.mark.parametrize(
    "rest",
    [b"1\r\nx\r\n" * bounds.FRAMING_BYTES, b"0\r\nX: " + b"x" * 2 * bounds.FRAMING_BYTES],
    ids=["chunks", "trailer"],
)
def test_framing_that_outweighs_the_content_is_refused(connect: Open, rest: bytes) -> None:
    connection = connect(b"POST /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + rest)
    assert problem(connection)["code"] == "malformed"


def test_a_large_chunked_body_is_taken(connect: Open) -> None:
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
    head = b"POST /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert is_answered(connect(head + chunk * 4096 + b"0\r\n\r\n"))


def test_few_requests_wait_behind_one_another(connect: Open) -> None:
    connection = connect(GET * (bounds.PIPELINED + 2))
    assert b"400 Bad Request" in answer(connection)
    assert is_answered(connect(GET))


# How long


def test_a_connection_that_says_nothing_is_closed(
    connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "HEAD", 0.2)
    assert answer(connect()) == b""


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: b", GET + b"GET / HT"])
def test_half_a_head_is_given_up(
    connect: Open, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(time_limits, "HEAD", 0.2)
    assert b"HTTP/1.1 408 " in answer(connect(sent))


def test_a_head_that_drips_is_given_up(connect: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limits, "HEAD", 0.3)
    connection = connect()
    with pytest.raises(OSError):  # noqa: PT011 - closed or reset, by what comes first
        for byte in b"GET / HTTP/1.1\r\nX: " + b"x" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.01)


def test_a_body_that_does_not_come_is_given_up(
    connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "BODY_UNREAD", 0.2)
    connection = connect(b"POST /read HTTP/1.1\r\nContent-Length: 5\r\n\r\nx")
    assert problem(connection)["code"] == "too-slow"


def test_a_caller_that_takes_nothing_of_its_answer_is_given_up(
    connect: Open, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "TAKING", 0.2)
    connect(GET.replace(b"/ ", b"/large "))
    eventually(lambda: len(connections) == 1)
    eventually(lambda: len(connections) == 0)


def test_a_caller_that_takes_its_answer_slowly_gets_it(
    connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "TAKING", 1.0)
    connection, count = connect(GET.replace(b"/ ", b"/large ")), 0
    while count < LARGE:
        time.sleep(0.01)
        count += len(connection.recv(256 * 1024))


# The end of a connection


@pytest.mark.parametrize("length", [100, LARGE])
def test_an_answer_before_the_whole_body_ends_the_connection_and_is_not_lost(
    connect: Open, length: int
) -> None:
    head = f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode()
    connection = connect(head + b"x" * (length - 1))
    received = answer(connection)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in received
    assert received.endswith(b"answered")


def test_what_follows_such_an_answer_is_not_read_for_ever(
    connect: Open, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "LINGER", 0.2)
    connection = connect(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
    assert is_answered(connection)
    eventually(lambda: len(connections) == 0)


def test_a_connection_serves_one_request_after_another(connect: Open) -> None:
    connection = connect()
    for _ in range(3):
        connection.sendall(b"POST /read HTTP/1.1\r\nContent-Length: 3\r\n\r\n")
        connection.sendall(b"abc")
        assert is_answered(connection)


# How many


def test_silent_connections_of_one_address_make_room_for_its_own_next(
    connect: Open, connections: Connections
) -> None:
    used = connect(GET)
    assert is_answered(used)
    for _ in range(3 * MOST):
        connect()
    eventually(lambda: len(connections) == MOST_EACH)
    assert is_answered(connect(GET))
    used.sendall(GET)
    assert is_answered(used)


def test_silent_connections_of_many_addresses_keep_nobody_out(
    connect: Open, connections: Connections
) -> None:
    for number in range(3 * MOST):
        connect(source=f"127.0.1.{number + 1}")
    eventually(lambda: len(connections) == MOST)
    assert is_answered(connect(GET))


def begun(connect: Open, count: int) -> list[socket.socket]:
    """Return connections on which a request is under way."""
    head = b"POST /read HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
    connections = [connect(head) for _ in range(count)]
    for connection in connections:
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
    return connections


def test_an_address_whose_connections_are_all_at_work_is_told_to_wait(connect: Open) -> None:
    busy = begun(connect, MOST_EACH)
    document = problem(connect(GET))
    assert (document["code"], document["retryable"]) == ("throttled", True)
    assert is_answered(connect(GET, source="127.0.0.9"))
    busy[0].sendall(b"x")
    assert is_answered(busy[0])
    assert is_answered(connect(GET))


@pytest.mark.parametrize("connections", [[ip_network("127.0.0.0/24")]], indirect=True)
def test_a_proxy_may_have_every_connection(connect: Open) -> None:
    begun(connect, MOST_EACH + 2)
    assert is_answered(connect(GET))
