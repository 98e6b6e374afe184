"""A ledger of which nothing stays: for a test referral, and for an act that is tried first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from broker.domain.event import WrittenEvent
from broker.ledger.database import Connection, rows
from broker.ledger.ledger import Ledger


class RehearsalLedger(Ledger):
    """Every transaction is a part of one, which the code around it rolls back.

    Its statements are the real ones on the real tables. Nobody else ever sees what they write:
    no figure, no agency and no history.
    """

    def __init__(self, ledger: Ledger, connection: Connection) -> None:
        super().__init__(ledger._pool, ledger._last, ledger._session)
        self._connection = connection
        self._before = self._last_event()

    def written(self) -> list[WrittenEvent]:
        """Return what was written into the history since the rehearsal began, in order."""
        written = rows(self._connection, "rehearsal/written", {"after": self._before})
        return [WrittenEvent(**row) for row in written]

    @contextmanager
    def transaction(self, *, alone: bool = False) -> Iterator[Connection]:
        """Lend the connection for a part of the one transaction; ``alone`` makes no difference."""
        del alone
        with self._connection.transaction():
            yield self._connection

    def _last_event(self) -> int:
        number: int = rows(self._connection, "rehearsal/last_event", {})[0]["id"]
        return number


@contextmanager
def rehearsing(ledger: Ledger) -> Iterator[RehearsalLedger]:
    """Yield a ledger whose work is rolled back at the end. Raises Unavailable."""
    with ledger.transaction() as connection, connection.transaction(force_rollback=True):
        yield RehearsalLedger(ledger, connection)
