"""What one caller does to a real gateway is not felt by the others: each flood that once was."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from broker.admin.api_keys import issue
from broker.devstack.engines import Engines
from broker.domain.codes import Scope
from broker.domain.ids import OrganisationCode
from broker.gateway import bounds
from broker.ledger.ledger import Ledger
from tests.acceptance.conftest import sample
from tests.acceptance.stack import Stack
from tests.conftest import PATIENCE_SECONDS, ROOT, eventually

# One gateway is enough for all of them; two floods at once would feel each other.
pytestmark = pytest.mark.xdist_group("floods")

Open = Callable[[bytes], socket.socket]
MEGABYTE = 1024 * 1024
SILENT = 1150
SPARE = 20
"""More calls that wait than may, since some of those that may could come late."""
PER_ADDRESS = 500
"""Connections of one address, as the gateway's settings are by default."""


@pytest.fixture(scope="module")
def database(engines: Engines, template: str) -> Iterator[str]:
    """A database for all of these tests: none minds what another left."""
    name = "floods"
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}".encode())
    yield engines.database_url.replace("/postgres?", f"/{name}?")
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture(scope="module")
def stack(
    engines: Engines, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    with Stack(engines, database, tmp_path_factory.mktemp("floods"), workers=0) as opened:
        yield opened


@pytest.fixture
def key(database: str) -> Callable[[str, str], str]:
    """Give an organisation a key of its own for each test: ``key("stoke-csc", "collect")``."""

    def make(organisation: str, scope: str) -> str:
        with Ledger.open(database, application_name="tests") as ledger:
            code, now = OrganisationCode(organisation), datetime.now(UTC)
            return str(issue(ledger, code, [Scope(scope)], label="test", now=now))

    return make


@pytest.fixture
def connect(stack: Stack) -> Iterator[Open]:
    with contextlib.ExitStack() as opened:

        def make(sent: bytes = b"") -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", stack.port), PATIENCE_SECONDS)
            opened.callback(connection.close)
            connection.sendall(sent)
            return connection

        yield make


def request(path: str, key: str, *more: str, body: bytes = b"", method: str = "") -> bytes:
    lines = [
        f"{method or ('POST' if body else 'GET')} {path} HTTP/1.1",
        "Host: broker",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        *more,
        *([f"Content-Length: {len(body)}"] if body else []),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


def answer(connection: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and JSON of the next answer."""
    with connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        headers = {}
        while line := file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = file.read(int(headers.get("content-length", 0)))
    return status, headers, json.loads(body) if body else None


def post(connect: Open, publisher: str) -> int:
    """Publish another referral over a connection of its own and return the status."""
    reference = f"FLOODED/{time.monotonic_ns()}"
    body = json.dumps({**sample(1), "reference": reference}).encode()
    return answer(connect(request("/v1/referrals", publisher, body=body)))[0]


def end_of_feed(connect: Open, publisher: str) -> str:
    """Return the cursor after which a publisher has no event yet."""
    after, events = "", ["unknown"]
    while events:
        _, _, page = answer(connect(request(f"/v1/events?limit=500&after={after}", publisher)))
        after, events = page["next"], page["events"]
    return after


def memory(stack: Stack) -> int:
    """Return what the gateway has in memory, in bytes."""
    assert stack.gateway is not None
    pages = Path(f"/proc/{stack.gateway.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def begun(connect: Open, path: str, key: str, count: int) -> list[socket.socket]:
    """Return connections whose call is under way: their body is waited for."""
    head = request(path, key, "Content-Length: 2", "Expect: 100-continue", method="POST")
    head = head.replace(b"/json", b"/x-ndjson") if path.endswith("bulk") else head
    connections = [connect(head) for _ in range(count)]
    for connection in connections:
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    return connections


def is_throttled(connection: socket.socket) -> bool:
    status, headers, problem = answer(connection)
    assert status != 429 or (int(headers["retry-after"]) > 0 and problem["code"] == "throttled")
    return status == 429


# Without a key


def test_an_endless_header_ends_soon_and_leaves_the_gateway_as_it_was(
    stack: Stack, connect: Open, key: Callable[[str, str], str]
) -> None:
    publisher, before, sent = key("staffordshire-police", "publish"), memory(stack), 0
    endless = connect(b"GET /livez HTTP/1.1\r\nX-Big: ")
    with contextlib.suppress(OSError):
        while sent < 200 * MEGABYTE:
            endless.sendall(b"a" * MEGABYTE)
            sent += MEGABYTE
            assert post(connect, publisher) == 202
    assert sent < 50 * MEGABYTE
    assert memory(stack) - before < 50 * MEGABYTE


def test_connections_that_say_nothing_keep_nobody_out(
    stack: Stack, connect: Open, key: Callable[[str, str], str]
) -> None:
    publisher = key("staffordshire-police", "publish")
    silent = [connect(b"" if number % 2 else b"GET / HT") for number in range(SILENT)]
    assert post(connect, publisher) == 202
    assert stack.gateway is not None
    descriptors = len(os.listdir(f"/proc/{stack.gateway.pid}/fd"))
    assert descriptors < PER_ADDRESS + bounds.SPARE_FILES
    assert post(connect, publisher) == 202
    assert len(silent) == SILENT


def test_a_process_holds_no_more_connections_than_it_has_descriptors_for() -> None:
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (512, 1024));"
        "from broker.gateway.connections import most_connections as most;"
        "print(most(100), resource.getrlimit(resource.RLIMIT_NOFILE)[0]);"
        "print(most(4000), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True
    )
    assert ran.stdout.split() == ["100", "512", str(1024 - bounds.SPARE_FILES), "1024"]


def test_a_call_that_is_denied_ends_its_connection_where_its_body_is_unread(connect: Open) -> None:
    head = request("/v1/referrals", "rb_x_y", "Content-Length: 1000000", method="POST")
    connection = connect(head + b"x")
    status, headers, _ = answer(connection)
    assert (status, headers["connection"]) == (401, "close")
    assert connection.recv(1) == b""


# With a key


def test_one_key_has_so_many_calls_under_way_and_another_key_its_own(
    connect: Open, key: Callable[[str, str], str]
) -> None:
    greedy, other = (key("staffordshire-police", "publish") for _ in range(2))
    calls = begun(connect, "/v1/referrals", greedy, bounds.CALLS_EACH)
    assert is_throttled(connect(request("/v1/refusals", greedy)))
    assert post(connect, other) == 202
    calls[0].sendall(b"{}")
    assert answer(calls[0])[0] in {202, 422}
    eventually(lambda: not is_throttled(connect(request("/v1/refusals", greedy))))


def test_one_key_waits_in_so_many_calls_and_another_key_in_its_own(
    connect: Open, key: Callable[[str, str], str]
) -> None:
    greedy, other = (key("west-mercia-police", "publish") for _ in range(2))
    poll = request(f"/v1/events?wait=30&after={end_of_feed(connect, greedy)}", greedy)
    for _ in range(bounds.WAITS_EACH + SPARE):
        connect(poll)
    eventually(lambda: is_throttled_now(connect, poll))
    waiting = connect(request("/v1/events?wait=1", other))
    assert answer(waiting)[0] == 200
    assert post(connect, greedy) == 202


def test_a_caller_that_has_gone_waits_no_more(
    connect: Open, key: Callable[[str, str], str]
) -> None:
    agency, publisher = key("stoke-csc", "collect"), key("west-mercia-police", "publish")
    after = end_of_feed(connect, publisher)
    polls = (
        request("/v1/collect", agency, body=b'{"wait": 30}'),
        request(f"/v1/events?wait=30&after={after}", publisher),
    )
    for poll in polls:
        connections = [connect(poll) for _ in range(bounds.WAITS_EACH + SPARE)]
        eventually(lambda again=poll: is_throttled_now(connect, again))
        began = time.monotonic()
        for connection in connections:
            connection.close()
        eventually(lambda again=poll: not is_throttled_now(connect, again))
        assert time.monotonic() - began < 20


def is_throttled_now(connect: Open, poll: bytes) -> bool:
    """Tell whether one more poll is refused; one that is not waits, and is given up."""
    connection = connect(poll)
    connection.settimeout(0.5)
    try:
        return is_throttled(connection)
    except TimeoutError:
        return False
    finally:
        connection.close()


def test_bulks_of_one_key_are_bounded_before_they_are_in_memory(
    stack: Stack, connect: Open, key: Callable[[str, str], str]
) -> None:
    greedy, other = (key("staffordshire-police", "publish") for _ in range(2))
    begun(connect, "/v1/referrals/bulk", greedy, bounds.BULKS_EACH)
    before = memory(stack)
    for _ in range(12):
        head = request("/v1/referrals/bulk", greedy, f"Content-Length: {31 * MEGABYTE}", body=b"")
        late = connect(head.replace(b"GET", b"POST").replace(b"/json", b"/x-ndjson"))
        assert is_throttled(late)
    assert memory(stack) - before < 31 * MEGABYTE
    assert post(connect, other) == 202


def test_a_bulk_of_empty_lines_is_refused_without_making_them(
    stack: Stack, connect: Open, key: Callable[[str, str], str]
) -> None:
    publisher, before = key("staffordshire-police", "publish"), memory(stack)
    whole = request("/v1/referrals/bulk", publisher, body=b"\n" * (31 * MEGABYTE))
    status, _, problem = answer(connect(whole.replace(b"/json", b"/x-ndjson", 1)))
    assert (status, problem["errors"][0]["code"]) == (413, "too-many-lines")
    assert memory(stack) - before < 150 * MEGABYTE


@pytest.mark.proof
@pytest.mark.parametrize("kind", ["head", "silent", "half", "nowhere", "strangers", "calls"])
def test_others_are_answered_throughout(
    stack: Stack, connect: Open, key: Callable[[str, str], str], kind: str
) -> None:
    greedy, other = (key("staffordshire-police", "publish") for _ in range(2))
    command = [sys.executable, "-m", "tests.floods.flooding", kind, str(stack.port), greedy, "6"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as flood:
        statuses = []
        while flood.poll() is None:
            statuses.append(post(connect, other))
            time.sleep(0.05)
    assert set(statuses) == {202}
