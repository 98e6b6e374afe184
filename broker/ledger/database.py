"""The connections to PostgreSQL: pooled, each with its time limits, one transaction at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeVar

import orjson
import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from broker import heartbeats, time_limits
from broker.ledger import sessions
from broker.ledger.faults import LASTING, LastFailure, fault_of, refuse_old

_SQL = Path(__file__).with_name("sql")
CHECK_AFTER_SECONDS = 5.0
"""A connection without an answer for so long is checked before it is handed out."""
CHECK_SECONDS = 2.0
PATH = ("deliveries/", "receipts/", "referrals/", "routing/", "clock_pauses/")
"""Parts whose statements take and carry referrals: prepared when a connection first runs them.

A plan for these values each time costs a fifth of collecting and answering. After five of them
PostgreSQL makes one for any values, if that is no dearer; psycopg alone would prepare after five.
"""
Row = dict[str, Any]
T = TypeVar("T")

set_json_loads(orjson.loads)


class Connection(psycopg.Connection[Row]):
    """Ends itself when PostgreSQL does not answer in time, by this process's own clock.

    PostgreSQL's own limits end nothing when its answers no longer arrive.
    """

    answer_seconds = time_limits.ANSWER
    """How long one answer may take."""
    answered_at = 0.0
    """When the last answer came."""
    until = float("inf")
    """When the present transaction, or check, must be over."""
    has_own_session = True
    """Whether its settings stay; behind a pooler they are set in each transaction."""

    @classmethod
    def connect(  # type: ignore[override]  # psycopg lists its settings one by one
        cls, conninfo: str = "", *, last: LastFailure | None = None, **settings: Any
    ) -> Self:
        """Open a connection, and note in ``last`` why not. Raises OperationalError."""
        last = last or LastFailure()
        try:
            try:
                connection = super().connect(conninfo, **settings)
            except psycopg.OperationalError as error:
                if not sessions.are_refused(error):
                    raise
                connection = super().connect(conninfo, **{**settings, "options": ""})
            refuse_old(connection)
            connection.has_own_session = sessions.has_own(connection)
            if not connection.has_own_session:
                connection.prepare_threshold = None
        except psycopg.Error as error:
            last.error = error
            raise
        last.error = None
        return connection

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for the whole answer. Raises OperationalError, with the connection closed."""
        left = min(self.answer_seconds, max(0.0, self.until - monotonic()))
        try:
            answer = super().wait(gen, interval, left if timeout is None else timeout)
        except errors._WaitTimeout:
            self.close()
            raise psycopg.OperationalError("PostgreSQL did not answer in time.") from None
        self.answered_at = monotonic()
        return answer

    @staticmethod
    def check(connection: Connection) -> None:
        """Check a connection that was not used for a while. Raises OperationalError."""
        if monotonic() - connection.answered_at < CHECK_AFTER_SECONDS:
            return
        connection.until = monotonic() + CHECK_SECONDS
        try:
            ConnectionPool.check_connection(connection)
        finally:
            connection.until = float("inf")


_CONNECTION = {
    "connect_timeout": int(time_limits.CONNECT),
    # What is sent and not confirmed, and a host that has gone: the kernel tells us.
    "tcp_user_timeout": int(time_limits.ANSWER * 1000),
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "row_factory": dict_row,
}
"""The limits on our side of every connection."""


def _session_settings(idle_in_transaction_timeout: timedelta) -> dict[str, str]:
    """Return what PostgreSQL itself is told for each session."""
    return {
        "statement_timeout": f"{time_limits.STATEMENT}s",
        "lock_timeout": f"{time_limits.LOCK}s",
        "idle_in_transaction_session_timeout": f"{idle_in_transaction_timeout.total_seconds()}s",
        "timezone": "UTC",
        # Queries are small, and the other cores have other work.
        "max_parallel_workers_per_gather": "0",
        "jit": "off",
    }


