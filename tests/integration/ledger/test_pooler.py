"""The ledger by way of a PgBouncer in transaction mode, which refuses or drops start-up options."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from broker.devstack.engines import Engines, as_application
from broker.errors import LedgerRefused, Unavailable
from broker.ledger import migrate
from broker.ledger.database import rows
from broker.ledger.ledger import Ledger
from tests.integration.ledger.conftest import Book
from tests.pgbouncer import PgBouncer, is_installed

pytestmark = pytest.mark.skipif(not is_installed(), reason="no pgbouncer")
SHOWN = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "timezone",
    "jit",
    "max_parallel_workers_per_gather",
)


@pytest.fixture(params=["", "options"], ids=["refuses options", "drops options"])
def pooled(
    request: pytest.FixtureRequest,
    engines: Engines,
    book: Book,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of the book's database through a pooler."""
    pooler = PgBouncer(
        tmp_path_factory.mktemp("pooler") / "p",
        engines.reaper,
        database_url=engines.database_url,
        ignored=request.param,
    )
    try:
        pooler.start()
        yield pooler.url(book.dsn)
    finally:
        pooler.stop()


def shown(ledger: Ledger) -> dict[str, str]:
    """Return what a transaction has set."""
    with ledger.transaction() as connection:
        return {
            name: connection.execute("select current_setting(%s) as value", [name]).fetchone()[
                "value"
            ]
            for name in SHOWN
        }


def test_every_transaction_has_the_limits_that_a_session_of_its_own_has(
    pooled: str, book: Book
) -> None:
    assert book.ledger.has_own_sessions()
    with Ledger.open(pooled, application_name="broker test") as ledger:
        assert not ledger.has_own_sessions()
        assert shown(ledger) == shown(book.ledger)
    with psycopg.connect(pooled) as other:
        assert other.execute("show statement_timeout").fetchone() == ("0",), "none is left behind"


def test_statements_meet_no_other_ones_while_sessions_are_shared(pooled: str, book: Book) -> None:
    """With prepared statements one in ten failed: another session, or another's statement."""
    ids = [book.routed_to("stoke-csc") for _ in range(3)]
    start = threading.Barrier(8)
    with Ledger.open(pooled, application_name="broker test", max_size=8) as ledger:

        def ask(number: int) -> int:
            start.wait(10)
            count = 0
            for _ in range(15):
                count += len(ledger.queries.timeline(ids[number % 3])) > 0
                with ledger.transaction() as connection:
                    row = connection.execute("select %s::int as n", [number]).fetchone()
                    assert row == {"n": number}
                    assert rows(connection, "monitoring/organisation_status", {}) is not None
                    # One of those that are prepared in a session of one's own.
                    assert rows(connection, "receipts/lock_referrals", {"ids": []}) == []
            return count

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(ask, range(8))) == [15] * 8


PREPARED = "select statement from pg_prepared_statements where statement like '-- Lock ref%'"


@pytest.mark.parametrize("is_pooled", [False, True])
def test_the_path_of_a_referral_is_prepared_in_a_session_of_its_own(
    pooled: str, book: Book, is_pooled: bool
) -> None:
    dsn = pooled if is_pooled else as_application(book.dsn)
    with (
        Ledger.open(dsn, application_name="broker test", max_size=1) as ledger,
        ledger.transaction() as connection,
    ):
        rows(connection, "receipts/lock_referrals", {"ids": []})
        prepared = connection.execute(PREPARED.encode(), prepare=False).fetchall()
    assert len(prepared) == (0 if is_pooled else 1)


def test_a_statement_that_hangs_ends_by_its_limit(pooled: str) -> None:
    with (
        Ledger.open(pooled, application_name="broker test") as ledger,
        pytest.raises(Unavailable),
        ledger.transaction() as connection,
    ):
        connection.execute("set local statement_timeout = 50")
        connection.execute("select pg_sleep(5)")


def test_migrations_are_looked_at_and_refused_with_the_reason(pooled: str) -> None:
    assert all(migration.applied for migration in migrate.status(pooled))
    with pytest.raises(LedgerRefused) as refused:
        migrate.migrate(pooled)
    assert "pooler" in refused.value.reason
    assert "own address" in refused.value.next_step
