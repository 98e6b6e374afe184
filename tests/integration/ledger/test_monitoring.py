"""Every figure equals a recount from the raw tables, whatever happened and when it was folded."""

import itertools
import math
import random
from collections import Counter
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.channels.registry import CHANNELS
from broker.domain.codes import Milestone, Outcome, ReturnReason, Stage
from broker.domain.delivery import Receipt
from broker.domain.monitoring import cause_of
from broker.gateway import metrics
from broker.ledger import migrate
from broker.ledger.statistics import WINDOWS, window_start
from broker.policy.published.policy import documents_from, load
from broker.policy.time.deadlines import Unit
from tests.conftest import POLICIES
from tests.integration.ledger.conftest import NOW, SHROPSHIRE, STOKE, Book

AGENCIES = (STOKE, SHROPSHIRE)
RAW = """
select agency, clock_start, available_at, collect_by, acknowledge_by, decide_by, collected_at,
       acknowledged_at, decided_at, returned_at, state, standing, paused_at
from delivery
"""


def days_of_work(book: Book, seed: int, count: int) -> datetime:
    """Let so many referrals come over thirty days, with answers in time, late or never, and clocks
    that stand for a while; return now."""
    chance = random.Random(seed)
    now = NOW
    open_ = []
    for _ in range(count):
        now += timedelta(seconds=chance.randint(0, 2 * 30 * 86_400 // count))
        if chance.random() < 0.6:
            book.accept(f"ref-{next(_numbers)}", now=now)
            allowed = timedelta(hours=chance.choice((4, 40, 100)))
            start = {"available_at": now, "acknowledge_in": now - NOW + allowed}
            book.route(chance.choice(AGENCIES), now=now, **start)
            open_ = [row[:2] for row in book.look("select id, agency from delivery")]
        elif open_:
            delivery, agency = chance.choice(open_)
            if chance.random() < 0.4:
                _pause_or_resume(book, chance, delivery, now)
            else:
                book.answer(agency, _receipt(chance, delivery), now=now)
        if chance.random() < 0.2:
            book.ledger.sweep.fold_counts(limit=chance.choice((1, 10, 1000)))
    return now + timedelta(seconds=chance.randint(0, 3600))


def _pause_or_resume(book: Book, chance: random.Random, delivery, now: datetime) -> None:
    with book.ledger.clock_pauses.clocks(delivery, agency=None) as clocks:
        paused_at = clocks.clocks.paused_at
        if paused_at is None:
            which = chance.choice((["acknowledge"], ["decide"]))
            about = {"reason": "legal_hold", "milestones": which, "actor": "test", "now": now}
            clocks.pause_clock(uuid4(), **about)
        else:
            ((due,),) = book.look("select acknowledge_by from delivery where id = %s", delivery)
            later = {Milestone.ACKNOWLEDGE: due + (now - paused_at)}
            clocks.resume_clock(later, {}, moved=[], because=None, actor="test", now=now)


def _receipt(chance: random.Random, delivery) -> Receipt:
    stage = chance.choice(list(Stage))
    outcome = Outcome.ADVICE if stage is Stage.DECIDED else None
    reason = ReturnReason.NOT_OURS if stage is Stage.RETURNED else None
    return Receipt(delivery, stage, by="Somebody", outcome=outcome, reason=reason)


_numbers = itertools.count()
steps = ("collect", "acknowledge", "decide")


def owed(row: dict, milestone: str) -> bool:
    due, met = row[f"{milestone}_by"], row[f"{_met(milestone)}"]
    if due is None or met is not None:
        return due is not None
    ended = row["returned_at"]
    return not stands(row, milestone) and (ended is None or ended > due)


def stands(row: dict, milestone: str) -> bool:
    """Tell whether this clock was stopped before its time."""
    return milestone in row["standing"] and row["paused_at"] <= row[f"{milestone}_by"]


def _met(milestone: str) -> str:
    return {"collect": "collected_at", "acknowledge": "acknowledged_at", "decide": "decided_at"}[
        milestone
    ]


def raw(book: Book) -> list[dict]:
    with psycopg.connect(book.dsn, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(RAW).fetchall()


@pytest.mark.parametrize("seed", range(4))
def test_deadlines_due_and_kept_are_those_of_a_recount(book: Book, seed: int) -> None:
    now = days_of_work(book, seed, 80)
    until = now.replace(second=0, microsecond=0)
    found = book.ledger.statistics.deadline_counts(WINDOWS, now=now)
    for name in WINDOWS:
        counted: Counter = Counter()
        kept: Counter = Counter()
        for row, milestone in itertools.product(raw(book), steps):
            due = row[f"{milestone}_by"]
            if owed(row, milestone) and window_start(name, now) <= due < until:
                counted[row["agency"], milestone] += 1
                met = row[_met(milestone)]
                kept[row["agency"], milestone] += met is not None and met <= due
        assert {key: (stats.due, stats.in_time) for key, stats in found[name].items()} == {
            key: (counted[key], kept[key]) for key in counted
        }
    assert any(found["28d"].values())


@pytest.mark.parametrize("seed", range(4))
def test_percentiles_lie_in_the_bucket_of_the_true_ones(book: Book, seed: int) -> None:
    now = days_of_work(book, seed, 80)
    found = book.ledger.statistics.latencies(WINDOWS, now=now)
    edges = book.ledger.statistics.edges
    for name in WINDOWS:
        times: dict = {}
        for row, milestone in itertools.product(raw(book), steps):
            met = row[_met(milestone)]
            if met is not None and met >= window_start(name, now):
                took = (met - row["clock_start"]).total_seconds()
                times.setdefault((row["agency"], milestone), []).append(max(0.0, took))
        assert {key: latencies.count for key, latencies in found[name].items()} == {
            key: len(values) for key, values in times.items()
        }
        for key, values in times.items():
            for percent in (50, 95, 99):
                true = sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]
                told = found[name][key].percentile(percent)
                above = next(edge for edge in edges if true <= edge)
                assert told is not None
                assert told <= above
                assert told >= max((edge for edge in edges if edge < true), default=0.0)


@pytest.mark.parametrize("seed", range(3))
def test_totals_are_sums_of_everything_even_when_thinned(book: Book, seed: int) -> None:
    now = days_of_work(book, seed, 70) + timedelta(days=120)
    before = book.ledger.statistics.totals(now=now)
    while book.ledger.sweep.fold_counts(limit=1000):
        pass
    book.ledger.sweep.thin_counts(now=now)
    assert book.ledger.statistics.totals(now=now) == before
    promised, took = before
    met = sum(row[_met(milestone)] is not None for row in raw(book) for milestone in steps)
    assert sum(latencies.count for latencies in took.values()) == met
    total = sum(latencies.seconds for latencies in took.values())
    assert math.isclose(total, took_together(book), abs_tol=1e-4)
    due = sum(owed(row, milestone) for row in raw(book) for milestone in steps)
    assert sum(row["due"] - row["withdrawn"] for row in promised) == due


def took_together(book: Book) -> float:
    """Return how long every milestone that was met took, from the raw rows."""
    return sum(
        max(0.0, (row[_met(milestone)] - row["clock_start"]).total_seconds())
        for row in raw(book)
        for milestone in steps
        if row[_met(milestone)] is not None
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seconds=st.floats(0, 4e6))
def test_a_duration_falls_below_its_own_edge(seconds: float) -> None:
    edges = _edges()
    bucket = sum(edge < seconds - 5e-7 for edge in edges)
    assert bucket == 0 or edges[bucket - 1] < seconds
    assert bucket == len(edges) or seconds <= edges[bucket] + 1e-6


def _edges() -> list[float]:
    text = (migrate.FOLDER / "0030_ledger.sql").read_text()
    listed = text.split("latency_edges() returns")[1].split("array[")[1].split("]")[0]
    return [float(edge) for edge in listed.split(",")]


def deadline_classes() -> set[float]:
    """Return the seconds of every deadline of the shipped policy that runs by the calendar."""
    policy = load(documents_from(POLICIES), version="shipped", channels=CHANNELS.forms)
    clocks = [
        clock
        for of_row in (
            *(milestones for row in policy.routing_rules for milestones in row.deadlines.values()),
            *(amend.deadlines for amend in policy.version_rules.values()),
        )
        for clock in of_row.values()
    ]
    of_unit = {Unit.CALENDAR_MINUTE: 60, Unit.CALENDAR_HOUR: 3600}
    return {
        float(clock.within.count * of_unit[clock.within.unit])
        for clock in clocks
        if clock.within.unit in of_unit
    }


def test_an_edge_lies_exactly_on_every_deadline_that_runs_by_the_calendar(book: Book) -> None:
    classes = deadline_classes() | {2 * 3600, 8 * 3600}
    assert {900, 1800, 3600, 4 * 3600, 24 * 3600} <= classes
    assert classes <= set(book.ledger.statistics.edges)
    assert classes <= set(metrics.EDGES) <= set(book.ledger.statistics.edges)
    for seconds in classes:
        kept, late = book.look(
            "select latency_bucket(make_interval(secs => s)) "
            f"from (values ({seconds}), ({seconds} + 0.000001)) as took (s) order by s"
        )
        assert book.ledger.statistics.edges[kept[0]] == seconds
        assert late[0] == kept[0] + 1


def test_no_bucket_is_wider_than_the_docs_say(book: Book) -> None:
    edges = book.ledger.statistics.edges
    widths = [high / low - 1 for low, high in itertools.pairwise(edges)]
    assert 0.27 < max(widths) < 0.28
    assert edges[widths.index(max(widths))] == 24 * 3600


def test_two_ages_are_told_apart(book: Book) -> None:
    book.routed_to(STOKE)
    (offer,) = book.collect(STOKE, now=NOW + timedelta(minutes=1))
    work = book.ledger.monitoring.open_work(now=NOW + timedelta(minutes=5))[STOKE]
    assert (work.oldest_claimable_at, work.oldest_unacknowledged_at) == (None, NOW)
    book.routed_to(STOKE, available_at=NOW + timedelta(minutes=3))
    work = book.ledger.monitoring.open_work(now=NOW + timedelta(minutes=5))[STOKE]
    assert work.oldest_claimable_at == NOW + timedelta(minutes=3)
    book.answer(STOKE, Receipt(offer.id, Stage.ACKNOWLEDGED, by="Somebody"))
    assert book.ledger.monitoring.open_work(now=NOW)[STOKE].oldest_unacknowledged_at == NOW


def test_a_correction_is_done_once_it_is_acknowledged(book: Book) -> None:
    book.routed_to(STOKE)
    with psycopg.connect(book.dsn) as connection:
        connection.execute("update delivery set kind = 'correction', version = 2, follows = id")
    later = NOW + timedelta(hours=5)

    def seen() -> tuple[int, int, int, int]:
        work = book.ledger.monitoring.open_work(now=later)
        bands = book.ledger.monitoring.burn_down(now=later)
        return (
            sum(agency_work.open for agency_work in work.values()),
            sum(sum(band.values()) for band in bands.values()),
            len(book.ledger.monitoring.at_risk(now=later, limit=10, everything=True)),
            book.ledger.monitoring.risk_counts(now=later).breached,
        )

    assert seen() == (1, 1, 1, 1)
    ((delivery,),) = book.look("select id from delivery")
    book.answer(STOKE, Receipt(delivery, Stage.ACKNOWLEDGED, by="Somebody"))
    assert seen() == (0, 0, 0, 0)


def test_a_slow_agency_is_at_risk_early(book: Book) -> None:
    """Less time is left than it took last time, though a quarter of an hour is far away."""
    book.routed_to(STOKE, acknowledge_in=timedelta(hours=2))
    book.routed_to(SHROPSHIRE, acknowledge_in=timedelta(hours=2))
    early = NOW + timedelta(minutes=70)
    assert book.ledger.monitoring.at_risk(now=early, limit=10) == []
    ((delivery,),) = book.look("select id from delivery where agency = %s", STOKE)
    slowly = NOW + timedelta(minutes=55)
    book.answer(STOKE, Receipt(delivery, Stage.ACKNOWLEDGED, by="Somebody"), now=slowly)
    book.routed_to(STOKE, acknowledge_in=timedelta(hours=2))
    (risk,) = book.ledger.monitoring.at_risk(now=early + timedelta(minutes=5), limit=10)
    assert (risk.agency, risk.why) == (STOKE, "usual")


@pytest.mark.parametrize("seed", range(3))
def test_breaches_are_those_of_a_recount(book: Book, seed: int) -> None:
    now = days_of_work(book, seed, 80)
    since = now - timedelta(days=3)
    expected = [
        row["acknowledge_by"]
        for row in raw(book)
        if owed(row, "acknowledge")
        and since <= row["acknowledge_by"] < now
        and (row["acknowledged_at"] is None or row["acknowledged_at"] > row["acknowledge_by"])
    ]
    found = book.ledger.monitoring.breaches(now=now, since=since, limit=1000).latest
    recent = [breach.due_at for breach in found if breach.due_at >= since]
    assert recent == sorted(expected, reverse=True)
    assert recent


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"state": "undeliverable"}, "channel"),
        ({"available_at": NOW + timedelta(hours=3)}, "broker"),
        ({"available_at": NOW + timedelta(hours=3), "sent_on": True}, "sent_on"),
        ({}, "not_collected"),
        ({"collected_at": NOW}, "not_acknowledged"),
        ({"collected_at": NOW, "acknowledged_at": NOW}, "not_decided"),
        ({"delivery": None}, "no_owner"),
    ],
)
def test_a_breach_has_a_cause(changes: dict, cause: str) -> None:
    row = {
        "delivery": "some",
        "due_at": NOW + timedelta(hours=4),
        "clock_start": NOW,
        "available_at": NOW,
        "collected_at": None,
        "acknowledged_at": None,
        "state": "available",
        "sent_on": False,
    }
    assert cause_of({**row, **changes}) == cause


