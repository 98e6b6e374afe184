"""Its processes over a database of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import create_engine

from benchmarks.rivals.rival import KEY, Rival
from benchmarks.rivals.weekend.tables import Base
from benchmarks.rivals.weekend.tasks import app, process
from benchmarks.world import CELERY, PROCESSES, QUIET


class Weekend(Rival):
    """What a good team writes in a week."""

    name = "weekend"
    insert = (
        "insert into referral (id, reference, body, state, accepted_at)"
        " values (%s, %s, %s, 'accepted', now())"
    )

    def make_tables(self) -> None:
        """Make its tables as SQLAlchemy does."""
        engine = create_engine(self.environment["WEEKEND_DATABASE"])
        Base.metadata.create_all(engine)
        engine.dispose()

    @property
    def workers(self) -> Sequence[Sequence[str]]:
        """One worker of Celery with two processes."""
        tasks = "benchmarks.rivals.weekend.tasks"
        return [[*CELERY, "-A", tasks, "worker", f"--concurrency={PROCESSES}", *QUIET]]

    @property
    def environment(self) -> Mapping[str, str]:
        """Its addresses and its key."""
        engines = self.world.engines
        return {
            "WEEKEND_DATABASE": self.dsn.replace("postgresql://", "postgresql+psycopg://"),
            "WEEKEND_CELERY": engines.wakeup_url,
            "WEEKEND_EXCHANGE": engines.exchange_url,
            "WEEKEND_KEY": KEY,
        }

    def enqueue(self, ids: Sequence[UUID]) -> None:
        """Send a task for each referral."""
        with app.connection_for_write(self.world.engines.wakeup_url) as connection:
            for id_ in ids:
                process.apply_async((str(id_),), connection=connection)
