"""Whoever claims takes what is due longest, no more than it asked for, and waits for nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
import uuid_utils.compat as ids

from broker.domain.ids import LeaseId
from tests.integration.ledger.conftest import LEASE, NOW, STOKE, Book

HOUR, INSTANT = timedelta(hours=1), timedelta(microseconds=1)


def deliveries(state: str) -> Callable[[Book], None]:
    """Write three deliveries in a state."""

    def arrange(book: Book) -> None:
        for _ in range(3):
            book.routed_to(STOKE, channel="queue")
        lease_until = NOW if state == "leased" else None
        book.do("update delivery set state = %s, lease_until = %s", state, lease_until)

    return arrange


def referrals(book: Book) -> None:
    for number in range(3):
        book.accept(f"ref-{number}")


def escalations(book: Book) -> None:
    deliveries("available")(book)
    book.do(
        "insert into escalation (id, ladder, policy_version, milestone, referral, delivery,"
        " organisation, due_at, began_at, next_step_at) select gen_random_uuid(), 'ladder', 'v1',"
        " 'acknowledge', referral, id, agency, %s, %s, %s from delivery",
        *(NOW, NOW, NOW),
    )


def tasks(book: Book) -> None:
    referrals(book)
    book.do(
        "insert into task (publisher, referral, version, code, message, policy_version, opened_at,"
        " due_at) select publisher, id, 1, 'no_grade', 'Look.', 'v1', %s, %s from referral",
        *(NOW, NOW),
    )


def notices(state: str) -> Callable[[Book], None]:
    """Write three notices that are due, or that a sender has leased."""

    def arrange(book: Book) -> None:
        due, lease_until = (NOW, None) if state == "due" else (None, NOW)
        for _ in range(3):
            book.do(
                "insert into notice (id, kind, organisation, contact, channel, state, created_at,"
                " next_attempt_at, lease_until)"
                " values (gen_random_uuid(), 'late', %s, 'duty', 'email', %s, %s, %s, %s)",
                *(STOKE, state, NOW, due, lease_until),
            )

    return arrange


@dataclass(frozen=True)
class Claim:
    """What is claimed, by which column it is due, and the call."""

    arrange: Callable[[Book], None]
    column: str
    """``table.column``"""
    take: Callable[[Book, int, Any], object]
    """Of so many, at a time; what it returns is not looked at."""
    taken: str
    """A condition that what was taken meets; empty where nothing is written."""
    seen: Callable[[Any], list[UUID]] | None = None
    """The ids in a batch that only locks."""


def push(book: Book, limit: int, now: Any) -> object:
    claim = book.ledger.deliveries.claim_pushes
    return claim("queue", limit=limit, lease_for=LEASE, now=now, new_id=ids.uuid7)


def take_notices(book: Book, limit: int, now: Any) -> object:
    lease = LeaseId(ids.uuid7())
    return book.ledger.alarms.claim_notices(limit, lease=lease, lease_for=HOUR, now=now)


CLAIMS = {
    "deliveries.claim_pushes": Claim(
        deliveries("available"), "delivery.next_attempt_at", push, "state = 'leased'"
    ),
    "sweep.lapse": Claim(
        deliveries("leased"),
        "delivery.lease_until",
        lambda book, limit, now: book.ledger.sweep.lapse(now=now, limit=limit),
        "state = 'available'",
    ),
    "sweep.release_held": Claim(
        deliveries("held"),
        "delivery.available_at",
        lambda book, limit, now: book.ledger.sweep.release_held(now=now, limit=limit),
        "state = 'available'",
    ),
    "alarms.claim_notices that are due": Claim(
        notices("due"), "notice.next_attempt_at", take_notices, "attempt = 1"
    ),
    "alarms.claim_notices whose sender died": Claim(
        notices("sending"), "notice.lease_until", take_notices, "attempt = 1"
    ),
    "alarms.claim_alarms": Claim(
        deliveries("available"),
        "delivery.next_alarm_at",
        lambda book, limit, now: book.ledger.alarms.claim_alarms(limit, now=now),
        "",
        lambda batch: [watched.delivery for watched in batch.watched],
    ),
    "alarms.claim_attention": Claim(
        referrals,
        "referral.next_alarm_at",
        lambda book, limit, now: book.ledger.alarms.claim_attention(limit, now=now),
        "",
        lambda batch: [watched.referral for watched in batch.watched],
    ),
    "alarms.claim_tasks": Claim(
        tasks,
        "task.next_alarm_at",
        lambda book, limit, now: book.ledger.alarms.claim_tasks(limit, now=now),
        "",
        lambda batch: [watched.task for watched in batch.watched],
    ),
    "alarms.claim_steps": Claim(
        escalations,
        "escalation.next_step_at",
        lambda book, limit, now: book.ledger.alarms.claim_steps(limit, now=now),
        "",
        lambda batch: [step.id for step in batch.steps],
    ),
    "routing.claim_unrouted": Claim(
        referrals,
        "referral.next_attempt_at",
        lambda book, limit, now: book.ledger.routing.claim_unrouted(limit, now=now),
        "",
        lambda batch: [referral.id for referral in batch.referrals],
    ),
}
HOURS = (2, 0, 1)
"""When each of three is due; the first in the table is not the first that is due."""


def arranged(book: Book, claim: Claim) -> dict[int, UUID]:
    """Return the three, by the hour in which each is due."""
    claim.arrange(book)
    table, column = claim.column.split(".")
    by_hour = {}
    for hour, (id_,) in zip(HOURS, book.look(f"select id from {table} order by id"), strict=True):
        book.do(f"update {table} set {column} = %s where id = %s", NOW + hour * HOUR, id_)
        by_hour[hour] = id_
    return by_hour


def takes(book: Book, claim: Claim, limit: int, now: Any) -> set[UUID]:
    """Claim, and return what was written as taken, or what a batch holds."""
    if claim.seen:
        with claim.take(book, limit, now) as batch:  # type: ignore[attr-defined]
            return set(claim.seen(batch))
    table = claim.column.split(".")[0]
    was_taken = f"select id from {table} where {claim.taken}"
    before = set(book.look(was_taken))
    claim.take(book, limit, now)
    return {id_ for (id_,) in set(book.look(was_taken)) - before}


@pytest.mark.parametrize("name", CLAIMS)
def test_what_is_due_is_taken_at_its_instant_and_not_before(book: Book, name: str) -> None:
    by_hour = arranged(book, CLAIMS[name])
    assert takes(book, CLAIMS[name], 9, NOW - INSTANT) == set()
    assert takes(book, CLAIMS[name], 9, NOW) == {by_hour[0]}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_small_claim_takes_what_is_due_longest(book: Book, name: str) -> None:
    by_hour = arranged(book, CLAIMS[name])
    assert takes(book, CLAIMS[name], 1, NOW + 2 * HOUR) == {by_hour[0]}
    assert takes(book, CLAIMS[name], 2, NOW + 2 * HOUR) <= set(by_hour.values())


@pytest.mark.parametrize("name", CLAIMS)
def test_what_another_holds_is_left_to_it_without_a_wait(book: Book, name: str) -> None:
    by_hour = arranged(book, CLAIMS[name])
    table = CLAIMS[name].column.split(".")[0]
    with psycopg.connect(book.dsn) as other:
        other.execute(f"select from {table} where id = %s for update".encode(), [by_hour[0]])
        assert takes(book, CLAIMS[name], 9, NOW + HOUR) == {by_hour[1]}


@pytest.mark.two_actors
@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.seen])
def test_what_a_batch_holds_nobody_else_takes(book: Book, name: str) -> None:
    claim = CLAIMS[name]
    by_hour = arranged(book, claim)
    assert claim.seen
    with claim.take(book, 1, NOW + HOUR) as mine:  # type: ignore[attr-defined]
        assert claim.seen(mine) == [by_hour[0]]
        assert takes(book, claim, 9, NOW + HOUR) == {by_hour[1]}
