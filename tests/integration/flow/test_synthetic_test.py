"""A test referral goes the whole way by the real statements, and nothing of it stays."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import psycopg
import pytest
from psycopg import sql

from broker.domain.codes import HealthLevel
from broker.domain.proofs import SyntheticStep, SyntheticTest
from broker.flow import epoch_cache, policy_cache, route, synthetic_test
from broker.flow.context import Context
from broker.flow.health_watch import health_of
from broker.flow.process_reports import GATEWAY, write_report
from broker.flow.sweep import TEST_WAITS, Sweeper
from broker.flow.synthetic_test import TAKEN_WITHIN, begin, document, run_waiting
from broker.policy.monitoring.health import TESTS_MISSED
from schemas import tolerance
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock

EVERY = timedelta(minutes=5)
OF_TESTS = {"synthetic_test", "process_report"}


@pytest.fixture
def tested(context: Context) -> Context:
    """A broker that is set to send a test referral every five minutes."""
    return with_tests(context)


def with_tests(context: Context) -> Context:
    settings = replace(context.settings, test_referral_every=EVERY)
    return replace(context, settings=settings)


def everything(context: Context) -> dict[str, list[Any]]:
    """Return every row of every table, as text; without those of tests themselves."""
    with psycopg.connect(context.settings.database_url) as ledger:
        tables = ledger.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = "
            "current_schema()::regnamespace order by relname"
        ).fetchall()
        return {
            name: ledger.execute(
                sql.SQL("select t::text from {} t order by 1").format(sql.Identifier(name))
            ).fetchall()
            for (name,) in tables
            if name not in OF_TESTS
        }


def latest(context: Context) -> SyntheticTest:
    test = context.ledger.health.synthetic_test()
    assert test is not None
    return test


def problems(context: Context) -> list[str]:
    write_report(context, GATEWAY, "gateway-1:8", since=context.clock() - timedelta(days=1))
    health = health_of(context.ledger, now=context.clock())
    return [problem.code for problem in health.problems]


def test_none_is_sent_unless_the_settings_say_so(context: Context) -> None:
    assert not begin(context)
    assert context.ledger.health.synthetic_test() is None
    assert "synthetic" not in problems(context)


def test_it_reads_nothing_on_a_second_connection_however_old_the_memory_is(
    tested: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What checks it is ``tests/one_connection.py``."""
    for cache in (policy_cache, epoch_cache):
        monkeypatch.setattr(cache, "REFRESH_SECONDS", 0.0)
    tested.policies._fresh_until = tested.epochs._fresh_until = 0.0
    assert begin(tested)
    run_waiting(tested)
    assert (latest(tested).step, latest(tested).through_at) == (None, tested.clock())


def test_it_comes_through_and_no_table_holds_anything_of_it(
    tested: Context, clock: FixedClock, world: World
) -> None:
    world.hand_in(sample(1))
    route.drain(tested)
    tested.activity.flush()
    before = everything(tested)
    assert begin(tested)
    clock.advance(seconds=0.4)
    assert run_waiting(tested)
    assert (latest(tested).step, latest(tested).code) == (None, None)
    assert latest(tested).through_at == clock()
    assert latest(tested).seconds == pytest.approx(0.4)
    assert everything(tested) == before
    tested.activity.flush()
    assert everything(tested) == before


