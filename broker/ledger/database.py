"""The connections to PostgreSQL: pooled, each with its time limits, one transaction at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from broker.errors import Unavailable

_SQL = Path(__file__).with_name("sql")
Row = dict[str, Any]
Connection = psycopg.Connection[Row]

set_json_loads(orjson.loads)


class Database:
    """Thread-safe. Every method raises Unavailable when PostgreSQL does not answer."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
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
            # Queries are small, and the other cores have other work.
            "options": f"{options} -c timezone=UTC -c max_parallel_workers_per_gather=0 -c jit=off",
            "row_factory": dict_row,
        }
        pool: ConnectionPool[Connection] = ConnectionPool(
            dsn, kwargs=settings, min_size=1, max_size=max_size, timeout=5, open=True
        )
        return cls(pool)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def ping(self) -> None:
        """Check that PostgreSQL answers."""
        with self.transaction() as connection:
            connection.execute("select 1")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend a connection for one transaction. Raises Unavailable; nothing was written then."""
        try:
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("The ledger cannot be reached; repeat later.") from error


class Part:
    """A part of the ledger: the methods about one subject, over the same pool."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _transaction(self) -> AbstractContextManager[Connection]:
        return self._database.transaction()

    def _rows(self, name: str, params: Mapping[str, Any]) -> list[Row]:
        """Run one statement in a transaction of its own."""
        with self._transaction() as connection:
            return rows(connection, name, params)

    def _planned(self, name: str, params: Mapping[str, Any]) -> list[Row]:
        """Run one statement, planned for these values.

        A plan for any values would read a long history whole.
        """
        with self._transaction() as connection:
            return rows(connection, name, params, prepare=False)


def rows(
    connection: Connection, name: str, params: Mapping[str, Any], *, prepare: bool | None = None
) -> list[Row]:
    """Run the statement in ``sql/<part>/<name>.sql``, named ``<part>/<name>``; return its rows.

    With ``prepare=False`` PostgreSQL plans it each time for these values.
    """
    cursor = connection.execute(statement(name), params, binary=True, prepare=prepare)
    return cursor.fetchall() if cursor.description else []


@cache
def statement(name: str) -> bytes:
    """Return the text of a statement."""
    return (_SQL / f"{name}.sql").read_bytes()


def json_text(value: object) -> str:
    """Return a value as JSON, for a parameter that the statement casts to jsonb."""
    return orjson.dumps(value, default=str).decode()
