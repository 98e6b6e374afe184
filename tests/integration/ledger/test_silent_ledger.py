"""A ledger that says nothing, or drips: each wait ends by a limit of our own."""

import time
from collections.abc import Iterator

import pytest

from broker.errors import Unavailable
from broker.ledger import database
from broker.ledger.database import Database
from tests.conftest import PATIENCE_SECONDS, ends, eventually
from tests.relay import Relay

LIMIT = 3.0


@pytest.fixture
def relay(dsn: str) -> Iterator[Relay]:
    with Relay.before_postgresql(dsn) as opened:
        yield opened


@pytest.fixture
def ledger(relay: Relay, dsn: str) -> Iterator[Database]:
    opened = Database.open(
        relay.dsn(dsn), application_name="tests", max_size=1, answer_seconds=LIMIT
    )
    eventually(lambda: _answers(opened))
    with opened:
        yield opened


def _answers(ledger: Database) -> bool:
    try:
        ledger.ping()
    except Unavailable:
        return False
    return True


def test_an_answer_that_never_comes_is_given_up(relay: Relay, ledger: Database) -> None:
    relay.silence_present()
    gone: list[bool] = []
    assert ends(lambda: gone.append(not _answers(ledger)))
    assert gone == [True]
    assert eventually(lambda: _answers(ledger))


def test_an_answer_that_drips_is_given_up(relay: Relay, ledger: Database) -> None:
    relay.drip()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        ledger.ping()
    # Unbounded it would go on for as long as the server pleases: 200 bytes, five in a second.
    assert time.monotonic() - began < PATIENCE_SECONDS
    relay.speak()
    assert eventually(lambda: _answers(ledger))


def test_a_transaction_as_a_whole_is_bounded(ledger: Database) -> None:
    with pytest.raises(Unavailable), ledger.transaction() as connection:
        connection.until = time.monotonic() + LIMIT / 10
        for _ in range(int(PATIENCE_SECONDS / LIMIT)):
            connection.execute("select pg_sleep(0.05)")


def test_a_connection_that_fell_silent_while_idle_is_not_handed_out(
    relay: Relay, ledger: Database
) -> None:
    with ledger.transaction() as connection:
        pass
    connection.answered_at = time.monotonic() - 2 * database.CHECK_AFTER_SECONDS
    relay.silence_present()
    ledger.ping()  # by a connection that is opened for it


def test_a_connection_that_is_in_use_is_not_checked_each_time(
    relay: Relay, ledger: Database
) -> None:
    ledger.ping()
    with ledger.transaction() as connection:
        answered_at = connection.answered_at
        database.Connection.check(connection)
        assert connection.answered_at == answered_at
