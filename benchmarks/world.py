"""The engines, the databases and the processes of one run; nothing of it outlives the run."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import urllib3
from redis import Redis

from benchmarks.sizes import Sizes
from broker.devstack.engines import Engines
from broker.devstack.processes import Children

HOST = "127.0.0.1"
PATIENCE_SECONDS = 300.0
SETTINGS = {"track_commit_timestamp": "on", "max_wal_size": "8GB"}
"""The instant of each commit is how everybody is timed; the rest is as PostgreSQL ships it."""
CELERY = (sys.executable, "-m", "celery")
QUIET = ("--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat")
QUIET_SECONDS, QUIET_SHARE = 10.0, 0.15
"""How long quiet is waited for, and the share of the processors that still counts as quiet."""
_STAT = Path("/proc/stat")
PROCESSES = 2
"""Of every worker, ours and the rivals'."""
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class World:
    """What every scenario needs."""

    engines: Engines
    children: Children
    sizes: Sizes
    say: Callable[[str], None]

    def database(self, name: str, make: Callable[[str], None] | None = None) -> str:
        """Make a database and return its connection string.

        With ``make`` it is a copy of one that ``make`` fills, once in a run.
        """
        template = f"template_{make.__name__}" if make else "template0"
        if make and template not in self._databases():
            make(self.database(template))
        self._administer(f"drop database if exists {name} with (force)")
        self._administer(f"create database {name} template {template}")
        return self.engines.database_url.replace("/postgres?", f"/{name}?")

    def tidy(self) -> None:
        """Drop every database but the templates, and empty both Valkeys."""
        for name in self._databases():
            if not name.startswith(("template", "postgres")):
                self._administer(f"drop database {name} with (force)")
        self.wipe()

    def _databases(self) -> set[str]:
        question = "select datname from pg_database"
        return {row[0] for row in rows(self.engines.database_url, question)}

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.engines.database_url, autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def processes(
        self, commands: Sequence[Sequence[str]], env: Mapping[str, str]
    ) -> Iterator[None]:
        """Run these commands until the block is left."""
        names = [f"process-{next(_numbers)}" for _ in commands]
        inside = {"C_FORCE_ROOT": "1", "PYTHONWARNINGS": "ignore", **env}
        try:
            for name, command in zip(names, commands, strict=True):
                self.children.start(name, command, environment=inside)
            yield
        finally:
            self.children.stop(names)

    def wipe(self) -> None:
        """Empty both Valkeys."""
        self.engines.wakeup.wipe()
        self.engines.exchange.wipe()

    def until(self, is_so: Callable[[], Any], every: float = 0.02) -> None:
        """Wait until something is so; raise when it is not in time or a process has ended."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            self.children.check()
            if time.monotonic() > end:
                raise TimeoutError("What was sent did not arrive in time.")
            time.sleep(every)

    def until_quiet(self) -> None:
        """Wait until the processors have nothing to do for half a second: what started is warm.

        A worker's child reads the policy when it starts, which takes seconds of a processor; in the
        middle of a short trial it halves the rate. Goes on after ten seconds in any case.
        """
        end = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < end and _busy_share(0.5) > QUIET_SHARE:
            self.children.check()

    def until_ready(self, url: str) -> None:
        """Wait until a web server answers."""
        with urllib3.PoolManager(retries=False, timeout=5.0) as pool:
            self.until(lambda: _answers(pool, url))


@contextmanager
def opened(sizes: Sizes, say: Callable[[str], None]) -> Iterator[World]:
    """Start the engines, and end everything when the block is left, whatever happened."""
    with Engines() as engines:
        with psycopg.connect(engines.database_url, autocommit=True) as connection:
            for name, value in SETTINGS.items():
                connection.execute(f"alter system set {name} = '{value}'".encode())
        engines.postgres.stop()
        engines.postgres.start()
        folder = engines.folder / "run"
        folder.mkdir(mode=0o700)
        with Children(folder, engines.reaper) as children:
            yield World(engines, children, sizes, say)


def _busy_share(seconds: float) -> float:
    """Return which share of all processors was busy meanwhile, taken by others included; none
    where the system does not tell."""
    if not _STAT.exists():
        return 0.0
    before = _jiffies()
    time.sleep(seconds)
    spent = [after - earlier for earlier, after in zip(before, _jiffies(), strict=True)]
    return 1 - (spent[3] + spent[4]) / max(1, sum(spent))  # idle, and waiting for disks


def _jiffies() -> list[int]:
    """Return what all processors did since the machine started: user, nice, system, idle, ..."""
    first = _STAT.read_text(encoding="ascii").splitlines()[0]
    return [int(number) for number in first.split()[1:9]]


def rows(dsn: str, question: str, *asked: Any) -> list[Any]:
    """Ask a ledger something, beside the product's own door: a check must not share it."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(question.encode(), asked).fetchall()


def vacuum(dsn: str) -> None:
    """Do now what autovacuum would do in the middle of a measurement."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")


def checkpoint(dsn: str) -> None:
    """Write out now what a checkpoint would write in the middle of a measurement."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("checkpoint")


def steady_rate(dsn: str, table: str, *, where: str = "true", warm: float = 0.2) -> float:
    """Return rows committed a second, the first part of them left out.

    While those are written each process reads its policy, fills its caches, meets its tables.
    """
    question = f"select pg_xact_commit_timestamp(xmin), count(*) from {table} where {where}"
    commits = rows(dsn, f"{question} group by 1 order by 1")
    total, seen, begun = sum(number for _, number in commits), 0, None
    for at, number in commits[:-1]:
        seen, begun = seen + number, at
        if seen >= total * warm:
            break
    if begun is None:
        raise ValueError("One commit has no rate: send more.")
    return float((total - seen) / (commits[-1][0] - begun).total_seconds())


def last_commit(dsn: str, table: str) -> float:
    """Return when the last row was committed, in seconds of the system's clock."""
    question = f"select extract(epoch from max(pg_xact_commit_timestamp(xmin))) from {table}"
    return float(rows(dsn, question)[0][0])


def queue_lengths(url: str, names: Sequence[str]) -> int:
    """Return how many messages lie in Kombu's queues in a Valkey."""
    with Redis.from_url(url) as valkey:
        return sum(int(valkey.llen(name)) for name in names)


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _answers(pool: urllib3.PoolManager, url: str) -> bool:
    try:
        return pool.request("GET", url).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def now() -> float:
    """Return the present instant in seconds, by the clock that commits are stamped with."""
    return time.time()
