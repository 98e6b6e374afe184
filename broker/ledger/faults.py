"""Faults of PostgreSQL that stay until somebody acts, told from those that pass.

A connection that fails has no code, only PostgreSQL's or its library's words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import psycopg
from psycopg import errors

from broker.errors import LedgerRefused, Unavailable

OLDEST_SERVER = 160000
"""PostgreSQL 16, as its library counts."""
URL = "correct BROKER_DATABASE_URL"
MIGRATE = "run `broker migrate` as the owner of the tables"
_LASTING = (
    (
        r"password authentication failed|no password supplied|no pg_hba\.conf entry"
        r"|authentication failed|role \".*\" does not exist|is not permitted to log in",
        "password",
        "PostgreSQL does not let this user in.",
        f"{URL}: user and password; or let it in (pg_hba.conf)",
    ),
    (
        r"database \".*\" does not exist|permission denied for database",
        "database",
        "PostgreSQL has no such database for this user.",
        f"{URL}: the database, or create it",
    ),
    (
        r"certificate|server does not support SSL|SSL error|no encryption",
        "certificate",
        "The encryption of the connection to PostgreSQL is refused.",
        f"{URL}: sslmode, sslrootcert and the host's name; or PostgreSQL's certificate",
    ),
    (
        r"unsupported startup parameter|a pooler lends sessions by transaction",
        "pooler",
        "A pooler in transaction mode stands before PostgreSQL.",
        "give this command PostgreSQL's own address in BROKER_DATABASE_URL",
    ),
    (
        r"could not translate host name|invalid port"
        r"|invalid connection option|unrecognized configuration parameter",
        "address",
        "The address of PostgreSQL cannot be used.",
        URL,
    ),
    (
        r"is too old",
        "version",
        "This PostgreSQL is too old: the broker needs 16 or newer.",
        "upgrade PostgreSQL",
    ),
)
_UNDEFINED = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction)
LASTING = (errors.InsufficientPrivilege, *_UNDEFINED)
"""What a statement fails with when tables or rights are not those of this code."""


@dataclass(slots=True)
class LastFailure:
    """Why the last connection could not be opened; a pool tells only that none could."""

    error: psycopg.Error | None = field(default=None)


def refuse_old(connection: psycopg.Connection[object]) -> None:
    """Close a connection to a PostgreSQL that is too old. Raises OperationalError."""
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.server_version // 10000
        connection.close()
        raise psycopg.OperationalError(f"PostgreSQL {version} is too old")


def fault_of(error: BaseException | None) -> Unavailable:
    """Return what an error of PostgreSQL is to the broker."""
    if isinstance(error, errors.InsufficientPrivilege):
        reason = f"The broker's role lacks a right: {error.diag.message_primary}."
        return LedgerRefused("grants", reason, next_step=f"{MIGRATE}; docs/operations.md, Roles")
    if isinstance(error, _UNDEFINED):
        reason = f"The tables are not those of this version: {error.diag.message_primary}."
        return LedgerRefused("schema", reason, next_step=MIGRATE)
    for pattern, cause, reason, next_step in _LASTING:
        if error is not None and (found := re.search(f".*({pattern}).*", str(error))):
            told = found[0].rpartition("FATAL:")[2].strip().rstrip(".")
            return LedgerRefused(cause, f"{reason} It says: {told}.", next_step=next_step)
    return Unavailable("The ledger cannot be reached; repeat later.")
