"""Whatever lies in the tables, each figure of what is open or late is that of a plain recount.

The rows are made up at random: every state, kind and milestone, clocks that stand, deadlines that
are missing. They are counted again here by the definitions of docs/operations.md.
"""

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from broker.ledger.insights import BANDS, SOON, slots_until
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, STOKE, Book

AGENCIES = (STOKE, SHROPSHIRE)
STEPS = {"collect": "collected_at", "acknowledge": "acknowledged_at", "decide": "decided_at"}
MET = {"collected": 1, "acknowledged": 2, "decided": 3}
"""How many milestones somebody has met who is in this state."""
ENDED = ("decided", "returned", "recalled")
STATES = ("held", "available", "leased", "collected", "acknowledged", "undeliverable", *ENDED)
EDGES = (("5", 5), ("15", 15), ("30", 30), ("60", 60))
RAW = """
select 'delivery' as what, delivery.*, coalesce(effective_grade, 'unknown') as grade
from delivery join referral on referral.id = delivery.referral
"""
UNROUTABLE = """
select 'referral' as what, null as id, id as referral, state, attend_by,
       coalesce(effective_grade, 'unknown') as grade
from referral where state = 'unroutable'
"""
SINCE = NOW - timedelta(days=1)
Row = dict[str, Any]


def made(book: Book, seed: int) -> list[Row]:
    """Fill the ledger at random; return every delivery, and what nobody was found for."""
    chance = random.Random(seed)
    with psycopg.connect(book.dsn, row_factory=dict_row) as connection:
        earlier: list[UUID] = []
        for number in range(150):
            referral = _referral(chance, number)
            _insert(connection, "referral", referral)
            if referral["state"] == "unroutable":
                continue
            for _ in range(chance.randint(1, 3)):
                delivery = _delivery(chance, referral["id"], earlier)
                _insert(connection, "delivery", delivery)
                earlier.append(delivery["id"])
        _silence(connection, SHROPSHIRE)
        rows = connection.execute(RAW).fetchall()
        return rows + connection.execute(UNROUTABLE).fetchall()


def _referral(chance: random.Random, number: int) -> Row:
    state = "unroutable" if chance.random() < 0.1 else "routed"
    accepted_at = NOW - timedelta(minutes=chance.randint(0, 7200))
    return {
        "id": UUID(int=chance.getrandbits(128)),
        "publisher": POLICE,
        "reference": f"RECOUNT/{number}",
        "digest": bytes(32),
        "state": state,
        "accepted_at": accepted_at,
        "routed_at": accepted_at if state == "routed" else None,
        "effective_grade": chance.choice(("high", "low", None)),
        "reason": "no-area" if state == "unroutable" else None,
        "attend_by": _later(chance, accepted_at) if state == "unroutable" else None,
        "next_attempt_at": NOW if chance.random() < 0.1 else None,
    }


def _later(chance: random.Random, start: datetime) -> datetime:
    return start + timedelta(minutes=chance.choice((10, 60, 240, 1440, 7200)), seconds=7)


def _deadline(chance: random.Random, start: datetime) -> datetime | None:
    soon = NOW + timedelta(minutes=chance.randint(1, 20))
    return chance.choice((None, None, _later(chance, start), _later(chance, start), soon))


def _delivery(chance: random.Random, referral: UUID, earlier: list[UUID]) -> Row:
    state, start = chance.choice(STATES), NOW - timedelta(minutes=chance.randint(0, 7200))
    is_correction = bool(earlier) and chance.random() < 0.2
    row: Row = {
        "id": UUID(int=chance.getrandbits(128)),
        **{"referral": referral, "agency": chance.choice(AGENCIES), "state": state},
        "channel": chance.choice(("mailbox", "queue")),
        **{"role": "lead", "policy_row": "r", "view": "v"},
        "kind": "correction" if is_correction else "referral",
        "follows": chance.choice(earlier) if is_correction else None,
        "attempt": chance.randint(0, 2),
        **{"clock_start": start, "available_at": start},
        **{f"{step}_by": _deadline(chance, start) for step in STEPS},
    }
    met = MET.get(state, chance.randint(0, 2) if state in ENDED else 0)
    row |= {column: _later(chance, start) for column in list(STEPS.values())[:met]}
    if state in ENDED and state != "decided":
        row[f"{state}_at"] = _later(chance, start)
    if state == "leased":
        row["lease_until"] = NOW
    if state == "available" and chance.random() < 0.3:
        row["next_attempt_at"] = NOW + timedelta(minutes=chance.choice((-5, 5)))
    if state == "undeliverable":
        row["refused_because"] = chance.choice(("too-large", "render"))
        row["undeliverable_at"] = start
    if state != "undeliverable" and chance.random() < 0.3:
        row["paused_at"] = start + timedelta(minutes=chance.randint(0, 3000))
        row["standing"] = chance.choice((["collect"], ["acknowledge", "decide"], []))
    return row


