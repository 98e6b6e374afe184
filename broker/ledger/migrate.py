"""Bring the ledger's tables up to date: numbered files of plain SQL, each applied once.

A file that was applied is never edited; its SHA-256 is kept and checked. Several processes may
migrate at the same time: one does it, the others wait for it and find nothing left to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from broker.errors import BrokerError, Unavailable

FOLDER = Path(__file__).with_name("migrations")
_LOCK = 0x7265666C65646772
_WAIT_SECONDS = 60
_REGISTER = """
create table if not exists migration (
    name text primary key,
    sha256 bytea not null,
    applied_at timestamptz not null default now()
)
"""


class MigrationEdited(BrokerError):
    """A migration differs from what was applied; restore the file and write a new one."""

    code = "migration-edited"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, its statements, and whether the ledger has it."""

    name: str
    statements: str
    applied: bool

    @property
    def sha256(self) -> bytes:
        """The digest of the statements."""
        return hashlib.sha256(self.statements.encode()).digest()


def status(dsn: str, *, folder: Path = FOLDER) -> list[Migration]:
    """Return every migration in order, and whether it was applied. Changes no table.

    Raises MigrationEdited and Unavailable.
    """
    with _connection(dsn) as connection:
        return _read(folder, _applied(connection))


def migrate(dsn: str, *, folder: Path = FOLDER) -> list[str]:
    """Apply what is missing, all or nothing, and return the names.

    Raises MigrationEdited and Unavailable.
    """
    with _connection(dsn) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute(_REGISTER)
        migrations = _read(folder, _applied(connection))
        missing = [migration for migration in migrations if not migration.applied]
        for migration in missing:
            connection.execute(migration.statements.encode())
            connection.execute(
                "insert into migration (name, sha256) values (%s, %s)",
                [migration.name, migration.sha256],
            )
    return [migration.name for migration in missing]


@contextmanager
def _connection(dsn: str) -> Iterator[psycopg.Connection]:
    options = f"-c lock_timeout={_WAIT_SECONDS}s -c statement_timeout={_WAIT_SECONDS * 10}s"
    try:
        with psycopg.connect(
            dsn, connect_timeout=5, application_name="broker-migrate", options=options
        ) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise Unavailable("The ledger cannot be reached or is busy; repeat later.") from error


def _applied(connection: psycopg.Connection) -> Mapping[str, bytes]:
    row = connection.execute("select to_regclass('migration') is not null").fetchone()
    if row is None or not row[0]:
        return {}
    return dict(connection.execute("select name, sha256 from migration").fetchall())


def _read(folder: Path, applied: Mapping[str, bytes]) -> list[Migration]:
    migrations = []
    for file in sorted(folder.glob("[0-9]*.sql")):
        migration = Migration(file.stem, file.read_text(encoding="utf-8"), file.stem in applied)
        if migration.applied and applied[migration.name] != migration.sha256:
            raise MigrationEdited(f"Migration {migration.name} was edited after it was applied.")
        migrations.append(migration)
    return migrations
