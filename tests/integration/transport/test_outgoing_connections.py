"""Every connection that the broker opens ends by limits of its own, whatever the server does.

``CONNECTIONS`` lists them all; ``docs/operations.md`` shows the list with its limits.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest
from kombu import Connection
from redis import RedisError

from broker import conversations, time_limits, tracing
from broker.domain.ids import OrganisationCode
from broker.errors import Unavailable
from broker.heartbeats import Heartbeats
from broker.ledger.database import Database
from broker.notices import email
from broker.notices.base import Deferred, Message
from broker.tracing import SpanPart, TracedStep
from broker.transport import bound_connections, http, nudges, queues, tolerant_redis, wakeups
from broker.web import openid_client
from tests.conftest import ROOT, eventually, in_a_loop
from tests.imports import outside_imports
from workers.celery_settings import celery_settings

AT = datetime(2026, 12, 21, 14, 1, tzinfo=UTC)
SHORT, TOTAL = 0.3, 0.9
"""The limits of a test for each wait, and in all."""
SLACK = 20.0
"""For a machine that is busy; a wait without a limit lasts until the test's servers end."""
DRIP_SECONDS = 0.05
Talk = Callable[[int], bool]
"""Talks with the server at a port, and tells whether an answer came."""
Limits = list[tuple[Any, str, float]]
"""Where a limit stands, and what it is for the test."""


@dataclass(frozen=True)
class Outgoing:
    """One connection that the broker opens."""

    name: str
    """As ``docs/operations.md`` has it."""
    limits: tuple[float, float, float]
    """In seconds: to connect, for each wait, and in all."""
    talk: Talk
    begins: bytes
    """The beginning of an answer that never ends."""
    patches: Limits = field(default_factory=list)


def ledger(port: int) -> bool:
    dsn = f"postgresql://broker@127.0.0.1:{port}/broker?sslmode=disable"
    with (
        Database.open(dsn, application_name="tests", answer_seconds=TOTAL) as database,
        suppress(Unavailable),
    ):
        database.ping()
        return True
    return False


def wake(port: int) -> bool:
    opened = wakeups.Wakeups(f"redis://127.0.0.1:{port}/0", new_id=lambda: SOME_ID)
    try:
        return opened.waiting(["route"]) is not None
    finally:
        opened.close()


def nudge(port: int) -> bool:
    sender = nudges.Nudges(f"redis://127.0.0.1:{port}/0")
    sender._publish()
    return sender._circuit.is_closed()


def hear_nudges(port: int) -> bool:
    heard = threading.Event()
    listener = nudges.NudgeListener(f"redis://127.0.0.1:{port}/0", heard.set, Heartbeats())
    with suppress(RedisError, OSError):
        listener.listen()
    return heard.is_set()


def fetch_wake_ups(port: int) -> bool:
    url = f"redis://127.0.0.1:{port}/0"
    options = {**celery_settings(url)["broker_transport_options"], "socket_timeout": SHORT}
    tolerant_redis.register()
    connection = Connection(url, transport_options=options)
    with suppress(*connection.connection_errors):
        connection.connect()
        connection.default_channel.client.ping()
        return True
    return False


def exchange(scheme: str) -> Talk:
    def talk(port: int) -> bool:
        agency_queues = queues.AgencyQueues(f"{scheme}://127.0.0.1:{port}/")
        with suppress(Unavailable):
            agency_queues.publish([queues.Copy(OrganisationCode("stoke-csc"), "1", b"{}")])
            return True
        return False

    return talk


def mail(port: int) -> bool:
    sender = email.Email(
        f"smtp://127.0.0.1:{port}", sender="b@example.org", clock=lambda: AT, total_seconds=TOTAL
    )
    outcome = sender.send("duty@example.org", Message("1", "subject", "text", {}))
    return not (isinstance(outcome, Deferred) and outcome.is_unavailable)


def webhook(port: int) -> bool:
    limits = http.Limits(SHORT, SHORT, TOTAL)
    sender = http.SafePost(b"k" * 32, clock=lambda: AT, allow_private=True, limits=limits)
    answer = sender.post(f"http://127.0.0.1:{port}/", id_="1", body=b"{}")
    return isinstance(answer, http.Answered)