def test_the_heat_is_that_of_the_slots(book: Book) -> None:
    book.routed_to(STOKE, acknowledge_in=timedelta(minutes=30))
    book.routed_to(SHROPSHIRE, acknowledge_in=timedelta(minutes=30))
    (offer,) = book.collect(STOKE)
    book.answer(STOKE, Receipt(offer.id, Stage.ACKNOWLEDGED, by="Somebody"))
    now = NOW + timedelta(hours=1)
    found = book.ledger.statistics.heatmap(now=now, slot=timedelta(minutes=5), slots=24, limit=5)
    assert [risk.agency for risk in found] == [SHROPSHIRE, STOKE]
    assert {at: kept.share for at, kept in found[1].slots.items()} == {
        NOW + timedelta(minutes=30): 1.0
    }


def test_a_referral_is_found_by_every_name_it_has(book: Book) -> None:
    id_ = book.accept("OCC/2026/1")
    book.route(STOKE)
    (delivery,) = book.look("select id from delivery")[0]
    event = book.ledger.queries.timeline(id_)[0].cursor
    for text in (str(id_), str(delivery), "OCC/2026/1", event):
        assert book.ledger.monitoring.find(text) == [id_]
    assert book.ledger.monitoring.find("nothing") == []
    number = event.split("-")[1]
    other = book.accept(f"STAFFS-{number}")
    assert book.ledger.monitoring.find(f"STAFFS-{number}") == [other]
    assert book.ledger.monitoring.find(f"OTHER-{number}") == []
    assert book.ledger.monitoring.find(f"e{0:09}-{number}") == []
    hidden = book.collect(STOKE)
    assert [offer.referral for offer in hidden] == [id_]
    leased = book.ledger.queries.timeline(id_)[-1].cursor
    assert leased.startswith("event-")
    assert book.ledger.monitoring.find(leased) == [id_]
