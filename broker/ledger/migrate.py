"""Bring the ledger's tables up to date beside running processes: numbered files of plain SQL.

Each file is applied once, in a short transaction of its own. It waits for locks so briefly that
nobody behind it notices, and is tried again when it did not get them. A file that was released is
never edited; its SHA-256 is kept and checked. Several processes may migrate at the same time: one
does it, the others wait for it and find nothing left to do.

What a file begins with says how it is run, in lines of comment:

``-- run: batches``
    Its one statement is run again and again, each time in a transaction of its own. It is given
    ``%(after)s`` (null at first) and returns in one row the key of the last row that it has looked
    at, as text; null: everything is done. It may be begun anew, so it must not matter if it is.
``-- run: outside a transaction``
    Its statements are run one by one, for ``create index concurrently``. Begin with ``drop index
    concurrently if exists``: what was cut off leaves an index that is not valid.
``-- works from: 47``
    It takes away what older code needs: only code whose own newest file is 0047 or later works
    with it (``broker.ledger.schema_version``).
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors

from broker.errors import BrokerError, Unavailable
from broker.ledger import sessions
from broker.ledger.faults import fault_of, refuse_old
from broker.ledger.roles import Roles

FOLDER = Path(__file__).with_name("migrations")
LOCK_SECONDS = 0.5
"""How long a file waits for a lock. Sessions that want the same lock queue behind it. Less than the
second after which PostgreSQL looks for deadlocks, so that the file gives way first."""
STATEMENT_SECONDS = 60.0
"""A file that takes longer belongs into batches."""
PATIENCE_SECONDS = 300.0
"""How long a file is tried again."""
LONGEST_PAUSE_SECONDS = 5.0
BATCH_PAUSE_SECONDS = 0.02
"""Between two batches, for those who wait for the same rows."""
_LOCK = 0x7265666C65646772
_BUSY = (errors.LockNotAvailable, errors.DeadlockDetected, errors.QueryCanceled)
_REGISTER = """
create table if not exists migration (
    name text primary key,
    sha256 bytea not null,
    applied_at timestamptz not null default now(),
    works_from int not null default 0
)
"""
_OWNED = "select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass(%s)"
_IN_THE_WAY = """
select coalesce(nullif(application_name, ''), usename, backend_type) || ', pid ' || pid || ', '
       || extract(epoch from clock_timestamp() - xact_start)::int || ' s'
from pg_stat_activity
where xact_start is not null and pid <> pg_backend_pid() and datname = current_database()
order by xact_start
limit 3
"""
Say = Callable[[str], None]
Connection = psycopg.Connection[tuple[Any, ...]]


class MigrationEdited(BrokerError):
    """A migration differs from what was applied; restore the file and write a new one."""

    code = "migration-edited"
    next_step = "install the version again, or restore the file and write a new one"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, its statements, and whether the ledger has it."""

    name: str
    statements: str
    applied: bool

    @property
    def number(self) -> int:
        """What its name begins with."""
        return number_of(self.name)

    @property
    def sha256(self) -> bytes:
        """The digest of the statements."""
        return hashlib.sha256(self.statements.encode()).digest()

    @property
    def run(self) -> str:
        """How it is run: ``in a transaction``, ``batches`` or ``outside a transaction``."""
        return self._mark("run") or "in a transaction"

    @property
    def works_from(self) -> int:
        """The newest file of the oldest code that works with it; 0: any."""
        return int(self._mark("works from") or 0)

    def _mark(self, name: str) -> str:
        found = re.search(rf"^-- {name}: (.+)$", self.statements, re.MULTILINE)
        return found[1].strip() if found else ""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to migrate: who gets rights, how long to be patient, and who is told of delays."""

    roles: Roles = field(default_factory=Roles)
    patience: float = PATIENCE_SECONDS
    say: Say = lambda _: None


def number_of(name: str) -> int:
    """Return the number that a migration's name begins with."""
    return int(name.partition("_")[0])


def shipped(folder: Path = FOLDER) -> list[Migration]:
    """Return every migration of this code in order, as if none was applied."""
    return [
        Migration(file.stem, file.read_text(encoding="utf-8"), applied=False)
        for file in sorted(folder.glob("[0-9]*.sql"))
    ]


def status(dsn: str, *, folder: Path = FOLDER) -> list[Migration]:
    """Return every migration in order, and whether it was applied. Changes no table.

    Raises MigrationEdited and Unavailable.
    """
    with _connection(dsn) as connection:
        return _read(folder, _applied(connection))


def migrate(dsn: str, *, folder: Path = FOLDER, manner: Manner | None = None) -> list[str]:
    """Apply what is missing, file by file, and return the names.

    What was applied stays applied when a later file fails. Raises MigrationEdited; Unavailable when
    the ledger cannot be reached, or other sessions hold a lock for longer than ``manner.patience``.
    """
    manner = manner or Manner()
    with _connection(dsn, own=True) as connection, _alone(connection, manner):
        if not _has_table(connection, "migration"):
            connection.execute(_REGISTER)
        roles = manner.roles.existing(connection)
        missing = [m for m in _read(folder, _applied(connection)) if not m.applied]
        for migration in missing:
            _apply(connection, migration, roles, manner)
        if not missing:
            _grant(connection, roles)
    return [migration.name for migration in missing]