def openid(port: int) -> bool:
    async def ask() -> bool:
        async with httpx2.AsyncClient(
            transport=openid_client.Bounded(), timeout=SHORT, trust_env=False
        ) as client:
            await client.get(f"http://127.0.0.1:{port}/")
        return True

    with suppress(httpx2.HTTPError, TimeoutError, OSError):
        return in_a_loop(ask())
    return False


def collector(port: int) -> bool:
    exporter = tracing._exporter(f"http://127.0.0.1:{port}/v1/traces")
    step = TracedStep("accept", AT, AT, [SpanPart(SOME_ID)])
    return tracing._sent(exporter, list(tracing.Spans("tests")(step)))


VALKEY, AMQP_FRAME, HTTP = b"+", b"\x01\x00\x00\x00\xff\xff\xff", b"HTTP/1.1 200 OK\r\nX-Slow: "
MAIL = b"220 "
POSTGRESQL = b"R\x00\x00\xff\xff"
SOME_ID = UUID(int=1)
OPTIONS, WAKE_UPS = queues.TRANSPORT_OPTIONS, celery_settings("")["broker_transport_options"]
HTTP_LIMITS = http.Limits()
VALKEY_PATCHES: Limits = [(bound_connections, "ANSWER_SECONDS", TOTAL)]
EXCHANGE_PATCHES: Limits = [
    *VALKEY_PATCHES,
    (queues, "TOTAL_SECONDS", TOTAL),
    (queues, "TRANSPORT_OPTIONS", {**OPTIONS, "socket_timeout": SHORT}),
]
CONNECTIONS = (
    Outgoing(
        "PostgreSQL",
        (time_limits.CONNECT, time_limits.ANSWER, time_limits.TRANSACTION),
        ledger,
        POSTGRESQL,
        [(time_limits, "POOL", TOTAL), (time_limits, "CONNECT", 2)],
    ),
    Outgoing(
        "wake-ups, sent",
        (wakeups.TIMEOUT_SECONDS, wakeups.TIMEOUT_SECONDS, wakeups.TOTAL_SECONDS),
        wake,
        VALKEY,
        [(wakeups, "TOTAL_SECONDS", TOTAL)],
    ),
    Outgoing(
        "wake-ups, fetched",
        (
            WAKE_UPS["socket_connect_timeout"],
            WAKE_UPS["socket_timeout"],
            bound_connections.ANSWER_SECONDS,
        ),
        fetch_wake_ups,
        VALKEY,
        VALKEY_PATCHES,
    ),
    Outgoing(
        "nudges, sent",
        (nudges.TIMEOUT_SECONDS, nudges.TIMEOUT_SECONDS, nudges.TOTAL_SECONDS),
        nudge,
        VALKEY,
        [(nudges, "TOTAL_SECONDS", TOTAL)],
    ),
    Outgoing(
        "nudges, heard",
        (nudges.TIMEOUT_SECONDS, nudges.HEARTBEAT, bound_connections.ANSWER_SECONDS),
        hear_nudges,
        VALKEY,
        VALKEY_PATCHES,
    ),
    Outgoing(
        "exchange, a Valkey",
        (OPTIONS["socket_connect_timeout"], OPTIONS["socket_timeout"], queues.TOTAL_SECONDS),
        exchange("redis"),
        VALKEY,
        EXCHANGE_PATCHES,
    ),
    Outgoing(
        "exchange, a RabbitMQ",
        (bound_connections.WAIT_SECONDS, bound_connections.WAIT_SECONDS, queues.TOTAL_SECONDS),
        exchange("amqp"),
        AMQP_FRAME,
        [*EXCHANGE_PATCHES, (bound_connections, "WAIT_SECONDS", SHORT)],
    ),
    Outgoing(
        "mail server",
        (email.SECONDS, email.SECONDS, email.TOTAL_SECONDS),
        mail,
        MAIL,
        [(email, "SECONDS", SHORT)],
    ),
    Outgoing(
        "webhook",
        (HTTP_LIMITS.connect_seconds, HTTP_LIMITS.answer_seconds, HTTP_LIMITS.total_seconds),
        webhook,
        HTTP,
    ),
    Outgoing(
        "OpenID provider",
        (openid_client.SECONDS / 2, openid_client.SECONDS / 2, openid_client.SECONDS),
        openid,
        HTTP,
        [(openid_client, "SECONDS", TOTAL)],
    ),
    Outgoing(
        "collector of traces",
        (tracing.TIMEOUT_SECONDS, tracing.TIMEOUT_SECONDS, tracing.TOTAL_SECONDS),
        collector,
        HTTP,
        [(tracing, "TIMEOUT_SECONDS", SHORT), (tracing, "TOTAL_SECONDS", TOTAL)],
    ),
)
LIBRARIES = {
    "psycopg": {"broker/ledger"},
    "psycopg_pool": {"broker/ledger"},
    "redis": {"broker/transport"},
    "kombu": {"broker/transport", "workers"},
    "amqp": {"broker/transport"},
    "celery": {"workers"},
    "smtplib": {"broker/notices"},
    "httpcore2": {"broker/transport"},
    "httpx2": {"broker/web/openid_client"},
    "authlib": {"broker/web/openid_client"},
    "requests": {"broker/bound_session.py"},
    "urllib3": {"broker/bound_session.py"},
}
"""The libraries that open connections, and where each may be used."""


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Answer each connection on a port in a thread of its own, until the block is left."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    link = listener.accept()[0]
                    opened.append(link)
                    threading.Thread(target=answer, args=(link,), daemon=True).start()

        opened: list[socket.socket] = []
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        for link in opened:
            link.close()


