"""What a session at PostgreSQL has set, also behind a pooler that lends sessions by transaction.

PostgreSQL's own limits are set by start-up options. A pooler in transaction mode (PgBouncer)
refuses them, or drops them silently; and what a connection prepares is not there in its next
transaction. A connection notices, prepares nothing, and sets its limits anew in each transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import tuple_row

_MARK = "broker.session"
"""A setting of our own, which is there when the options have reached PostgreSQL."""
_ASKED = f"select current_setting('{_MARK}', true) = 'own'"
_REFUSED = "unsupported startup parameter"
"""What PgBouncer says of options that it does not pass on."""


def options_of(settings: Mapping[str, str]) -> str:
    """Return settings as start-up options."""
    return " ".join(f"-c {name}={value}" for name, value in {**settings, _MARK: "own"}.items())


def statements_of(settings: Mapping[str, str]) -> bytes:
    """Return settings as statements for one transaction."""
    return "; ".join(f"set local {name} = '{value}'" for name, value in settings.items()).encode()


def are_refused(error: psycopg.Error) -> bool:
    """Tell whether a connection failed because it had start-up options."""
    return _REFUSED in str(error)


def has_own(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether a connection has its session for itself, with the options that it was given."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_ASKED.encode()).fetchone()
    connection.rollback()
    return bool(row and row[0])