def _insert(connection: psycopg.Connection[Any], table: str, row: Row) -> None:
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    connection.execute(f"insert into {table} ({names}) values ({values})".encode(), row)


def _silence(connection: psycopg.Connection[Any], agency: str) -> None:
    id_ = UUID(int=1)
    connection.execute(
        "insert into escalation (id, ladder, policy_version, milestone, organisation, due_at,"
        " began_at) values (%s, 'silence', 'v1', 'silence', %s, %s, %s)",
        [id_, agency, NOW, NOW],
    )
    connection.execute(
        "insert into silence (escalation, activity, reason) values (%s, 'collecting', 'learned')",
        [id_],
    )


def is_open(row: Row) -> bool:
    done = row["kind"] == "correction" and row["state"] == "acknowledged"
    return row["state"] not in ENDED and not done


def stands(row: Row, step: str) -> bool:
    return step in row["standing"] and row["paused_at"] <= row[f"{step}_by"]


def unmet(row: Row) -> dict[str, datetime]:
    """Return the deadlines of what is open that run or have passed."""
    if row["what"] == "referral":
        return {"attend": row["attend_by"]}
    return {
        step: row[f"{step}_by"]
        for step, met_at in STEPS.items()
        if row[f"{step}_by"] and row[met_at] is None and not stands(row, step)
    }


def open_rows(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["what"] == "referral" or is_open(row)]


def why(row: Row, due: datetime) -> str | None:
    if due < NOW:
        return "breached"
    if due < NOW + SOON:
        return "soon"
    if row["what"] == "referral" or row["state"] == "undeliverable":
        return "trouble"
    if row["state"] == "available" and row["next_attempt_at"] and row["attempt"]:
        return "trouble"
    if row["acknowledged_at"] is None and row["agency"] == SHROPSHIRE:
        return "silent"
    return None


SEEDS = pytest.mark.parametrize("seed", range(3))


@SEEDS
def test_the_list_at_risk(book: Book, seed: int) -> None:
    rows = [row for row in open_rows(made(book, seed)) if row["state"] != "held"]
    expected, late, soon = set(), 0, 0
    for row in rows:
        if dues := unmet(row):
            step = min(dues, key=lambda step: (dues[step], ["attend", *STEPS].index(step)))
            late += dues[step] < NOW
            soon += NOW <= dues[step] < NOW + SOON
            if reason := why(row, dues[step]):
                expected.add((row["referral"], row["id"], step, dues[step], reason))
    found = book.ledger.at_risk(now=NOW, limit=1000)
    listed = [(one.referral, one.delivery, one.milestone, one.due_at, one.why) for one in found]
    assert set(listed) == expected
    assert {one.why for one in found} == {"breached", "soon", "trouble", "silent"}
    assert [one.due_at for one in found] == sorted(one.due_at for one in found)
    counts = book.ledger.risk_counts(now=NOW)
    assert (counts.breached, counts.due_soon) == (late, soon)


@SEEDS
def test_open_work_by_time_left(book: Book, seed: int) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for row in open_rows(made(book, seed)):
        expected[_band(row), row["grade"]] += 1
    bands = book.ledger.burn_down(now=NOW)
    found = {(band, grade): count for band in BANDS for grade, count in bands[band].items()}
    assert found == expected


def _band(row: Row) -> str:
    dues = unmet(row).values()
    if row["state"] == "held":
        return "held"
    if not dues:
        return "paused" if row["paused_at"] else "none"
    left = min(dues) - NOW
    if left < timedelta(0):
        return "breached"
    return next((name for name, minutes in EDGES if left < timedelta(minutes=minutes)), "more")