def test_nobody_sees_it_while_it_is_under_way(
    tested: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its last step its rows are there for the test, and for no other connection."""
    before, seen = everything(tested), {}
    settle = synthetic_test.answer.settle

    def look(context: Context, *args: Any, **more: Any) -> Any:
        seen["others"] = everything(tested)
        with context.ledger.transaction() as connection:
            rows = connection.execute(
                "select delivery.agency, delivery.state, referral.publisher from delivery "
                "join referral on referral.id = delivery.referral"
            ).fetchall()
        seen["own"] = [tuple(row.values()) for row in rows]
        return settle(context, *args, **more)

    monkeypatch.setattr(synthetic_test.answer, "settle", look)
    assert begin(tested)
    assert run_waiting(tested)
    assert latest(tested).through_at is not None
    assert seen["others"] == before
    ((agency, state, publisher),) = seen["own"]
    assert (state, agency) == ("leased", publisher)
    assert agency.startswith("test-")


def test_one_is_begun_by_one_gateway_each_interval(tested: Context, clock: FixedClock) -> None:
    assert begin(tested)
    assert not begin(tested)
    clock.advance(minutes=5)
    assert begin(tested)
    assert run_waiting(tested)
    assert not run_waiting(tested)
    with psycopg.connect(tested.settings.database_url) as ledger:
        assert ledger.execute("select count(*) from synthetic_test").fetchone() == (1,)


def test_the_sweeper_takes_one_for_which_no_worker_was_woken(
    tested: Context, clock: FixedClock
) -> None:
    sweeper = Sweeper(tested, "worker-1:7")
    assert begin(tested)
    assert sweeper.sweep()
    assert latest(tested).through_at is None
    clock.advance(seconds=TEST_WAITS.total_seconds())
    assert sweeper.sweep()
    assert latest(tested).through_at == clock()


def test_one_that_nobody_took_in_time_is_left(tested: Context, clock: FixedClock) -> None:
    assert begin(tested)
    clock.now += TAKEN_WITHIN + timedelta(seconds=1)
    assert not run_waiting(tested)
    assert latest(tested).through_at is None


STEPS = {
    SyntheticStep.ACCEPT: "referral_content",
    SyntheticStep.ROUTE: "delivery_reason",
    SyntheticStep.ACKNOWLEDGE: "answer",
}


@pytest.mark.parametrize(("step", "table"), STEPS.items())
def test_where_it_stops_is_known_and_nothing_stays(
    tested: Context, dsn: str, step: SyntheticStep, table: str
) -> None:
    owner = replace(tested, settings=replace(tested.settings, database_url=dsn))
    before = everything(owner)
    with psycopg.connect(dsn) as ledger:
        ledger.execute(
            "create function refuse_all() returns trigger language plpgsql as "
            "$$ begin raise exception 'refused' using errcode = 'check_violation'; end $$"
        )
        ledger.execute(
            sql.SQL(
                "create trigger refuse_all before insert on {} execute function refuse_all()"
            ).format(sql.Identifier(table))
        )
    assert begin(tested)
    assert run_waiting(tested)
    assert (latest(tested).step, latest(tested).through_at) == (step, None)
    assert latest(tested).code
    assert everything(owner) == before


def test_another_is_begun_after_one_that_stopped(
    tested: Context, dsn: str, clock: FixedClock
) -> None:
    with psycopg.connect(dsn) as ledger:
        ledger.execute("alter table answer rename to answer_elsewhere")
    assert begin(tested)
    assert run_waiting(tested)
    assert latest(tested).step is SyntheticStep.ACKNOWLEDGE
    with psycopg.connect(dsn) as ledger:
        ledger.execute("alter table answer_elsewhere rename to answer")
    clock.now += EVERY
    assert begin(tested)
    assert (latest(tested).step, latest(tested).code) == (None, None)
    assert run_waiting(tested)
    assert (latest(tested).step, latest(tested).through_at) == (None, clock())


def test_health_says_so_when_none_has_come_through_for_three_intervals(
    tested: Context, clock: FixedClock
) -> None:
    assert begin(tested)
    assert run_waiting(tested)
    clock.now += TESTS_MISSED * EVERY
    assert "synthetic" not in problems(tested)
    clock.advance(seconds=1)
    assert "synthetic" in problems(tested)
    health = health_of(tested.ledger, now=clock())
    (problem,) = [problem for problem in health.problems if problem.code == "synthetic"]
    assert problem.level is HealthLevel.FAILING
    assert problem.sentence.startswith("No test referral has come through since ")
    assert begin(tested)
    assert run_waiting(tested)
    assert "synthetic" not in problems(tested)


def test_its_document_says_everywhere_that_it_is_a_test(clock: FixedClock) -> None:
    body = document("TEST-1", "E06000021", clock())
    checked = tolerance.load(orjson.loads(body), today=clock().date(), areas={"E06000021"})
    assert (list(checked.faults), list(checked.defects)) == ([], [])
    marked = orjson.dumps(synthetic_test.MARK)
    assert body.count(marked) >= 8