class Database:
    """Thread-safe. Every method raises Unavailable when PostgreSQL does not answer."""

    def __init__(self, pool: ConnectionPool[Connection], last: LastFailure, session: bytes) -> None:
        self._pool = pool
        self._last = last
        self._session = session
        self._is_rehearsal = False

    def rehearsal(self) -> Self:
        """Return this database over the same pool, where each transaction is rolled back.

        So a dry run is refused by whatever refuses the act: it is the same function. Each
        transaction sees nothing of those before it.
        """
        rehearsal = type(self)(self._pool, self._last, self._session)
        rehearsal._is_rehearsal = True
        return rehearsal

    @classmethod
    def open(
        cls,
        dsn: str,
        *,
        application_name: str,
        max_size: int = 8,
        idle_in_transaction_timeout: timedelta = timedelta(seconds=20),
        answer_seconds: float = time_limits.ANSWER,
        on_connect: Callable[[Connection], None] | None = None,
    ) -> Self:
        """Open a pool of connections, each of them with its time limits.

        ``on_connect`` is called with each new one, before it is used.
        """
        last, session = LastFailure(), _session_settings(idle_in_transaction_timeout)
        settings = {
            **_CONNECTION,
            "last": last,
            "application_name": application_name,
            "options": sessions.options_of(session),
        }

        def configure(connection: Connection) -> None:
            connection.answer_seconds = answer_seconds
            if on_connect:
                on_connect(connection)

        pool: ConnectionPool[Connection] = ConnectionPool(
            dsn,
            connection_class=Connection,
            kwargs=settings,
            min_size=1,
            max_size=max_size,
            timeout=time_limits.POOL,
            check=Connection.check,
            configure=configure,
            open=True,
        )
        return cls(pool, last, sessions.statements_of(session))

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def ping(self) -> None:
        """Check that PostgreSQL answers."""
        with self.transaction() as connection:
            connection.execute("select 1")

    def has_own_sessions(self) -> bool:
        """Tell whether nothing stands before PostgreSQL that lends sessions by transaction."""
        with self.transaction() as connection:
            return connection.has_own_session

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
    def transaction(self, *, alone: bool = False) -> Iterator[Connection]:
        """Lend a connection for one transaction.

        ``alone``: each statement commits immediately, so nothing stays locked if this process
        freezes. Raises Unavailable, and LedgerRefused if somebody must act first; nothing was
        written then.
        """
        try:
            with self._pool.connection() as connection:
                connection.until = monotonic() + time_limits.TRANSACTION
                # Behind a pooler the limits can be set only inside a transaction.
                is_lent = not connection.has_own_session
                is_alone = alone and not is_lent and not self._is_rehearsal
                with _committing(connection, alone=is_alone):
                    if is_lent:
                        connection.execute(self._session)
                    yield connection
                    if self._is_rehearsal:
                        connection.rollback()
                connection.until = float("inf")
            heartbeats.beat()
        except PoolTimeout as error:
            raise fault_of(self._last.error) from error
        except (psycopg.OperationalError, *LASTING) as error:
            raise fault_of(error) from error


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

    def _alone(self, name: str, params: Mapping[str, Any]) -> list[Row]:
        """Run one statement that commits immediately, whatever happens to this process."""
        with self._database.transaction(alone=True) as connection:
            return rows(connection, name, params)

    def _planned(self, name: str, params: Mapping[str, Any]) -> list[Row]:
        """Run one statement, planned for these values.

        A plan for any values would read a long history whole.
        """
        with self._transaction() as connection:
            return rows(connection, name, params, prepare=False)


@contextmanager
def _committing(connection: Connection, *, alone: bool) -> Iterator[None]:
    """Have each statement of a connection commit immediately, inside this context."""
    if not alone:
        yield
        return
    connection.autocommit = True
    try:
        yield
    finally:
        if not connection.closed:
            connection.autocommit = False


def rows(
    connection: Connection, name: str, params: Mapping[str, Any], *, prepare: bool | None = None
) -> list[Row]:
    """Run the statement in ``sql/<part>/<name>.sql``, named ``<part>/<name>``; return its rows.

    With ``prepare=False`` PostgreSQL plans it each time for these values.
    """
    if prepare is None and connection.has_own_session and name.startswith(PATH):
        prepare = True
    cursor = connection.execute(statement(name), params, binary=True, prepare=prepare)
    return cursor.fetchall() if cursor.description else []


@cache
def statement(name: str) -> bytes:
    """Return the text of a statement."""
    return (_SQL / f"{name}.sql").read_bytes()


def json_text(value: object) -> str:
    """Return a value as JSON, for a parameter that the statement casts to jsonb."""
    return orjson.dumps(value, default=str).decode()
