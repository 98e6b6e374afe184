"""What the ledger holds of versions: append-only, one after the other, and guarded."""

import json
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID

import psycopg
import pytest
import uuid_utils.compat as ids

from broker.domain.ids import DeliveryId, ReferralId
from broker.domain.referral import (
    Accepted,
    ChangeRefusal,
    NewVersion,
    Recalled,
    Refused,
    Withdrawal,
)
from broker.domain.states import DeliveryState, ReferralState
from broker.ledger.corrections import MOST_VERSIONS, latest_delivery
from broker.policy.decision import Revised
from broker.policy.revision.issued import Changed
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, STOKE, Book, routed

LATER = NOW + timedelta(hours=1)


def version(referral: ReferralId, number: int, key: str | None = None) -> NewVersion:
    digest = number.to_bytes(32, "big")
    return NewVersion(referral, POLICE, key, digest, b"{}", LATER, "key:test")


def withdrawal(referral: ReferralId) -> Withdrawal:
    return Withdrawal(referral, POLICE, "unlawful", "DS Farlow", LATER, "key:test")


def test_versions_follow_one_another_and_none_is_ever_changed(book: Book) -> None:
    referral = book.routed_to(STOKE)
    for number in (2, 3):
        kept = book.ledger.corrections.correct(version(referral, number))
        assert isinstance(kept, Accepted)
        assert (kept.version, kept.accepted_at) == (number, LATER)
    status = book.ledger.queries.referral(POLICE, id=referral)
    assert status is not None
    assert [version.version for version in status.versions] == [1, 2, 3]
    assert status.digest == (3).to_bytes(32, "big")
    for table in ("referral_content", "correction"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            book.look(f"update {table} set version = 9 returning version")


def test_there_is_a_bound_and_nobody_elses_is_corrected(book: Book) -> None:
    referral = book.routed_to(STOKE)
    for number in range(2, MOST_VERSIONS + 1):
        assert isinstance(book.ledger.corrections.correct(version(referral, number)), Accepted)
    last = version(referral, MOST_VERSIONS + 1)
    assert book.ledger.corrections.correct(last) == Refused(ChangeRefusal.TOO_MANY)
    assert book.ledger.corrections.correct(replace(last, publisher=STOKE)) == Refused(
        ChangeRefusal.UNKNOWN
    )
    assert book.recall(withdrawal(ReferralId(UUID(int=1)))) == Refused(ChangeRefusal.UNKNOWN)


def test_the_same_correction_from_many_sides_at_once_is_one_version(book: Book) -> None:
    referral, kept = book.routed_to(STOKE), []
    start = Barrier(6)

    def post() -> None:
        start.wait(10)
        kept.append(book.ledger.corrections.correct(version(referral, 2)))

    threads = [Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [receipt.version for receipt in kept] == [2] * 6
    assert sorted(receipt.duplicate for receipt in kept) == [False] + [True] * 5


@pytest.mark.two_actors
def test_a_correction_is_due_again_and_what_it_holds_up_is_not_closed(book: Book) -> None:
    referral = book.routed_to(SHROPSHIRE)
    assert not book.ledger.sweep.due(now=LATER).route
    book.ledger.corrections.correct(version(referral, 2))
    assert book.ledger.sweep.due(now=LATER).route
    with book.ledger.routing.claim_unrouted(10, now=LATER) as batch:
        (referral,) = batch.referrals
        assert (referral.version, referral.received_at, referral.accepted_at) == (2, LATER, NOW)
        (earlier,) = referral.earlier
        assert (earlier.agency, earlier.version, set(referral.bodies)) == (SHROPSHIRE, 1, {1})
        # Nobody is offered what is being decided about.
        assert book.collect(SHROPSHIRE, now=LATER) == []


def test_what_is_moved_is_watched_anew_and_pushed_when_it_may_be(book: Book) -> None:
    referral = book.routed_to(STOKE, channel="queue")
    book.ledger.corrections.correct(version(referral, 2))
    with book.ledger.routing.claim_unrouted(10, now=LATER) as batch:
        (earlier,) = batch.referrals[0].earlier
        held = replace(
            earlier,
            version=2,
            state=DeliveryState.HELD,
            available_at=LATER + timedelta(hours=1),
        )
        stale = replace(earlier, attempt=7)
        decision = replace(routed(referral, []), version=2)
        for was in (stale, earlier):
            batch.settle(
                [Revised(decision, [Changed(was, held, ())], {})], now=LATER, actor="broker"
            )
            if was is stale:
                # What is not committed yet is seen in this transaction alone.
                read = batch._connection.execute("select version, state from delivery").fetchall()
                assert read == [{"version": 1, "state": "available"}]
                batch._connection.execute("update referral set next_attempt_at = %s", [LATER])
    assert book.look(
        "select version, state, next_alarm_at, next_attempt_at, policy_version from delivery"
    ) == [(2, "held", LATER, LATER + timedelta(hours=1), "v1")]


def test_a_recall_ends_what_is_open_at_once_and_repeating_it_changes_nothing(book: Book) -> None:
    referral = book.routed_to(STOKE, SHROPSHIRE)
    (leased,) = book.collect(SHROPSHIRE)
    first = book.recall(withdrawal(referral))
    assert isinstance(first, Recalled)
    assert book.look("select distinct state, lease_until, next_alarm_at from delivery") == [
        ("recalled", None, None)
    ]
    assert book.collect(STOKE) == []
    assert book.recall(withdrawal(referral)) == replace(first, duplicate=True)
    kinds = book.kinds(referral)
    assert kinds.count("delivery.recalled") == 2
    assert kinds.count("referral.recalled") == 1
    assert leased.id
    status = book.ledger.queries.referral(POLICE, id=referral)
    assert status is not None
    assert status.state is ReferralState.ROUTED


def test_an_offer_bears_the_content_of_its_own_version(book: Book) -> None:
    referral = book.routed_to(STOKE)
    (before,) = book.collect(STOKE)
    book.ledger.corrections.correct(replace(version(referral, 2), body=b'{"second": 2}'))
    (now,) = (book.ledger.deliveries.delivery(STOKE, before.id),)
    assert now is not None
    assert (now.body, now.version, now.latest_version) == (before.body, 1, 1)
    assert ids.uuid7() != referral


REFERRAL = """
select version, state, attempt, next_attempt_at, closed_at, recalled_at, recall_reason, recalled_by
from referral where id = %s
"""
CLOSE = "update referral set state = 'closed', closed_at = %s, attempt = 3 where id = %s"


def told(book: Book, referral: ReferralId, since: int) -> list[tuple]:
    """Return what the history says of a referral after an event."""
    return book.look(
        "select kind, data ->> 'version', data ->> 'reason' from event"
        " where referral = %s and id > %s order by id",
        referral,
        since,
    )


def last_event(book: Book) -> int:
    ((last,),) = book.look("select max(id) from event")
    return last


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_correction_makes_its_referral_due_and_reopens_a_closed_one(
    book: Book, is_closed: bool
) -> None:
    id_, other = book.routed_to(STOKE), book.routed_to(STOKE)
    if is_closed:
        book.do(CLOSE, NOW, id_)
    before, since = book.look(REFERRAL, other), last_event(book)
    book.ledger.corrections.correct(version(id_, 2))
    assert book.look(REFERRAL, id_) == [(2, "routed", 0, LATER, None, None, None, None)]
    assert book.look(REFERRAL, other) == before
    events = [("referral.corrected", "2", None), ("referral.reopened", "2", None)]
    assert told(book, id_, since) == events[: 1 + is_closed]


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_recall_makes_its_referral_due_and_reopens_a_closed_one(
    book: Book, is_closed: bool
) -> None:
    id_, other = book.routed_to(STOKE), book.routed_to(STOKE)
    book.do("update delivery set next_alarm_at = %s", LATER)
    if is_closed:
        book.do(CLOSE, NOW, id_)
    before, since = book.look(REFERRAL, other), last_event(book)
    book.recall(withdrawal(id_))
    recalled = (LATER, "unlawful", "DS Farlow")
    assert book.look(REFERRAL, id_) == [(1, "routed", 0, LATER, None, *recalled)]
    assert book.look(REFERRAL, other) == before
    assert [kind for kind, *_ in told(book, id_, since)] == [
        "referral.recalled",
        *(["referral.reopened"] if is_closed else []),
        "delivery.recalled",
    ]
    assert told(book, id_, since)[0] == ("referral.recalled", None, "unlawful")
    of = "select state, next_alarm_at from delivery where referral = %s"
    assert book.look(of, id_) == [("recalled", None)]
    assert book.look(of, other) == [("available", LATER)]


def test_a_recall_holds_the_deliveries_of_its_referral_alone(book: Book) -> None:
    id_, other = book.routed_to(STOKE), book.routed_to(SHROPSHIRE)
    free = "select referral from delivery for no key update skip locked"
    with book.ledger.corrections.recall(withdrawal(id_)):
        assert book.look(free) == [(other,)]


def test_a_correction_is_compared_with_the_latest_version_of_its_own_referral(book: Book) -> None:
    id_, other = book.routed_to(STOKE), book.routed_to(STOKE)
    correct = book.ledger.corrections.correct
    for referral, number in ((other, 8), (other, 9), (id_, 2), (id_, 3)):
        correct(version(referral, number))
    latest = correct(version(id_, 3))
    assert isinstance(latest, Accepted)
    assert (latest.id, latest.version, latest.duplicate) == (id_, 3, True)
    again = correct(version(id_, 2))
    assert isinstance(again, Accepted)
    assert (again.version, again.duplicate) == (4, False)
    assert book.look("select referral, version, digest from correction order by 1, 2") == sorted(
        (referral, number, digest.to_bytes(32, "big"))
        for referral, number, digest in (
            *((id_, 2, 2), (id_, 3, 3), (id_, 4, 2)),
            *((other, 2, 8), (other, 3, 9)),
        )
    )


def test_a_key_stands_for_one_correction_of_one_referral(book: Book) -> None:
    id_, other = book.routed_to(STOKE), book.routed_to(STOKE)
    correct = book.ledger.corrections.correct
    for referral, number, key in ((other, 9, "a"), (id_, 2, "b"), (id_, 3, "a"), (id_, 4, "c")):
        kept = correct(version(referral, number, key))
        assert isinstance(kept, Accepted)
        assert not kept.duplicate
    for number, key, expected in ((3, "a", 3), (2, "b", 2)):
        again = correct(version(id_, number, key))
        assert isinstance(again, Accepted)
        assert (again.id, again.version, again.duplicate) == (id_, expected, True)
    assert isinstance(correct(version(id_, 7, "a")), Refused)
    assert book.look("select count(*) from correction") == [(4,)]


COPY = """
insert into delivery
select (jsonb_populate_record(delivery, %s::jsonb || jsonb_build_object('id', %s::uuid))).*
from delivery where id = %s
"""
COPY_REASON = """
insert into delivery_reason (delivery, scope, explanation)
select %s, scope, explanation from delivery_reason where delivery = %s
"""


def test_the_latest_version_of_a_part_is_the_one_its_own_agency_was_given(book: Book) -> None:
    referral = book.routed_to(STOKE)
    ((first,),) = book.look("select id from delivery")
    for number in (2, 3):
        book.ledger.corrections.correct(version(referral, number))
    elsewhere = book.routed_to(STOKE)
    ((of_another,),) = book.look("select id from delivery where referral = %s", elsewhere)

    def given(**changes: object) -> UUID:
        id_ = ids.uuid7()
        book.do(COPY, json.dumps(changes), id_, first)
        book.do(COPY_REASON, id_, first)
        return id_

    given(version=2, kind="correction", follows=str(first))
    latest = given(version=3, kind="correction", follows=str(first))
    given(version=9, policy_row="another")
    given(version=9, agency=SHROPSHIRE)
    given(version=9, kind="recall", follows=str(first))
    given(version=2, kind="correction", follows=str(first))
    book.do("update delivery set version = 9 where id = %s", of_another)
    with book.ledger.corrections._transaction() as connection:
        found = latest_delivery(connection, first)
        assert found is not None
        assert (found.id, found.version) == (latest, 3)
        assert latest_delivery(connection, DeliveryId(ids.uuid7())) is None


@pytest.mark.parametrize("state", DeliveryState)
def test_a_recall_ends_what_is_unfinished_and_nothing_else(
    book: Book, state: DeliveryState
) -> None:
    referral = book.routed_to(STOKE)
    book.force(state)
    book.recall(withdrawal(referral))
    ends = state in {"held", "available", "leased", "collected", "acknowledged", "undeliverable"}
    row = ("recalled", LATER) if ends else (str(state), None)
    assert book.look("select state, recalled_at from delivery") == [row]


def test_a_recall_leaves_open_what_asks_an_agency_to_destroy(book: Book) -> None:
    """An earlier version told an agency to destroy its part; that stays to be done."""
    referral = book.routed_to(STOKE, SHROPSHIRE)
    book.do(
        "update delivery set kind = 'recall', follows = (select id from delivery where agency = %s)"
        " where agency = %s",
        STOKE,
        SHROPSHIRE,
    )
    book.recall(withdrawal(referral))
    assert book.look("select kind, state, recalled_at from delivery order by kind") == [
        ("recall", "available", None),
        ("referral", "recalled", LATER),
    ]
