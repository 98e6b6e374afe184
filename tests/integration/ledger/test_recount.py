"""Whatever lies in the tables, each figure of what is open or late is that of a plain recount."""

from collections import Counter
from datetime import timedelta

import pytest

from broker.ledger.monitoring import BANDS, SOON
from broker.ledger.statistics import slots_until
from tests.integration.ledger.conftest import NOW, Book
from tests.recount import (
    AGENCIES,
    SINCE,
    STATES,
    STEPS,
    band,
    is_at_risk,
    is_open,
    made,
    missed,
    open_rows,
    unacknowledged,
    unmet,
    why,
)

SEEDS = pytest.mark.parametrize("seed", range(3))


@SEEDS
def test_the_list_at_risk(book: Book, seed: int) -> None:
    work = open_rows(made(book.dsn, seed))
    expected, late, soon = set(), 0, 0
    for row in filter(is_at_risk, work):
        if dues := unmet(row):
            step = min(dues, key=lambda step: (dues[step], ["attend", "route", *STEPS].index(step)))
            late += dues[step] < NOW
            soon += NOW <= dues[step] < NOW + SOON
            if reason := why(row, dues[step]):
                expected.add((row["referral"], row["id"], step, dues[step], reason))
    found = book.ledger.monitoring.at_risk(now=NOW, limit=1000)
    listed = [
        (risk.referral, risk.delivery, risk.milestone, risk.due_at, risk.why) for risk in found
    ]
    assert set(listed) == expected
    assert {risk.why for risk in found} == {"breached", "soon", "trouble", "silent"}
    assert [risk.due_at for risk in found] == sorted(risk.due_at for risk in found)
    counts = book.ledger.monitoring.risk_counts(now=NOW)
    assert (counts.breached, counts.due_soon) == (late, soon)
    unrouted = sum(row["what"] == "unrouted" for row in work)
    assert (counts.open, counts.unrouted) == (len(work), unrouted)
    assert unrouted


@SEEDS
def test_open_work_by_time_left(book: Book, seed: int) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for row in open_rows(made(book.dsn, seed)):
        expected[band(row), row["grade"]] += 1
    bands = book.ledger.monitoring.burn_down(now=NOW)
    found = {(band, grade): count for band in BANDS for grade, count in bands[band].items()}
    assert found == expected


@SEEDS
def test_what_was_not_kept(book: Book, seed: int) -> None:
    expected, lasting = set(), 0
    for row in made(book.dsn, seed):
        for step, waits in missed(row).items():
            expected.add((row["referral"], row["id"], step))
            lasting += waits
    found = book.ledger.monitoring.breaches(now=NOW, since=SINCE, limit=1000)
    assert {
        (breach.referral, breach.delivery, breach.milestone) for breach in found.latest
    } == expected
    assert (found.count, found.lasting) == (len(expected), lasting)
    few = book.ledger.monitoring.breaches(now=NOW, since=SINCE, limit=5)
    assert (few.count, few.lasting) == (found.count, found.lasting)
    assert [breach.due_at for breach in few.latest] == [
        breach.due_at for breach in found.latest[:5]
    ]


@SEEDS
def test_each_agency_s_work_and_its_ages(book: Book, seed: int) -> None:
    rows = [row for row in made(book.dsn, seed) if row["what"] == "delivery"]
    found = book.ledger.monitoring.open_work(now=NOW)
    for agency in AGENCIES:
        own = [row for row in rows if row["agency"] == agency and is_open(row)]
        agency_work, states = found[agency], Counter(row["state"] for row in own)
        assert agency_work.open == len(own)
        for state in STATES[:6]:
            assert getattr(agency_work, state) == states[state]
        assert agency_work.paused == sum(row["paused_at"] is not None for row in own)
        assert agency_work.overdue == sum(
            row["state"] != "held" and min(unmet(row).values(), default=NOW) < NOW for row in own
        )
        available = [row for row in own if row["state"] == "available"]
        parked = [
            row for row in available if row["next_attempt_at"] and row["next_attempt_at"] > NOW
        ]
        assert agency_work.parked == len(parked)
        assert agency_work.oldest_claimable_at == min(
            (row["available_at"] for row in available if row not in parked), default=None
        )
        assert agency_work.oldest_unacknowledged_at == min(unacknowledged(own), default=None)


@SEEDS
def test_what_flows_and_what_cannot_be_delivered(book: Book, seed: int) -> None:
    rows = made(book.dsn, seed)
    deliveries = [row for row in rows if row["what"] == "delivery"]
    pipes = book.ledger.monitoring.pipeline_status(now=NOW)
    retries = [
        row["next_attempt_at"]
        for row in deliveries
        if row["state"] == "available" and row["channel"] == "queue" and row["next_attempt_at"]
    ]
    assert pipes.unroutable == sum(row["what"] == "referral" for row in rows)
    assert pipes.inbox_oldest_at == min(
        row["accepted_at"] for row in rows if row["what"] == "unrouted"
    )
    assert pipes.retries == sum(at > NOW for at in retries)
    assert pipes.next_retry_at == min(retries)
    ((inbox,),) = book.look("select count(*) from referral where next_attempt_at is not null")
    assert pipes.inbox == inbox
    dead = Counter(
        (row["refused_because"], row["agency"])
        for row in deliveries
        if row["state"] == "undeliverable"
    )
    assert {
        (dead_letter.cause, dead_letter.agency): dead_letter.count
        for dead_letter in book.ledger.monitoring.dead_letters()
    } == dead


def test_slots_lie_on_whole_multiples_of_their_length() -> None:
    now = NOW + timedelta(minutes=37, seconds=12)
    hours = slots_until(now, timedelta(hours=1), 24)
    assert (hours[0], hours[-1]) == (NOW - timedelta(hours=23), NOW)
    fives = slots_until(now, timedelta(minutes=5), 24)
    assert fives[-1] == NOW + timedelta(minutes=35)
