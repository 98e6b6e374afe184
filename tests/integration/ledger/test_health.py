"""What is written of outages, and of what processes report: rows before and after each step."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import uuid_utils.compat as ids

from broker.domain.outage import ProcessReport
from broker.ledger_clock import Difference
from tests.integration.ledger.conftest import NOW, POLICE, STOKE, Book

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
INSTANT = timedelta(microseconds=1)
NOTICE = """
insert into notice (id, kind, organisation, contact, channel, state, data, created_at,
                    next_attempt_at, lease_until, ended_at)
values (gen_random_uuid(), %(kind)s, %(who)s, 'duty', 'email', %(state)s, %(data)s, %(now)s,
        case when %(state)s = 'due' then %(now)s::timestamptz end,
        case when %(state)s = 'sending' then %(now)s::timestamptz end,
        case when %(state)s = 'sent' then %(now)s::timestamptz end)
"""


def begin(book: Book, now: Any = NOW) -> UUID | None:
    with book.ledger.health.outage_step() as step:
        outage = step.begin_outage(ids.uuid7(), began=now - MINUTE, missing=["sweep"], now=now)
    return outage.id if outage else None


def repeat(book: Book, before: Any, now: Any) -> bool:
    with book.ledger.health.outage_step() as step:
        return step.repeat_outage(missing=["notify"], before=before, now=now) is not None


def end(book: Book, now: Any) -> UUID | None:
    with book.ledger.health.outage_step() as step:
        outage = step.end_outage(now=now)
    return outage.id if outage else None


def outages(book: Book) -> list[tuple[Any, ...]]:
    return book.look(
        "select id, began_at, missing, alarms, alarmed_at, ended_at from outage order by began_at"
    )


def test_one_outage_runs_and_each_of_its_alarms_is_taken_once(book: Book) -> None:
    first = begin(book)
    assert begin(book, NOW + MINUTE) is None
    assert outages(book) == [(first, NOW - MINUTE, ["sweep"], 1, NOW, None)]
    assert not repeat(book, NOW - INSTANT, NOW + MINUTE)
    assert outages(book) == [(first, NOW - MINUTE, ["sweep"], 1, NOW, None)]
    assert repeat(book, NOW, NOW + MINUTE)
    assert not repeat(book, NOW, NOW + MINUTE)
    row = (first, NOW - MINUTE, ["notify"], 2, NOW + MINUTE)
    assert outages(book) == [(*row, None)]
    running = book.ledger.health.running_outage()
    assert running is not None
    assert (running.id, running.alarms) == (first, 2)
    assert end(book, NOW + 2 * MINUTE) == first
    assert outages(book) == [(*row, NOW + 2 * MINUTE)]
    assert book.ledger.health.running_outage() is None
    assert end(book, NOW + 3 * MINUTE) is None
    assert not repeat(book, NOW + DAY, NOW + DAY)
    second = begin(book, NOW + DAY)
    assert [(id_, ended_at) for id_, *_, ended_at in outages(book)] == [
        (first, NOW + 2 * MINUTE),
        (second, None),
    ]


def test_the_end_of_an_outage_voids_its_own_notices_that_nobody_sends_yet(book: Book) -> None:
    id_ = begin(book)
    for kind, state, outage in (
        ("waits", "due", id_),
        ("is being sent", "sending", id_),
        ("was sent", "sent", id_),
        ("of another", "due", ids.uuid7()),
        ("of none", "due", None),
    ):
        data = psycopg.types.json.Jsonb({"outage": str(outage)} if outage else {})
        with psycopg.connect(book.dsn) as connection:
            values = {"kind": kind, "who": STOKE, "state": state, "data": data, "now": NOW}
            connection.execute(NOTICE.encode(), values)
    end(book, NOW + MINUTE)
    assert book.look("select kind, state, next_attempt_at, ended_at from notice order by kind") == [
        ("is being sent", "sending", None, None),
        ("of another", "due", NOW, None),
        ("of none", "due", NOW, None),
        ("waits", "void", None, NOW + MINUTE),
        ("was sent", "sent", None, NOW),
    ]


def test_a_report_takes_the_place_of_the_last_and_those_of_a_day_ago_are_forgotten(
    book: Book,
) -> None:
    health = book.ledger.health
    for process, age in (("old", DAY + INSTANT), ("a day old", DAY), ("own", 2 * DAY)):
        health.write_report(ProcessReport(process, "worker", NOW - age, {"disk": 1}))
        book.do("update process_report set reported_at = %s where process = %s", NOW - age, process)
    health.write_report(ProcessReport("own", "gateway", NOW, {"disk": 2}))
    rows = "select process, part, reported_at, seen from process_report order by process"
    assert book.look(rows) == [
        ("a day old", "worker", NOW - DAY, {"disk": 1}),
        ("own", "gateway", NOW, {"disk": 2}),
    ]
    since = [[report.process for report in health.reports(since=at)] for at in (NOW, NOW - INSTANT)]
    assert since == [[], ["own"]]


def test_clocks_of_a_minute_count_and_those_of_a_day_ago_are_forgotten(book: Book) -> None:
    clocks = book.ledger.process_clocks
    for process, ahead, age in (
        ("gateway old:1", 9.0, "25 hours"),
        ("gateway quiet:1", 9.0, "61 seconds"),
        ("worker near:1", -1.0, "1 second"),
        ("worker far:1", -5.0, "1 second"),
        ("gateway own:1", 2.0, "26 hours"),
    ):
        clocks.report(process, Difference(ahead, 0.1, 30.0))
        book.do(
            "update process_clock set measured_at = clock_timestamp() - %s::interval"
            " where process = %s",
            *(age, process),
        )
    clocks.report("gateway own:1", Difference(3.0, 0.2, 20.0))
    assert [clock.process for clock in clocks.present()] == [
        "worker far:1",
        "gateway own:1",
        "worker near:1",
    ]
    assert book.look(
        "select process, ahead_seconds, uncertainty_seconds, bound_seconds from process_clock"
        " where process ~ 'gateway' order by process"
    ) == [("gateway own:1", 3.0, 0.2, 20.0), ("gateway quiet:1", 9.0, 0.1, 30.0)]


def test_who_forgets_reports_waits_for_nobody_who_forgets_the_same(book: Book) -> None:
    health, clocks = book.ledger.health, book.ledger.process_clocks
    health.write_report(ProcessReport("old", "worker", NOW - 2 * DAY, {}))
    clocks.report("worker old:1", Difference(1.0, 0.1, 30.0))
    book.do("update process_clock set measured_at = clock_timestamp() - interval '2 days'")
    with psycopg.connect(book.dsn) as other:
        other.execute("select from process_report for update")
        other.execute("select from process_clock for update")
        health.write_report(ProcessReport("new", "worker", NOW, {}))
        clocks.report("worker new:1", Difference(1.0, 0.1, 30.0))
    assert book.look("select process from process_report order by 1") == [("new",), ("old",)]
    assert book.look("select process from process_clock order by 1") == [
        ("worker new:1",),
        ("worker old:1",),
    ]
    assert [report.process for report in health.reports(since=NOW - 3 * DAY)] == ["new", "old"]


def test_the_feed_lags_by_the_first_event_that_has_no_number(book: Book) -> None:
    health = book.ledger.health
    for minutes in (0, 1):
        book.accept(f"ref-{minutes}", now=NOW + minutes * MINUTE)
    assert health.feed_lag(now=NOW + 2 * MINUTE) == 2 * MINUTE
    book.ledger.queries.feed(POLICE, after="", limit=9)
    assert health.feed_lag(now=NOW + 2 * MINUTE) == timedelta(0)
    book.accept("ref-3", now=NOW + 3 * MINUTE)
    assert health.feed_lag(now=NOW + 5 * MINUTE) == 2 * MINUTE