@SEEDS
def test_what_was_not_kept(book: Book, seed: int) -> None:
    expected, lasting = set(), 0
    for row in made(book, seed):
        if row["what"] == "referral":
            if row["attend_by"] < NOW:
                expected.add((row["referral"], None, "attend"))
                lasting += 1
            continue
        for step, column in STEPS.items():
            due, met = row[f"{step}_by"], row[column]
            if due is None or due >= NOW:
                continue
            waits = is_open(row) and met is None and not stands(row, step)
            lasting += waits
            if waits or (due >= SINCE and _ended_late(row, step, due, met)):
                expected.add((row["referral"], row["id"], step))
    found = book.ledger.breaches(now=NOW, since=SINCE, limit=1000)
    assert {(one.referral, one.delivery, one.milestone) for one in found.latest} == expected
    assert (found.count, found.lasting) == (len(expected), lasting)
    few = book.ledger.breaches(now=NOW, since=SINCE, limit=5)
    assert (few.count, few.lasting) == (found.count, found.lasting)
    assert [one.due_at for one in few.latest] == [one.due_at for one in found.latest[:5]]


def _ended_late(row: Row, step: str, due: datetime, met: datetime | None) -> bool:
    if met is not None:
        return met > due
    ended = row["returned_at"] or row["recalled_at"]
    return row["state"] in ("returned", "recalled") and ended > due and not stands(row, step)


@SEEDS
def test_each_agency_s_work_and_its_ages(book: Book, seed: int) -> None:
    rows = [row for row in made(book, seed) if row["what"] == "delivery"]
    found = book.ledger.work(now=NOW)
    for agency in AGENCIES:
        own = [row for row in rows if row["agency"] == agency and is_open(row)]
        one, states = found[agency], Counter(row["state"] for row in own)
        assert one.open == len(own)
        for state in STATES[:6]:
            assert getattr(one, state) == states[state]
        assert one.paused == sum(row["paused_at"] is not None for row in own)
        assert one.overdue == sum(
            row["state"] != "held" and min(unmet(row).values(), default=NOW) < NOW for row in own
        )
        available = [row for row in own if row["state"] == "available"]
        parked = [
            row for row in available if row["next_attempt_at"] and row["next_attempt_at"] > NOW
        ]
        assert one.parked == len(parked)
        assert one.oldest_claimable_at == min(
            (row["available_at"] for row in available if row not in parked), default=None
        )
        assert one.oldest_unacknowledged_at == min(_unacknowledged(own), default=None)
    longest = book.ledger.longest_unacknowledged()
    assert longest is not None
    assert longest.clock_start == min(_unacknowledged([row for row in rows if is_open(row)]))


def _unacknowledged(rows: list[Row]) -> list[datetime]:
    return [
        row["clock_start"]
        for row in rows
        if row["acknowledged_at"] is None and row["state"] != "held"
    ]


@SEEDS
def test_what_flows_and_what_cannot_be_delivered(book: Book, seed: int) -> None:
    rows = made(book, seed)
    deliveries = [row for row in rows if row["what"] == "delivery"]
    pipes = book.ledger.pipes(now=NOW)
    retries = [
        row["next_attempt_at"]
        for row in deliveries
        if row["state"] == "available" and row["channel"] == "queue" and row["next_attempt_at"]
    ]
    assert pipes.unroutable == len(rows) - len(deliveries)
    assert pipes.retries == sum(at > NOW for at in retries)
    assert pipes.next_retry_at == min(retries)
    ((inbox,),) = book.look("select count(*) from referral where next_attempt_at is not null")
    assert pipes.inbox == inbox
    dead = Counter(
        (row["refused_because"], row["agency"])
        for row in deliveries
        if row["state"] == "undeliverable"
    )
    assert {(one.cause, one.agency): one.count for one in book.ledger.dead_letters()} == dead


def test_slots_lie_on_whole_multiples_of_their_length() -> None:
    now = NOW + timedelta(minutes=37, seconds=12)
    hours = slots_until(now, timedelta(hours=1), 24)
    assert (hours[0], hours[-1]) == (NOW - timedelta(hours=23), NOW)
    fives = slots_until(now, timedelta(minutes=5), 24)
    assert fives[-1] == NOW + timedelta(minutes=35)
