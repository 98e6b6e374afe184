"""Migrations are applied once, together, and never after an edit; the tables guard themselves."""

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from broker.devstack.engines import Engines
from broker.domain.codes import Stage
from broker.domain.states import OPEN_DELIVERIES, DeliveryState, ReferralState
from broker.errors import Unavailable
from broker.ledger.migrate import FOLDER, Manner, MigrationEdited, migrate, status

SHIPPED = sorted(file.stem for file in FOLDER.glob("*.sql"))
REFERRAL = """
insert into referral (id, publisher, reference, digest, state, accepted_at, routed_at, closed_at)
values (%s, 'police', %s, %s, %s, now(), %s, %s)
"""


@pytest.fixture
def dsn(engines: Engines) -> Iterator[str]:
    """The address of an empty database."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        yield engines.database_url.replace("/postgres?", f"/{name}?")
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def ledger(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection to a migrated ledger that knows one police force."""
    migrate(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("insert into organisation values ('police', 'P', 'police', 'mailbox')")
        yield connection


def add(ledger: psycopg.Connection, reference: str, state: str, *, routed: bool = False) -> UUID:
    """Write a bare referral and return its id."""
    referral = uuid4()
    with ledger.transaction():
        row = ledger.execute("select now()").fetchone()
        assert row is not None
        routed_at = row[0] if routed else None
        closed_at = row[0] if state == "closed" else None
        values = [referral, reference, bytes(32), state, routed_at, closed_at]
        ledger.execute(REFERRAL, values)
    return referral


def test_what_is_missing_is_applied_once(dsn: str) -> None:
    assert SHIPPED[0] == "0030_ledger"
    assert [migration.applied for migration in status(dsn)] == [False] * len(SHIPPED)
    assert migrate(dsn) == SHIPPED
    assert migrate(dsn) == []
    assert [migration.applied for migration in status(dsn)] == [True] * len(SHIPPED)


def test_two_at_the_same_time_apply_it_once(dsn: str) -> None:
    done: list[list[str]] = []
    both = [threading.Thread(target=lambda: done.append(migrate(dsn))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert sorted(done) == [[], SHIPPED]


def test_an_edited_migration_is_refused(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "0001_first.sql"
    file.write_text("create table one (id int)")
    migrate(dsn, folder=tmp_path)
    file.write_text("create table one (id bigint)")
    with pytest.raises(MigrationEdited, match="0001_first"):
        migrate(dsn, folder=tmp_path)


def test_a_failing_migration_leaves_nothing_of_itself_behind(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "0001_good.sql").write_text("create table one (id int)")
    (tmp_path / "0002_bad.sql").write_text("create table two (id int); select nonsense")
    with pytest.raises(errors.UndefinedColumn):
        migrate(dsn, folder=tmp_path)
    assert [migration.applied for migration in status(dsn, folder=tmp_path)] == [True, False]
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select to_regclass('two')").fetchone() == (None,)


def test_a_ledger_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        migrate(f"postgresql://broker@/postgres?host={tmp_path}")


def test_the_tables_know_exactly_the_states_and_stages_of_the_domain(
    ledger: psycopg.Connection,
) -> None:
    query = "select pg_get_constraintdef(oid) from pg_constraint where conname = %s"
    for name, words in [
        ("referral_state_check", ReferralState),
        ("delivery_state_check", DeliveryState),
        ("answer_stage_check", Stage),
    ]:
        row = ledger.execute(query, [name]).fetchone()
        assert row is not None
        assert sorted(row[0].split("'")[1::2]) == sorted(words)


def test_the_index_of_the_unfinished_covers_every_open_state(ledger: psycopg.Connection) -> None:
    row = ledger.execute("select pg_get_indexdef('delivery_unfinished'::regclass)").fetchone()
    assert row is not None
    states = row[0].partition("NOT")[0].split("'")[1::2]
    assert sorted(states) == sorted(OPEN_DELIVERIES)


def test_a_reference_is_used_once(ledger: psycopg.Connection) -> None:
    add(ledger, "OCC/1", "accepted")
    with pytest.raises(errors.UniqueViolation):
        add(ledger, "OCC/1", "accepted")


def test_a_corrected_referral_may_take_the_reference_of_a_rejected_one(
    ledger: psycopg.Connection,
) -> None:
    first = add(ledger, "OCC/1", "rejected")
    second = add(ledger, "OCC/1", "accepted")
    assert first != second


def test_a_finished_referral_keeps_its_reference(ledger: psycopg.Connection) -> None:
    add(ledger, "OCC/1", "closed", routed=True)
    with pytest.raises(errors.UniqueViolation):
        add(ledger, "OCC/1", "accepted")


@pytest.mark.parametrize(
    "change", ["update event set actor = 'x'", "delete from event", "truncate event"]
)
def test_history_can_only_grow(ledger: psycopg.Connection, change: str) -> None:
    referral = add(ledger, "OCC/1", "accepted")
    ledger.execute(
        "insert into event (at, kind, publisher, referral, actor)"
        " values (now(), 'referral.accepted', 'police', %s, 'test')",
        [referral],
    )
    with pytest.raises(errors.RestrictViolation, match="append-only"):
        ledger.execute(change)


def numbered(folder: Path, **files: str) -> Path:
    """Write files of migrations by their names, and return their folder."""
    for name, text in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(text)
    return folder


MANY = "create table many as select n as id, null::int as twice from generate_series(1, 2500) n"
BATCH = """-- run: batches
with batch as (
    select id from many where id > coalesce(%(after)s::int, 0) order by id limit 1000 for update
),
done as (update many set twice = 2 * many.id from batch where many.id = batch.id)
select max(id)::text from batch
"""
INDEX = """-- run: outside a transaction
drop index concurrently if exists many_by_twice;
create index concurrently many_by_twice on many (twice);
"""


def test_a_large_change_goes_in_batches_and_an_index_beside_traffic(
    dsn: str, tmp_path: Path
) -> None:
    folder = numbered(tmp_path, m0001_many=MANY, m0002_twice=BATCH, m0003_index=INDEX)
    with psycopg.connect(dsn, autocommit=True) as watching:
        assert migrate(dsn, folder=folder) == ["0001_many", "0002_twice", "0003_index"]
        told = watching.execute(
            "select count(*), count(distinct xmin::text) from many where twice = 2 * id"
        ).fetchone()
        assert told == (2500, 3)
        valid = watching.execute(
            "select indisvalid from pg_index where indexrelid = 'many_by_twice'::regclass"
        ).fetchone()
        assert valid == (True,)
    assert migrate(dsn, folder=folder) == []


def test_what_is_held_up_is_tried_again_and_lets_others_pass(dsn: str, tmp_path: Path) -> None:
    folder = numbered(tmp_path, m0001_one="create table one (id int)")
    migrate(dsn, folder=folder)
    numbered(tmp_path, m0002_more="alter table one add column more int")
    remarks: list[str] = []
    with psycopg.connect(dsn, application_name="somebody") as other:
        other.execute("select * from one")

        def let_go(remark: str) -> None:
            remarks.append(remark)
            other.rollback()

        assert migrate(dsn, folder=folder, manner=Manner(say=let_go)) == ["0002_more"]
    (remark,) = remarks
    assert "0002_more did not get what it needs" in remark
    assert "lock timeout" in remark
    assert "somebody, pid" in remark


def test_when_its_patience_ends_it_says_who_is_in_the_way(dsn: str, tmp_path: Path) -> None:
    folder = numbered(tmp_path, m0001_one="create table one (id int)")
    migrate(dsn, folder=folder)
    numbered(tmp_path, m0002_more="create table more (id int)")
    numbered(tmp_path, m0003_held="alter table one add column held int")
    with psycopg.connect(dsn, application_name="somebody") as other:
        other.execute("select * from one")
        with pytest.raises(Unavailable, match="somebody, pid"):
            migrate(dsn, folder=folder, manner=Manner(patience=0))
    assert [m.applied for m in status(dsn, folder=folder)] == [True, True, False]


def test_a_deadlock_is_tried_again(dsn: str, tmp_path: Path) -> None:
    first = "create table one (id int); create table two (id int)"
    migrate(dsn, folder=numbered(tmp_path, m0001_both=first))
    numbered(
        tmp_path,
        m0002_both="alter table one add column a int; select pg_sleep(0.5);"
        " set local lock_timeout = 0; alter table two add column a int",
    )
    remarks: list[str] = []
    with psycopg.connect(dsn) as other:
        other.execute("set deadlock_timeout = '10min'")
        other.execute("lock table two")
        waiting = threading.Thread(target=lambda: (other.execute("table one"), other.rollback()))
        threading.Timer(0.2, waiting.start).start()
        assert migrate(dsn, folder=tmp_path, manner=Manner(say=remarks.append)) == ["0002_both"]
        waiting.join(30)
    assert any("deadlock detected" in remark for remark in remarks)
