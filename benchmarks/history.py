"""A long history, made inside PostgreSQL: copies of referrals that went the whole way once.

Ids are reckoned from a number, so that each part of a copy knows the others'. Whatever columns the
tables have are copied; those that differ are named here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

LEGS = 3
AT_ONCE = 100_000
VACUUM_SECONDS = 300
"""How long autovacuum is waited for at most."""
_INDEXES = """
select indexname, indexdef from pg_indexes
where schemaname = 'public' and tablename = any(%s)
  and indexname not in (select conname from pg_constraint where contype in ('p', 'u'))
"""
_VACUUMING = "select count(*) from pg_stat_activity where backend_type = 'autovacuum worker'"
_TABLES = ("referral", "referral_content", "referral_finding", "delivery", "delivery_reason")
_REFERRAL = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
_DELIVERY = "('01900000-0001-7000-8%s-' || lpad(to_hex(n), 12, '0'))::uuid"
_FINISHED_DELIVERY = {
    "state": "'decided'",
    "lease": "null",
    "lease_until": "null",
    "next_attempt_at": "null",
    "next_alarm_at": "null",
    "collected_at": "source.available_at",
    "acknowledged_at": "source.available_at",
    "decided_at": "source.available_at",
}
_OPEN_DELIVERY = {"next_alarm_at": "source.next_alarm_at + interval '1 day'"}
"""Copies of one delivery would all warn in the same instant, in the middle of what is measured."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Which copies to make: numbers ``first`` to ``last`` of one routed referral."""

    source: Any
    first: int
    last: int
    finished: bool
    agencies: Sequence[str] = ()
    """Who gets them, in turn; none for the agencies of the source."""


def make(dsn: str, copies: Sequence[Copies], say: Callable[[str], None]) -> float:
    """Make copies with few indexes, then the indexes; return the seconds that it took."""
    begun = time.perf_counter()
    with psycopg.connect(dsn, autocommit=True) as connection:
        # Copies of what is sound are sound: foreign keys need not be looked up six million times.
        connection.execute("set session_replication_role = replica")
        connection.execute("set maintenance_work_mem = '512MB'")
        connection.execute("set synchronous_commit = off")
        indexes = connection.execute(_INDEXES, [[*_TABLES, "event"]]).fetchall()
        for name, _ in indexes:
            connection.execute(f"drop index {name}".encode())
        for copy in copies:
            _copy(connection, copy, say)
        say(f"  {len(indexes)} indexes")
        for _, definition in indexes:
            connection.execute(definition.encode())
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")
        for _ in range(VACUUM_SECONDS):
            if connection.execute(_VACUUMING).fetchone() == (0,):
                break
            time.sleep(1)  # what autovacuum began meanwhile must not disturb what is measured
    return time.perf_counter() - begun


def _copy(connection: psycopg.Connection[Any], copies: Copies, say: Callable[[str], None]) -> None:
    for first in range(copies.first, copies.last + 1, AT_ONCE):
        last = min(copies.last, first + AT_ONCE - 1)
        say(f"  {'finished' if copies.finished else 'open'} referrals {first:,} to {last:,}")
        for statement in _statements(connection, copies):
            asked = {"source": copies.source, "first": first, "last": last}
            connection.execute(statement.encode(), asked)


def _statements(connection: psycopg.Connection[Any], copies: Copies) -> list[str]:
    asked = "select id from delivery where referral = %s order by id"
    legs = [row[0] for row in connection.execute(asked, [copies.source])]
    return [
        *_of_referral(connection, copies),
        *(part for at, leg in enumerate(legs) for part in _of_leg(connection, copies, at, leg)),
    ]


def _of_referral(connection: psycopg.Connection[Any], copies: Copies) -> list[str]:
    closed = {"state": "'closed'", "closed_at": "source.routed_at"} if copies.finished else {}
    body = {"body": "'{}'::bytea"} if copies.finished else {}
    reference = {"id": _REFERRAL, "reference": "'COPY-' || n", "idempotency_key": "null"}
    whose = "where source.{} = %(source)s"
    return [
        _insert(connection, "referral", reference | closed, whose.format("id")),
        _insert(connection, "referral_content", {"referral": _REFERRAL} | body, "referral"),
        _insert(connection, "referral_finding", {"referral": _REFERRAL}, "referral"),
        _insert(connection, "event", {"referral": _REFERRAL}, "routed"),
    ]


def _of_leg(connection: psycopg.Connection[Any], copies: Copies, place: int, leg: Any) -> list[str]:
    id_ = _DELIVERY % f"{place:03d}"
    agency = _agency(copies.agencies, place)
    state = _FINISHED_DELIVERY if copies.finished else _OPEN_DELIVERY
    reason = {"scope": "'{}'", "explanation": "'{}'"} if copies.finished else {}
    where = f"where source.id = '{leg}' and %(source)s is not null"
    reasons = f"where source.delivery = '{leg}' and %(source)s is not null"
    events = f"{reasons} and source.kind = 'delivery.available'"
    kind = {"kind": "'delivery.decided'"} if copies.finished else {}
    own = {"id": id_, "referral": _REFERRAL}
    return [
        _insert(connection, "delivery", own | agency | state, where),
        _insert(connection, "delivery_reason", {"delivery": id_} | reason, reasons),
        _insert(connection, "event", {"delivery": id_, "referral": _REFERRAL} | kind, events),
    ]


def _agency(agencies: Sequence[str], place: int) -> dict[str, str]:
    if not agencies:
        return {}
    names = ", ".join(f"'{name}'" for name in agencies)
    return {"agency": f"(array[{names}])[1 + (n + {place}) %% {len(agencies)}]"}


def _insert(
    connection: psycopg.Connection[Any], table: str, other: Mapping[str, str], where: str
) -> str:
    """Return the statement that copies a table's row once for each number."""
    where = {
        "referral": "where source.referral = %(source)s",
        "routed": "where source.referral = %(source)s and source.kind = 'referral.routed'",
    }.get(where, where)
    asked = (
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
        " and not attisdropped and attidentity = '' and attgenerated = ''"
    )
    columns = [row[0] for row in connection.execute(asked, [table])]
    values = [other.get(name, f"source.{name}") for name in columns]
    return (
        f"insert into {table} ({', '.join(columns)}) select {', '.join(values)} from {table} source"
        f" cross join generate_series(%(first)s::bigint, %(last)s::bigint) as n {where}"
    )
