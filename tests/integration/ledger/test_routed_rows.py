"""What routing writes of referrals and deliveries, row by row, and which rows it leaves alone."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.codes import DeliveryKind, Grade
from broker.domain.delivery import NewDelivery
from broker.domain.ids import DeliveryId, ReferralId
from broker.domain.referral import NewVersion
from broker.domain.states import ReferralState
from broker.errors import Fault
from broker.ledger import database
from broker.ledger.routing import RouteBatch, insert_deliveries
from broker.policy.decision import (
    Decision,
    Postponed,
    Rejected,
    Routed,
    Unroutable,
    Unrouted,
    Verdict,
    Withdrawn,
)
from broker.policy.monitoring.profile import Profile
from tests.integration.ledger.conftest import (
    NOW,
    POLICE,
    SHROPSHIRE,
    STOKE,
    Book,
    by_ops,
    new_delivery,
    routed,
)

MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)
FIELDS = (
    *("state", "routed_at", "closed_at", "attempt", "begun", "next_attempt_at", "grade"),
    *("effective_grade", "first_known_at", "policy_version", "directory_version", "reason"),
    *("attend_by", "next_alarm_at", "clock_from", "accepted_at"),
)
LOOK = f"select {', '.join(FIELDS)} from referral where id ="
BEFORE: Mapping[str, Any] = {
    "state": "unroutable",
    "routed_at": None,
    "closed_at": None,
    "attempt": 3,
    "begun": 2,
    "next_attempt_at": NOW,
    "grade": "low",
    "effective_grade": "medium",
    "first_known_at": NOW - MINUTE,
    "policy_version": "v1",
    "directory_version": "d1",
    "reason": "no_area",
    "attend_by": NOW + MINUTE,
    "next_alarm_at": NOW + 2 * MINUTE,
    "clock_from": None,
    "accepted_at": NOW,
}
RECALL = """
update referral set recalled_at = %s, recall_reason = 'wrong_person', recalled_by = 'A. Person'
"""


def row(book: Book, id_: ReferralId) -> dict[str, Any]:
    (values,) = book.look(f"{LOOK} %s", id_)
    return dict(zip(FIELDS, values, strict=True))


def force(book: Book, id_: ReferralId, **fields: Any) -> None:
    pairs = ", ".join(f"{name} = %s" for name in fields)
    book.do(f"update referral set {pairs} where id = %s", *fields.values(), id_)


def run(book: Book, statement: str, **params: Any) -> list[Any]:
    with book.ledger.transaction() as connection:
        return database.rows(connection, statement, params)


def settle(book: Book, *decisions: Decision) -> None:
    """Write decisions about referrals that are locked already."""
    waiting = [
        Unrouted(
            *(decision.id, POLICE, "ref", b"{}", NOW, 0, 0, NOW, {}), state=ReferralState.ROUTED
        )
        for decision in decisions
    ]
    with book.ledger.transaction() as connection:
        RouteBatch(connection, waiting).settle(decisions, now=LATER, actor="broker")


def pair(book: Book) -> tuple[ReferralId, ReferralId]:
    """Return two referrals that were unroutable before."""
    first, second = book.accept("first"), book.accept("second")
    for id_ in (first, second):
        force(book, id_, **BEFORE)
    return first, second


def test_an_attempt_is_written_beforehand_and_undone_of_what_is_due_alone(book: Book) -> None:
    first, second = book.accept("first"), book.accept("second")
    later = book.accept("later")
    force(book, later, next_attempt_at=LATER)
    until = LATER + MINUTE
    routing = book.ledger.routing
    assert routing.begin_routing([first, later], now=NOW, until=until) == [first]
    look = "select begun, next_attempt_at from referral order by reference"
    assert book.look(look) == [(1, until), (0, LATER), (0, NOW)]
    routing.leave_routing([first], now=NOW, until=LATER)
    assert book.look(look) == [(1, until), (0, LATER), (0, NOW)]
    assert routing.begin_routing([second], now=NOW, until=until) == [second]
    routing.leave_routing([first], now=NOW + MINUTE, until=until)
    assert book.look(look) == [(0, NOW + MINUTE), (0, LATER), (1, until)]


def claimed(book: Book, limit: int = 9, **times: Any) -> list[ReferralId]:
    with book.ledger.routing.claim_unrouted(limit, now=times.get("now", LATER)) as batch:
        return [referral.id for referral in batch.referrals]


@pytest.mark.two_actors
def test_what_is_due_is_claimed_once_longest_waiting_first(book: Book) -> None:
    third, second, first = (book.accept(name) for name in "abc")
    for id_, at in ((third, NOW + MINUTE), (second, NOW), (first, NOW - MINUTE)):
        force(book, id_, next_attempt_at=at)
    assert claimed(book) == [first, second, third]
    assert claimed(book, now=NOW) == [first, second]
    assert claimed(book, limit=1) == [first]
    with book.ledger.routing.claim_unrouted(1, now=LATER):
        assert claimed(book) == [second, third]


def test_what_is_reserved_until_an_instant_is_claimed_by_it_alone(book: Book) -> None:
    first, second, third = (book.accept(name) for name in "abc")
    for id_, at in ((first, LATER), (second, LATER), (third, LATER - MINUTE)):
        force(book, id_, next_attempt_at=at)
    with book.ledger.routing.claim_begun([first, third], until=LATER) as batch:
        assert [referral.id for referral in batch.referrals] == [first]


def test_a_claim_reads_the_newest_version_and_whether_tasks_are_open(book: Book) -> None:
    first, second = book.routed_to(STOKE), book.routed_to(STOKE)
    for id_, number in ((first, 2), (first, 3), (second, 2)):
        body, digest = f'"{number}"'.encode(), number.to_bytes(32, "big")
        at = NOW + number * MINUTE
        new = NewVersion(id_, POLICE, None, digest, body, at, "key:test")
        book.ledger.corrections.correct(new)
    third = book.accept("third")
    task = (
        "insert into task (publisher, referral, version, code, message, policy_version, opened_at,"
        " due_at, state, settled_at, settled_by, settled_because)"
        " select publisher, id, 1, 'c', 'Ask.', 'v1', %s, %s, %s, %s, %s, %s from referral"
        " where id = %s"
    )
    book.do(task, NOW, NOW, "open", None, None, None, first)
    book.do(task, NOW, NOW, "settled", NOW, "x", "y", second)
    with book.ledger.routing.claim_unrouted(9, now=LATER) as batch:
        read = {referral.id: referral for referral in batch.referrals}
        assert len(batch.referrals) == 3
    assert [
        (bytes(read[id_].body), read[id_].version, read[id_].received_at, read[id_].has_tasks)
        for id_ in (first, second)
    ] == [(b'"3"', 3, NOW + 3 * MINUTE, True), (b'"2"', 2, NOW + 2 * MINUTE, False)]
    assert (read[third].version, read[third].received_at, read[third].has_tasks) == (1, NOW, False)


def test_areas_make_one_unroutable_referral_due(book: Book) -> None:
    first, second = pair(book)
    force(book, first, next_attempt_at=None)
    before = row(book, second)
    give = book.ledger.routing.give_areas
    assert give(first, {"c1": "E1"}, by_ops(LATER), check=lambda _: None)
    after = row(book, first)
    assert (after["next_attempt_at"], after["attempt"]) == (LATER, 0)
    assert row(book, second) == before
    force(book, first, state="rejected")
    assert not give(first, {"c1": "E2"}, by_ops(LATER), check=lambda _: None)
    assert book.look("select areas from referral_finding") == [({"c1": "E1"},)]


@pytest.mark.parametrize("clock_from", [None, NOW - MINUTE])
def test_a_rejected_referral_is_judged_as_of_now_and_its_clock_keeps_its_start(
    book: Book, clock_from: Any
) -> None:
    first, second = pair(book)
    force(book, first, state="rejected", next_attempt_at=None, clock_from=clock_from)
    before = row(book, second)
    assert book.ledger.routing.retry_routing(first, by_ops(LATER))
    after = row(book, first)
    names = ("state", "next_attempt_at", "attempt", "clock_from", "accepted_at")
    assert [after[name] for name in names] == ["accepted", LATER, 0, clock_from or NOW, LATER]
    assert row(book, second) == before


def test_an_unroutable_referral_is_due_again_as_it_is(book: Book) -> None:
    first, _ = pair(book)
    assert book.ledger.routing.retry_routing(first, by_ops(LATER))
    assert row(book, first) == {**BEFORE, "attempt": 0, "next_attempt_at": LATER}
    force(book, first, state="accepted", next_attempt_at=NOW)
    assert not book.ledger.routing.retry_routing(first, by_ops(LATER))
    assert row(book, first)["next_attempt_at"] == NOW


@pytest.mark.parametrize(
    ("fields", "is_retried"),
    [
        ({}, False),
        ({"publisher": STOKE}, True),
        ({"reference": "other"}, True),
        ({"state": "rejected"}, True),
    ],
)
def test_only_another_that_has_its_reference_keeps_it_from_being_judged_again(
    book: Book, fields: dict[str, Any], *, is_retried: bool
) -> None:
    first, second = pair(book)
    force(book, first, state="rejected")
    force(book, second, **{"reference": "first", **fields})
    assert book.ledger.routing.retry_routing(first, by_ops(LATER)) is is_retried


def inserted(book: Book, *new: tuple[ReferralId, NewDelivery]) -> list[tuple[Any, ...]]:
    """Write deliveries; return what their events say, in their order."""
    with book.ledger.transaction() as connection:
        columns = [(id_, POLICE, delivery) for id_, delivery in new]
        insert_deliveries(connection, columns, now=LATER, actor="broker")
    return book.look("select delivery, data from event where at = %s order by id", LATER)


def test_of_a_recalled_referral_its_recalls_alone_are_written(book: Book) -> None:
    first, second = book.routed_to(STOKE), book.routed_to(STOKE)
    ((had,),) = book.look("select id from delivery where referral = %s", first)
    book.do(f"{RECALL} where id = %s", NOW, first)
    plain, recall = new_delivery(SHROPSHIRE), new_delivery(STOKE)
    recall = replace(recall, kind=DeliveryKind.RECALL, follows=DeliveryId(had))
    renewed, standing = replace(new_delivery(SHROPSHIRE), version=2), new_delivery(SHROPSHIRE)
    # Not in the order of their ids: the events follow the order in which they are given.
    events = inserted(book, (second, standing), (second, renewed), (first, recall), (first, plain))
    about = {"row": "social-care", "role": "lead"}
    assert events == [
        (standing.id, about),
        (renewed.id, {**about, "kind": "referral", "version": 2}),
        (recall.id, {**about, "kind": "recall", "version": 1}),
    ]
    assert book.look("select count(*) from delivery") == [(5,)]


def test_what_was_returned_is_marked_when_its_successor_is_written(book: Book) -> None:
    gone, standing = book.routed_to(STOKE), book.routed_to(STOKE, STOKE, STOKE)
    book.do("update delivery set state = 'returned', returned_at = %s", NOW)
    book.do(f"{RECALL} where id = %s", NOW, gone)
    ((recalled,),) = book.look("select id from delivery where referral = %s", gone)
    first, other, open_ = (
        id_
        for (id_,) in book.look("select id from delivery where referral = %s order by id", standing)
    )
    book.do("update delivery set state = 'acknowledged' where id = %s", open_)
    run(book, "routing/mark_redirected", ids=[first, open_, recalled], now=LATER)
    marked = "select id from delivery where sent_on_at = %s"
    assert book.look(marked, LATER) == [(first,)]
    book.do("update delivery set kind = 'recall', follows = %s where id = %s", other, recalled)
    run(book, "routing/mark_redirected", ids=[recalled], now=LATER)
    assert {id_ for (id_,) in book.look(marked, LATER)} == {first, recalled}


JUDGED = Verdict("v1", "d2", Grade.HIGH, Grade.HIGH, LATER)
AFTER = {
    "attempt": 4,
    "begun": 0,
    "next_attempt_at": None,
    "grade": "high",
    "effective_grade": "high",
    "first_known_at": LATER,
    "directory_version": "d2",
}
FAULT = Fault("/grade", "grade-contradiction", "Facts contradict the grade.")


def rejected(id_: ReferralId) -> Rejected:
    return Rejected(id_, [FAULT])


def unroutable(id_: ReferralId) -> Unroutable:
    return Unroutable(id_, JUDGED, "no_recipient", LATER + MINUTE, LATER + 2 * MINUTE)


def postponed(id_: ReferralId) -> Postponed:
    return Postponed(id_, LATER + MINUTE, "KeyError")


def to_stoke(id_: ReferralId) -> Routed:
    return replace(routed(id_, [new_delivery(STOKE)]), verdict=JUDGED)


def closed(id_: ReferralId) -> Withdrawn:
    return Withdrawn(id_, [])


@pytest.mark.parametrize(
    ("before", "decide", "after"),
    [
        (
            {},
            to_stoke,
            {**AFTER, "state": "routed", "routed_at": LATER, "reason": None}
            | {"attend_by": None, "next_alarm_at": None},
        ),
        (
            {"state": "accepted", "reason": None, "attend_by": None, "next_alarm_at": None}
            | {"policy_version": None, "routed_at": NOW, "closed_at": NOW},
            unroutable,
            {**AFTER, "state": "unroutable", "reason": "no_recipient", "policy_version": "v1"}
            | {"attend_by": LATER + MINUTE, "next_alarm_at": LATER + 2 * MINUTE, "closed_at": None},
        ),
        ({}, unroutable, {**AFTER, "state": "unroutable", "reason": "no_recipient"}),
        ({}, postponed, {"attempt": 4, "begun": 0, "next_attempt_at": LATER + MINUTE}),
        (
            {"state": "accepted"},
            rejected,
            {"state": "rejected", "attempt": 4, "begun": 0, "next_attempt_at": None}
            | {"reason": None, "attend_by": None, "next_alarm_at": None},
        ),
        (
            {"state": "routed", "routed_at": NOW},
            closed,
            {"state": "closed", "attempt": 4, "begun": 0, "next_attempt_at": None}
            | {"reason": None, "attend_by": None, "next_alarm_at": None, "closed_at": LATER},
        ),
        (
            {"state": "routed", "routed_at": NOW},
            to_stoke,
            {**AFTER, "reason": None, "attend_by": None, "next_alarm_at": None},
        ),
    ],
)
def test_a_decision_writes_its_own_referral(
    book: Book, before: dict[str, Any], decide: Any, after: dict[str, Any]
) -> None:
    first, second = pair(book)
    force(book, first, **{"state": "unroutable", **before})
    settle(book, decide(first))
    assert row(book, first) == {**BEFORE, **before, **after}
    assert row(book, second) == BEFORE


@pytest.mark.parametrize(
    ("state", "due", "decide", "counts"),
    [
        ("accepted", None, rejected, True),
        ("unroutable", None, to_stoke, True),
        ("unroutable", None, postponed, True),
        ("unroutable", NOW, rejected, False),
        ("routed", NOW, to_stoke, True),
        ("routed", NOW, postponed, True),
        ("routed", None, to_stoke, False),
        ("routed", NOW, rejected, False),
        ("closed", NOW, to_stoke, False),
        ("rejected", NOW, to_stoke, False),
    ],
)
def test_a_decision_counts_in_the_states_that_allow_it(
    book: Book, state: str, due: Any, decide: Any, *, counts: bool
) -> None:
    id_, _ = pair(book)
    force(book, id_, state=state, next_attempt_at=due, routed_at=NOW, closed_at=NOW)
    before = row(book, id_)
    settle(book, decide(id_))
    assert (row(book, id_) != before) is counts


FINDINGS = "select referral, faults, defects, warnings, areas from referral_finding"


def test_findings_are_those_of_the_last_judgement(book: Book) -> None:
    first, second = pair(book)
    found = [asdict(FAULT)]
    settle(book, replace(unroutable(first), verdict=replace(JUDGED, warnings=[FAULT])))
    assert book.look(FINDINGS) == [(first, [], [], found, {})]
    settle(book, unroutable(second))
    settle(book, postponed(first))
    assert book.look(FINDINGS) == [(first, [], [], found, {})]
    settle(book, replace(unroutable(first), verdict=replace(JUDGED, defects=[FAULT])))
    assert book.look(FINDINGS) == [(first, [], found, [], {})]
    force(book, first, state="accepted")
    settle(book, rejected(first))
    assert book.look(FINDINGS) == [(first, found, [], [], {})]
    force(book, first, state="accepted")
    settle(book, unroutable(first))
    assert book.look(FINDINGS) == [(first, [], [], [], {})]


def test_a_profile_stays_until_another_is_judged(book: Book) -> None:
    id_, _ = pair(book)
    profile = Profile("Public protection", 1, {}, [])
    settle(book, replace(unroutable(id_), verdict=replace(JUDGED, profile=profile)))
    settle(book, postponed(id_))
    assert book.look("select profile from referral where id = %s", id_) == [(profile.stored,)]