def drip(begins: bytes) -> Callable[[socket.socket], None]:
    """Begin an answer, and go on with it byte by byte for as long as anybody listens."""

    def answer(link: socket.socket) -> None:
        with suppress(OSError):
            if begins != MAIL:  # a mail server speaks first
                link.recv(1)
            link.sendall(begins)
            while True:
                link.sendall(b"a")
                time.sleep(DRIP_SECONDS)

    return answer


def say_nothing(_: socket.socket) -> None:
    return


def hang_up(link: socket.socket) -> None:
    link.close()


def refusing() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.mark.parametrize("outgoing", CONNECTIONS, ids=lambda outgoing: outgoing.name)
def test_a_server_that_drips_is_silent_hangs_up_or_refuses_is_given_up(
    outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, name, seconds in outgoing.patches:
        monkeypatch.setattr(place, name, seconds)
    results: dict[str, bool] = {}
    with (
        serving(drip(outgoing.begins)) as dripping,
        serving(say_nothing) as silent,
        serving(hang_up) as hanging_up,
    ):
        servers = {"drips": dripping, "is silent": silent, "hangs up": hanging_up}
        servers["refuses"] = refusing()

        def talk(server: str) -> None:
            results[server] = outgoing.talk(servers[server])

        for server in servers:
            threading.Thread(target=talk, args=(server,), daemon=True).start()
        with suppress(AssertionError):
            eventually(lambda: len(results) == len(servers), within=SLACK)
    assert results == dict.fromkeys(servers, False)


def test_the_document_has_each_connection_with_its_limits() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for outgoing in CONNECTIONS:
        connect, wait, total = (f"{seconds:g}" for seconds in outgoing.limits)
        assert f"| {outgoing.name} | {connect} s | {wait} s | {total} s |" in text


def test_no_other_module_opens_a_connection() -> None:
    strangers = {
        (library, module)
        for module, libraries in outside_imports("broker", "workers").items()
        for library in libraries & LIBRARIES.keys()
        if not module.startswith((*LIBRARIES[library], "broker/devstack"))
    }
    assert strangers == set()


def test_a_conversation_within_another_ends_with_the_earlier_one() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        conversations.bound(ours)
        began = time.monotonic()
        with conversations.within(SHORT), conversations.within(60), pytest.raises(TimeoutError):
            ours.recv(1)
        assert time.monotonic() - began < SLACK
        assert ours.gettimeout() is None
