"""Its processes over a database of its own, and what is checked."""

from __future__ import annotations

import base64
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
from joserfc import jws
from redis import Redis
from sqlalchemy import create_engine

from benchmarks import post, world
from benchmarks.ours import must_be_equal
from benchmarks.payload import to_three
from benchmarks.rivals.weekend.tables import Base
from benchmarks.rivals.weekend.tasks import AGENCIES, QUEUES
from benchmarks.world import CELERY, HOST, PROCESSES, QUIET, World

KEY = "weekend-key"
WARM = 150


@dataclass(frozen=True, slots=True)
class Weekend:
    """The rival over an empty database."""

    world: World
    dsn: str

    @classmethod
    def fresh(cls, world: World, name: str) -> Weekend:
        """Make its tables."""
        world.wipe()
        made = cls(world, world.database(name))
        engine = create_engine(made._environment()["WEEKEND_DATABASE"])
        Base.metadata.create_all(engine)
        engine.dispose()
        return made

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Run one worker with two processes."""
        name = "benchmarks.rivals.weekend.tasks"
        celery = [*CELERY, "-A", name, "worker", f"--concurrency={PROCESSES}", *QUIET]
        with self.world.processes([celery], self._environment()):
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
        web = [sys.executable, "-m", "uvicorn", "benchmarks.rivals.weekend.web:app"]
        web += ["--host", HOST, "--port", str(port), "--log-level=warning", "--no-access-log"]
        with self.world.processes([web], self._environment()):
            url = f"http://{HOST}:{port}"
            self.world.until_ready(f"{url}/livez")
            yield url

    def until_sent(self, count: int) -> None:
        """Wait until so many messages lie in the three queues."""
        url = self.world.engines.exchange_url
        self.world.until(lambda: world.queue_lengths(url, QUEUES) >= count)

    def warm_up(self, url: str) -> None:
        """Send some referrals through, wait for them, and empty the queues."""
        bodies = to_three("WARM", WARM)
        post.send(url, "/referrals", list(bodies.values()), [KEY] * 4)
        self.until_sent(3 * WARM)
        self.world.until_quiet()
        self.world.engines.exchange.wipe()

    def sent(self) -> list[tuple[str, str]]:
        """Return the reference and the agency of each message in the queues."""
        with Redis.from_url(self.world.engines.exchange_url) as valkey:
            found = [delivery_in(copy) for name in QUEUES for copy in valkey.lrange(name, 0, -1)]
        return [(copy["reference"], copy["agency"]) for copy in found]

    def verify(self, references: Collection[str]) -> None:
        """Raise unless each reference went to each agency once."""
        expected = sorted((reference, agency) for reference in references for agency in AGENCIES)
        must_be_equal("the rival's messages", sorted(self.sent()), expected)

    def _environment(self) -> dict[str, str]:
        engines = self.world.engines
        return {
            "WEEKEND_DATABASE": self.dsn.replace("postgresql://", "postgresql+psycopg://"),
            "WEEKEND_CELERY": engines.wakeup_url,
            "WEEKEND_EXCHANGE": engines.exchange_url,
            "WEEKEND_KEY": KEY,
        }


def delivery_in(message: bytes) -> dict[str, str]:
    """Return what a message in a Kombu queue says: ours is signed, and the rival's is not."""
    body = base64.b64decode(orjson.loads(message)["body"])
    if not body.startswith(b"{"):
        body = jws.extract_compact(body).payload
    found: dict[str, str] = orjson.loads(body)
    return found
