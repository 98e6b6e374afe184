"""A ledger of which nothing stays: for a test referral that takes the path of a real one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from broker.ledger.database import Connection
from broker.ledger.ledger import Ledger


class RehearsalLedger(Ledger):
    """Every transaction is a part of one, which the code around it rolls back.

    Its statements are the real ones on the real tables. Nobody else ever sees what they write:
    no figure, no agency and no history.
    """

    def __init__(self, ledger: Ledger, connection: Connection) -> None:
        super().__init__(ledger._pool, ledger._last, ledger._session)
        self._connection = connection

    @contextmanager
    def transaction(self, *, alone: bool = False) -> Iterator[Connection]:
        """Lend the connection for a part of the one transaction; ``alone`` makes no difference."""
        del alone
        with self._connection.transaction():
            yield self._connection


@contextmanager
def rehearsing(ledger: Ledger) -> Iterator[RehearsalLedger]:
    """Yield a ledger whose work is rolled back at the end. Raises Unavailable."""
    with ledger.transaction() as connection, connection.transaction(force_rollback=True):
        yield RehearsalLedger(ledger, connection)
