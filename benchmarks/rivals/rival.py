"""What the rivals that do the same work have in common: processes, queues, and what is checked."""

from __future__ import annotations

import base64
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self
from uuid import UUID, uuid4

import orjson
import psycopg
from joserfc import jws
from redis import Redis

from benchmarks import post, world
from benchmarks.ours import must_be_equal
from benchmarks.payload import rotated
from benchmarks.recipients import AGENCIES, recipients
from benchmarks.world import HOST, World

KEY = "a-key-of-the-rival"
WARM = 150


class Rival(ABC):
    """A rival over an empty database; two processes of a worker, and a web server."""

    name: ClassVar[str]
    insert: ClassVar[str]
    """The statement that takes in one referral: its id, reference and document as JSON."""

    def __init__(self, world: World, dsn: str) -> None:
        self.world = world
        self.dsn = dsn

    @classmethod
    def fresh(cls, world: World, scenario: str) -> Self:
        """Return the rival over tables of its own."""
        world.wipe()
        made = cls(world, world.database(f"{cls.name}_{scenario}"))
        made.make_tables()
        return made

    @abstractmethod
    def make_tables(self) -> None:
        """Make its two tables, ``referral`` and ``delivery``."""

    @property
    @abstractmethod
    def workers(self) -> Sequence[Sequence[str]]:
        """The commands of its workers, which have two processes together."""

    @property
    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """Where its processes find what they need."""

    @abstractmethod
    def enqueue(self, ids: Sequence[UUID]) -> None:
        """Hand referrals that were taken in to its workers."""

    @property
    def queues(self) -> Sequence[str]:
        """The agencies' queues."""
        return [f"{self.name}.{agency}" for agency in AGENCIES]

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Run its worker with two processes."""
        with self.world.processes(self.workers, self.environment):
            yield

    @contextmanager
    def running(self) -> Iterator[str]:
        """Run a web server and a worker; give the web server's address."""
        with self.worker(), self.web() as url:
            yield url

    @contextmanager
    def web(self) -> Iterator[str]:
        """Run a web server; give its address."""
        port = world.free_port()
        web = [sys.executable, "-m", "uvicorn", f"benchmarks.rivals.{self.name}.web:app"]
        web += ["--host", HOST, "--port", str(port), "--log-level=warning", "--no-access-log"]
        with self.world.processes([web], self.environment):
            url = f"http://{HOST}:{port}"
            self.world.until_ready(f"{url}/livez")
            yield url

    def fill(self, bodies: Mapping[str, bytes]) -> None:
        """Take in referrals, with no web server between."""
        rows = [(uuid4(), reference, body.decode()) for reference, body in bodies.items()]
        with psycopg.connect(self.dsn) as connection, connection.cursor() as cursor:
            cursor.executemany(self.insert.encode(), rows)
        world.vacuum(self.dsn)
        self.enqueue([row[0] for row in rows])

    def until_sent(self, bodies: Mapping[str, bytes]) -> None:
        """Wait until as many messages lie in the queues as these referrals have deliveries."""
        url, count = self.world.engines.exchange_url, len(messages_of(bodies))
        self.world.until(lambda: world.queue_lengths(url, self.queues) >= count)

    def warm_up(self, url: str) -> None:
        """Send some referrals through, wait for them, and empty the queues."""
        bodies = rotated("WARM", WARM)
        post.send(url, "/referrals", list(bodies.values()), [KEY] * 4)
        self.until_sent(bodies)
        self.world.until_quiet()
        self.world.engines.exchange.wipe()

    def sent(self) -> list[tuple[str, str]]:
        """Return the reference and the agency of each message in the queues."""
        copies = [delivery_in(copy) for copy in copies_in(self.world, self.queues)]
        return [(copy["reference"], copy["agency"]) for copy in copies]

    def verify(self, bodies: Mapping[str, bytes]) -> None:
        """Raise unless each referral went to each of its agencies, once for each delivery."""
        must_be_equal(f"{self.name}'s messages", sorted(self.sent()), messages_of(bodies))


def messages_of(bodies: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return the reference and the agency of each message that referrals come to, in order."""
    return sorted(
        (reference, agency)
        for reference, body in bodies.items()
        for agency in recipients(orjson.loads(body))
    )


def copies_in(world_: World, queues: Sequence[str]) -> list[bytes]:
    """Return every message of some queues, which stay as they are."""
    with Redis.from_url(world_.engines.exchange_url) as valkey:
        return [copy for name in queues for copy in valkey.lrange(name, 0, -1)]


def delivery_in(message: bytes) -> dict[str, str]:
    """Return what a message says: in Kombu's envelope, signed or neither."""
    content: dict[str, Any] = orjson.loads(message)
    if "body" not in content:
        return content
    body = base64.b64decode(content["body"])
    if not body.startswith(b"{"):
        body = jws.extract_compact(body).payload
    delivery: dict[str, str] = orjson.loads(body)
    return delivery
