"""Its processes over a database of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from uuid import UUID

import psycopg
from redis import Redis

from benchmarks.rivals.rival import KEY, Rival
from benchmarks.rivals.sharp.tables import INSERT_REFERRAL, TABLES
from benchmarks.rivals.sharp.web import WAITING
from benchmarks.world import PROCESSES


class Sharp(Rival):
    """What one engineer writes by hand for speed."""

    name = "sharp"
    insert = INSERT_REFERRAL

    def make_tables(self) -> None:
        """Make its tables."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(TABLES.encode())

    @property
    def workers(self) -> Sequence[Sequence[str]]:
        """Two processes that know nothing of each other."""
        return [[sys.executable, "-m", "benchmarks.rivals.sharp.worker"]] * PROCESSES

    @property
    def environment(self) -> Mapping[str, str]:
        """Its addresses and its key."""
        engines = self.world.engines
        return {
            "SHARP_DATABASE": self.dsn,
            "SHARP_QUEUE": engines.wakeup_url,
            "SHARP_EXCHANGE": engines.exchange_url,
            "SHARP_KEY": KEY,
        }

    def enqueue(self, ids: Sequence[UUID]) -> None:
        """Push the ids."""
        with Redis.from_url(self.world.engines.wakeup_url) as queue:
            queue.lpush(WAITING, *(id_.bytes for id_ in ids))
