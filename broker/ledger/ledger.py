"""The ledger: the only door to PostgreSQL. One method, one transaction, one statement a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from broker.domain.states import ReferralState
from broker.errors import Unavailable
from broker.ledger.rows import Accepted, Contradiction, NewReferral

_SQL = Path(__file__).with_name("sql")
_Row = dict[str, Any]
_Connection = psycopg.Connection[_Row]


class Ledger:
    """Thread-safe. Every method raises Unavailable when PostgreSQL is away; nothing is lost."""

    def __init__(self, pool: ConnectionPool[_Connection]) -> None:
        self._pool = pool

    @classmethod
    def open(
        cls,
        dsn: str,
        *,
        application_name: str,
        max_size: int = 8,
        statement_timeout: timedelta = timedelta(seconds=15),
        lock_timeout: timedelta = timedelta(seconds=5),
        idle_in_transaction_timeout: timedelta = timedelta(seconds=20),
    ) -> Self:
        """Open a pool of connections, each of them with its time limits."""
        limits = {
            "statement_timeout": statement_timeout,
            "lock_timeout": lock_timeout,
            "idle_in_transaction_session_timeout": idle_in_transaction_timeout,
        }
        options = " ".join(f"-c {name}={limit.total_seconds()}s" for name, limit in limits.items())
        settings = {
            "application_name": application_name,
            "connect_timeout": 5,
            "options": options,
            "row_factory": dict_row,
        }
        pool: ConnectionPool[_Connection] = ConnectionPool(
            dsn, kwargs=settings, min_size=1, max_size=max_size, timeout=5, open=True
        )
        return cls(pool)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def accept(self, new: Sequence[NewReferral]) -> list[Accepted | Contradiction]:
        """Write the referrals that are new; answer for each one in order what the ledger holds.

        The same content under the same reference or key is the referral that was accepted first;
        other content under either is a Contradiction and changes nothing.
        """
        with self._transaction() as connection:
            rows = connection.execute(_statement("accept"), _columns(new), binary=True).fetchall()
            written = {row["id"] for row in rows}
            holders = self._holders(connection, new, written)
        return [
            _receipt(one) if one.id in written else _held(one, holders[place])
            for place, one in enumerate(new)
        ]

    def _holders(
        self, connection: _Connection, new: Sequence[NewReferral], written: set[Any]
    ) -> dict[int, _Row]:
        places = [place for place, one in enumerate(new) if one.id not in written]
        if not places:
            return {}
        asked = {
            "places": places,
            "publishers": [new[place].publisher for place in places],
            "references": [new[place].reference for place in places],
            "keys": [new[place].idempotency_key for place in places],
        }
        found: dict[int, _Row] = {}
        for row in connection.execute(_statement("holders"), asked):
            found.setdefault(row["place"], row)
        return found

    @contextmanager
    def _transaction(self) -> Iterator[_Connection]:
        try:
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("The ledger cannot be reached; repeat later.") from error


@cache
def _statement(name: str) -> bytes:
    return (_SQL / f"{name}.sql").read_bytes()


def _columns(new: Sequence[NewReferral]) -> dict[str, list[Any]]:
    return {
        "ids": [one.id for one in new],
        "publishers": [one.publisher for one in new],
        "references": [one.reference for one in new],
        "keys": [one.idempotency_key for one in new],
        "digests": [one.digest for one in new],
        "bodies": [one.body for one in new],
        "accepted": [one.accepted_at for one in new],
        "actors": [one.actor for one in new],
    }


def _receipt(one: NewReferral) -> Accepted:
    state = ReferralState.ACCEPTED
    return Accepted(one.id, one.reference, one.digest, state, one.accepted_at, duplicate=False)


def _held(one: NewReferral, row: _Row) -> Accepted | Contradiction:
    if row["digest"] != one.digest:
        return Contradiction(row["id"], "reference" if row["by_reference"] else "idempotency_key")
    return Accepted(
        row["id"],
        row["reference"],
        row["digest"],
        ReferralState(row["state"]),
        row["accepted_at"],
        duplicate=True,
    )
