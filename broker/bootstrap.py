"""Put a broker together from its settings: the one place where real clocks and ids come in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import uuid_utils

from broker.channels.queue import QueueChannel
from broker.domain.ids import Clock, NewId
from broker.flow.books import Books
from broker.flow.parts import Broker
from broker.ledger.ledger import Ledger
from broker.points import Orders, Reached, passed_by
from broker.settings import Settings
from broker.transport.wakeups import Wakeups


@contextmanager
def open_broker(
    settings: Settings,
    *,
    part: str,
    clock: Clock | None = None,
    new_id: NewId | None = None,
    connections: int = 8,
) -> Iterator[Broker]:
    """Open a broker for one process and close it at the end; open it after any fork.

    ``part`` names the process to PostgreSQL: ``gateway``, ``worker``, ``cli``. ``connections`` is
    the most that it opens to the ledger. Raises Unavailable when the ledger cannot be reached.
    """
    new_id = new_id or new_uuid7
    with ExitStack() as stack:
        ledger = stack.enter_context(
            Ledger.open(
                settings.database_url, application_name=f"broker {part}", max_size=connections
            )
        )
        reached = reached_of(settings)
        wakeups = Wakeups(settings.wakeup_url, new_id=new_id, reached=reached)
        stack.callback(wakeups.close)
        queue = QueueChannel(settings.exchange_url)
        stack.callback(queue.close)
        yield Broker(
            settings=settings,
            ledger=ledger,
            books=Books(ledger),
            wakeups=wakeups,
            channels={"queue": queue},
            clock=clock or clock_of(settings),
            new_id=new_id,
            reached=reached,
        )


def clock_of(settings: Settings) -> Clock:
    """Return the system's clock, or the one in a file that tests turn."""
    if settings.clock_file is None:
        return utc_now
    return file_clock(settings.clock_file)


def utc_now() -> datetime:
    """Return the present instant, aware and in UTC."""
    return datetime.now(UTC)


def file_clock(path: Path) -> Clock:
    """Return a clock that does what a file says each time it is asked.

    An RFC 3339 instant: it stands there. A signed number of seconds, such as ``+90``: it goes, and
    is so far ahead of the system's clock.
    """

    def now() -> datetime:
        text = path.read_text(encoding="utf-8").strip()
        if text.startswith(("+", "-")):
            return utc_now() + timedelta(seconds=float(text))
        return datetime.fromisoformat(text).astimezone(UTC)

    return now


def reached_of(settings: Settings) -> Reached:
    """Return what is told of named points: nobody, or whoever carries out a test's orders."""
    return passed_by if settings.points_dir is None else Orders(settings.points_dir)


def new_uuid7() -> UUID:
    """Return a fresh UUID version 7 (RFC 9562), ordered by time within this process."""
    return UUID(int=uuid_utils.uuid7().int)
