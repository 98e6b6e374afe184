"""The floor: the same rows by PostgreSQL's COPY, 200 referrals a commit, and nothing decided."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import psycopg

AT_ONCE = 200
_OF = {
    "referral": "id = any(%s)",
    "referral_content": "referral = any(%s)",
    "referral_finding": "referral = any(%s)",
    "delivery": "referral = any(%s)",
    "delivery_reason": "delivery in (select id from delivery where referral = any(%s))",
    "event": "referral = any(%s)",
}
_REFERENCES = "select reference from referral order by reference"


def measure(source: str, target: str) -> float:
    """Copy every row that referrals made in one ledger into another; return referrals a second.

    Raises ValueError unless the copy holds the same references.
    """
    with psycopg.connect(source) as reading, psycopg.connect(target) as writing:
        ids = [row[0] for row in reading.execute("select id from referral order by id")]
        batches = [ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)]
        rows = [{table: _read(reading, table, batch) for table in _OF} for batch in batches]
        begun = time.perf_counter()
        for batch in rows:
            for table, data in batch.items():
                _write(writing, table, data)
            writing.commit()
        seconds = time.perf_counter() - begun
        if _references(reading) != _references(writing):
            raise ValueError("The copy does not hold what was copied.")
    return len(ids) / seconds


def _read(connection: psycopg.Connection[Any], table: str, ids: Sequence[Any]) -> bytes:
    asked = f"copy (select * from {table} where {_OF[table]}) to stdout (format binary)"
    # COPY takes no parameters on the server; psycopg writes them into the statement.
    with psycopg.ClientCursor(connection) as cursor, cursor.copy(asked.encode(), [ids]) as copy:
        return b"".join(bytes(part) for part in copy)


def _write(connection: psycopg.Connection[Any], table: str, data: bytes) -> None:
    statement = f"copy {table} from stdin (format binary)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write(data)


def _references(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute(_REFERENCES).fetchall()
