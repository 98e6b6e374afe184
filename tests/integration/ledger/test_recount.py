"""Whatever lies in the tables, each figure of what is open or late is that of a plain recount."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from broker.domain.monitoring import AgencySearch
from broker.ledger.monitoring import BANDS, SOON
from broker.ledger.statistics import slots_until
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, Book
from tests.recount import (
    AGENCIES,
    SINCE,
    STATES,
    STEPS,
    Row,
    band,
    is_at_risk,
    is_open,
    is_paused,
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
        assert agency_work.paused == sum(map(is_paused, own))
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


@SEEDS
def test_what_is_urgent_by_agency(book: Book, seed: int) -> None:
    """Whatever is listed, the counts are of everything; what nobody deals with comes first."""
    rows = [row for row in made(book.dsn, seed) if row["what"] == "delivery" and is_open(row)]
    urgent = {row["id"]: min(unmet(row).values()) for row in rows if is_urgent(row)}
    late = {row["id"] for row in rows if urgent.get(row["id"], NOW) < NOW}
    chosen = random.Random(seed).sample(sorted(late), len(late) // 2)
    for id_ in chosen:
        book.do(ESCALATED, NOW, NOW, NOW, id_)
        book.do(OWNED, NOW, NOW + SOON, id_)
    found = book.ledger.monitoring.urgent_work(now=NOW, limit=10, each=2)
    expected = {row["agency"] for row in rows if row["id"] in urgent}
    assert {group.agency for group in found.agencies} == expected
    assert found.count == len(expected)
    assert found.late == len({row["agency"] for row in rows if row["id"] in late})
    for group in found.agencies:
        own = [row["id"] for row in rows if row["agency"] == group.agency and row["id"] in urgent]
        own_late = [id_ for id_ in own if id_ in late]
        assert (group.late, group.soon) == (len(own_late), len(own) - len(own_late))
        assert group.unowned == len([id_ for id_ in own_late if id_ not in chosen])
        assert group.first_due_at == min(urgent[id_] for id_ in own)
        assert group.owners == (["person:Jo"] if set(own_late) & set(chosen) else ())
        assert [delivery.due_at for delivery in group.deliveries] == sorted(
            urgent[id_] for id_ in own
        )[:2]
    assert [not group.unowned for group in found.agencies] == sorted(
        not group.unowned for group in found.agencies
    )
    one = book.ledger.monitoring.urgent_work(now=NOW, limit=1, each=1)
    assert (len(one.agencies), one.count, one.late) == (1, found.count, found.late)


ESCALATED = """
insert into escalation (id, ladder, policy_version, milestone, referral, delivery, organisation,
                        due_at, began_at, next_step_at)
select gen_random_uuid(), 'ladder', (select version from policy limit 1), 'acknowledge', referral,
       id, agency, %s, %s, %s
from delivery where id = %s
"""
OWNED = """
update escalation
set state = 'acknowledged', acknowledged_by = 'person:Jo', acknowledged_at = %s, taken_until = %s,
    next_step_at = null
where delivery = %s
"""


def is_urgent(row: Row) -> bool:
    return is_at_risk(row) and min(unmet(row).values(), default=NOW + SOON) < NOW + SOON


@SEEDS
def test_every_organisation_is_listed_whatever_it_has_done(book: Book, seed: int) -> None:
    rows = [row for row in made(book.dsn, seed) if row["what"] == "delivery" and is_open(row)]
    monitoring = book.ledger.monitoring
    found = monitoring.agencies(AgencySearch(), now=NOW, limit=10)
    listed = {agency.agency: agency for agency in found.agencies}
    assert listed.keys() == {POLICE, *AGENCIES}
    assert (listed[POLICE].open, listed[POLICE].late) == (0, 0)
    late = Counter(row["agency"] for row in rows if _is_late(row))
    for code in AGENCIES:
        own = [row for row in rows if row["agency"] == code]
        assert (listed[code].open, listed[code].late) == (len(own), late[code])
        assert listed[code].soon == sum(is_urgent(row) for row in own) - late[code]
    assert (found.all, found.shown, found.late) == (3, 3, len(late))
    assert found.silent == 1
    none = monitoring.agencies(AgencySearch(show="suspended"), now=NOW, limit=10)
    assert (none.agencies, none.shown, none.all, none.late) == ([], 0, 3, len(late))
    second = monitoring.agencies(AgencySearch(), now=NOW, limit=1, offset=1)
    assert [agency.agency for agency in second.agencies] == [found.agencies[1].agency]
    by_name = monitoring.agencies(AgencySearch("shropshire", []), now=NOW, limit=10)
    assert [agency.agency for agency in by_name.agencies] == [SHROPSHIRE]


def _is_late(row: Row) -> bool:
    return row["state"] != "held" and min(unmet(row).values(), default=NOW) < NOW


@SEEDS
def test_what_the_navigation_counts_is_what_its_pages_list(book: Book, seed: int) -> None:
    rows = made(book.dsn, seed)
    counts = book.ledger.monitoring.waiting_counts(now=NOW)
    waiting = book.ledger.queries.attention(limit=1000)
    tasks = book.ledger.tasks.tasks(limit=1000)
    assert counts.needs_you == len(waiting) + len(tasks) > 0
    late = [item for item in waiting if item.due_at and item.due_at < NOW]
    assert counts.needs_you_late == len(late) > 0
    assert counts.needs_you_by == min(item.due_at for item in waiting if item.due_at)
    running = book.ledger.alarms.escalations(limit=1000)
    assert counts.escalations + counts.taken_on == len(running) == 1
    deliveries = [row for row in rows if row["what"] == "delivery" and is_open(row)]
    assert counts.late_agencies == len({row["agency"] for row in deliveries if _is_late(row)})


def test_the_proof_counts_what_came_through_within_a_day(book: Book) -> None:
    rows = made(book.dsn, 1)
    referrals = {row["referral"] for row in rows}
    accepted = book.look("select id, accepted_at, routed_at from referral")
    day = [row for row in accepted if row[1] > SINCE]
    proof = book.ledger.monitoring.proof(now=NOW)
    assert referrals <= {row[0] for row in accepted}
    assert (proof.accepted, proof.routed) == (len(day), sum(row[2] is not None for row in day))
    assert proof.last_accepted_at == max(row[1] for row in accepted)
    assert proof.last_routed_at == max(row[2] for row in day if row[2])
    assert proof.slowest == timedelta(0)
    assert (proof.notices_sent, proof.last_notice_at) == (0, None)
    for number, ago in enumerate((timedelta(hours=1), timedelta(days=2))):
        book.do(SENT, NOW - ago, NOW - ago)
        proof = book.ledger.monitoring.proof(now=NOW)
        assert (proof.notices_sent, proof.last_notice_at) == (1, NOW - timedelta(hours=1)), number


SENT = """
insert into notice (id, kind, organisation, contact, channel, state, created_at, ended_at)
values (gen_random_uuid(), 'late', 'stoke-csc', 'duty', 'email', 'sent', %s, %s)
"""
