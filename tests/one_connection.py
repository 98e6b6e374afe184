"""No thread takes a second connection of a pool while it has one: it may be the last."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from broker.ledger.database import Connection, Database


@pytest.fixture(autouse=True, scope="session")
def second_connections() -> Iterator[list[str]]:
    """Return where a second connection was taken inside a transaction, as it happens."""
    places: list[str] = []
    lent = threading.local()
    plain = Database.transaction

    @contextmanager
    def transaction(self: Database, **options: Any) -> Iterator[Connection]:
        pools = lent.__dict__.setdefault("pools", [])
        if id(self) in pools:
            stack = traceback.extract_stack()[:-2]
            places.append(
                " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(stack[-8:]))
            )
        pools.append(id(self))
        try:
            with plain(self, **options) as connection:
                yield connection
        finally:
            pools.remove(id(self))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "transaction", transaction)
        yield places


@pytest.fixture(autouse=True)
def one_connection(request: pytest.FixtureRequest, second_connections: list[str]) -> Iterator[None]:
    """Fail a test in which a transaction took a second connection, whatever became of it.

    Those that are marked ``two_actors`` play two processes in one thread.
    """
    second_connections.clear()
    yield
    if request.node.get_closest_marker("two_actors") is None:
        assert second_connections == []