def _apply(connection: Connection, migration: Migration, roles: Roles, manner: Manner) -> None:
    if migration.run == "batches":
        _run_batches(connection, migration, manner)
    elif migration.run == "outside a transaction":
        _run_outside(connection, migration, manner)

    def finish() -> None:
        with connection.transaction():
            if migration.run == "in a transaction":
                connection.execute(migration.statements.encode())
            connection.execute(
                "insert into migration (name, sha256, works_from) values (%s, %s, %s)",
                [migration.name, migration.sha256, migration.works_from],
            )
            _grant(connection, roles)

    _patiently(connection, migration.name, finish, manner)


def _run_batches(connection: Connection, migration: Migration, manner: Manner) -> None:
    after: str | None = None

    def step() -> str | None:
        row = connection.execute(migration.statements.encode(), {"after": after}).fetchone()
        return None if row is None else row[0]

    while True:
        after = _patiently(connection, migration.name, step, manner)
        if after is None:
            return
        time.sleep(BATCH_PAUSE_SECONDS)


def _run_outside(connection: Connection, migration: Migration, manner: Manner) -> None:
    """Run the statements one by one. They hold up nobody while they wait for a lock."""
    connection.execute("set lock_timeout = 0")
    connection.execute("set statement_timeout = 0")
    try:
        for statement in migration.statements.split(";\n"):
            if re.sub(r"(?m)^\s*--.*$", "", statement).strip():
                run = partial(connection.execute, statement.encode())
                _patiently(connection, migration.name, run, manner)
    finally:
        if not connection.closed:
            connection.execute("reset lock_timeout")
            connection.execute("reset statement_timeout")


def _grant(connection: Connection, roles: Roles) -> None:
    """Grant the roles their rights, where a file has said what they are and we own the tables."""
    granting = _has_table(connection, "grant_roles(text,text)", kind="regprocedure")
    if granting and _answer(connection, _OWNED, "migration"):
        connection.execute("select grant_roles(%s, %s)", [roles.application, roles.reader])


def _patiently(connection: Connection, name: str, action: Callable[[], Any], manner: Manner) -> Any:
    """Return what an action gives; repeat it while others hold what it needs."""
    until, pause = time.monotonic() + manner.patience, 0.2
    while True:
        try:
            return action()
        except _BUSY as error:
            reason = str(error.diag.message_primary)
            rows = connection.execute(_IN_THE_WAY.encode()).fetchall()
            others = "; ".join(text for (text,) in rows)
            told = f"{name} did not get what it needs ({reason}). Transactions that run: {others}."
        if time.monotonic() > until:
            raise Unavailable(f"{told} What was applied stays applied; repeat later.")
        manner.say(f"{told} It is tried again in {pause:.1f} s.")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


@contextmanager
def _alone(connection: Connection, manner: Manner) -> Iterator[None]:
    """Let one process migrate at a time.

    The others poll, because a session that waits for a lock in PostgreSQL holds a snapshot.
    """
    until = time.monotonic() + manner.patience
    while not _answer(connection, "select pg_try_advisory_lock(%s)", _LOCK):
        if time.monotonic() > until:
            raise Unavailable("Another process is still migrating this ledger; repeat later.")
        time.sleep(0.1)
    yield


@contextmanager
def _connection(dsn: str, *, own: bool = False) -> Iterator[Connection]:
    """Open a connection; with ``own`` one that has its session for itself. Raises Unavailable."""
    limits = {"lock_timeout": f"{LOCK_SECONDS}s", "statement_timeout": f"{STATEMENT_SECONDS}s"}
    settings: dict[str, Any] = {
        "autocommit": True,
        "connect_timeout": 5,
        "application_name": "broker migrate",
    }
    try:
        try:
            connection = psycopg.connect(dsn, options=sessions.options_of(limits), **settings)
        except psycopg.OperationalError as error:
            if own or not sessions.are_refused(error):
                raise
            connection = psycopg.connect(dsn, **settings)
        with connection:
            refuse_old(connection)
            if own and not sessions.has_own(connection):
                raise psycopg.OperationalError("a pooler lends sessions by transaction")
            yield connection
    except (psycopg.OperationalError, errors.InsufficientPrivilege) as error:
        raise fault_of(error) from error


def _applied(connection: Connection) -> Mapping[str, bytes]:
    if not _has_table(connection, "migration"):
        return {}
    return dict(connection.execute("select name, sha256 from migration").fetchall())


def _has_table(connection: Connection, name: str, *, kind: str = "regclass") -> bool:
    return bool(_answer(connection, f"select to_{kind}(%s) is not null", name))


def _answer(connection: Connection, question: str, asked: object) -> object:
    row = connection.execute(question.encode(), [asked]).fetchone()
    return row[0] if row else None


def _read(folder: Path, applied: Mapping[str, bytes]) -> list[Migration]:
    migrations = []
    for file in shipped(folder):
        migration = Migration(file.name, file.statements, file.name in applied)
        if migration.applied and applied[migration.name] != migration.sha256:
            raise MigrationEdited(f"Migration {migration.name} was edited after it was applied.")
        migrations.append(migration)
    return migrations
