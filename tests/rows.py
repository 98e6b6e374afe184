"""What stands in the ledger, for tests that look at what was written."""

from typing import Any

import psycopg

from broker.flow.context import Context


def rows(context: Context, statement: str, *params: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(statement.encode(), params or None).fetchall()
