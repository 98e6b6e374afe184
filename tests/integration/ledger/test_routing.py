"""Claiming and settling: one transaction, one event a change, nothing held up or lost."""

import threading
from datetime import timedelta

import pytest

from broker.domain.codes import Grade
from broker.domain.states import DeliveryState, ReferralState
from broker.errors import Fault
from broker.policy.decision import (
    Postponed,
    Rejected,
    Unroutable,
    Verdict,
)
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


def test_a_routed_referral_has_its_deliveries_and_one_event_for_each_change(book: Book) -> None:
    id_ = book.routed_to(STOKE, SHROPSHIRE)
    status = book.ledger.queries.referral(POLICE, id=id_)
    assert status is not None
    assert status.state is ReferralState.ROUTED
    assert {delivery.agency for delivery in status.deliveries} == {STOKE, SHROPSHIRE}
    assert book.kinds(id_) == [
        "referral.accepted",
        "referral.routed",
        "delivery.available",
        "delivery.available",
    ]


def test_what_was_claimed_is_free_again_when_the_work_fails(book: Book) -> None:
    id_ = book.accept("fails")
    with pytest.raises(ZeroDivisionError), book.ledger.routing.claim_unrouted(10, now=NOW) as batch:
        assert [referral.id for referral in batch.referrals] == [id_]
        batch.settle([routed(id_, [new_delivery(STOKE)])], now=NOW, actor="broker")
        _ = 1 / 0
    with book.ledger.routing.claim_unrouted(10, now=NOW) as batch:
        assert [referral.id for referral in batch.referrals] == [id_]
    assert book.kinds(id_) == ["referral.accepted"]


def test_two_workers_never_claim_the_same(book: Book) -> None:
    expected = {book.accept(f"r{number}") for number in range(20)}
    claimed: list[set] = []
    both = threading.Barrier(2)

    def work() -> None:
        with book.ledger.routing.claim_unrouted(10, now=NOW) as batch:
            both.wait(5)
            claimed.append({referral.id for referral in batch.referrals})
            both.wait(5)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert claimed[0] | claimed[1] == expected
    assert not claimed[0] & claimed[1]


def test_a_rejected_one_says_why_and_gives_way_to_a_corrected_one(book: Book) -> None:
    id_ = book.accept("wrong")
    with book.ledger.routing.claim_unrouted(10, now=NOW) as batch:
        rejected = Rejected(id_, [Fault("/children/0", "required", "Give it.")])
        batch.settle([rejected], now=NOW, actor="broker")
    status = book.ledger.queries.referral(POLICE, id=id_)
    assert status is not None
    assert status.state is ReferralState.REJECTED
    assert [fault["code"] for fault in status.faults] == ["required"]


def test_a_postponed_one_is_due_again_later_and_counts_its_attempts(book: Book) -> None:
    id_ = book.accept("later")
    later = NOW + timedelta(seconds=5)
    with book.ledger.routing.claim_unrouted(10, now=NOW) as batch:
        batch.settle([Postponed(id_, later, "KeyError")], now=NOW, actor="broker")
    with book.ledger.routing.claim_unrouted(10, now=NOW) as batch:
        assert not batch.referrals
    with book.ledger.routing.claim_unrouted(10, now=later) as batch:
        assert [referral.attempt for referral in batch.referrals] == [1]
    assert book.kinds(id_) == ["referral.accepted", "referral.postponed"]


def test_an_area_given_later_makes_an_unroutable_one_due_and_its_deadline_stays(
    book: Book,
) -> None:
    id_ = book.accept("nowhere")
    attend_by = NOW + timedelta(hours=1)

    def strand(at, attend):
        with book.ledger.routing.claim_unrouted(10, now=at) as batch:
            assert [referral.id for referral in batch.referrals] == [id_]
            areas.append(batch.referrals[0].areas)
            decision = Unroutable(
                id_, Verdict("v1", "v1", Grade.LOW, Grade.LOW, NOW), "no_area", attend
            )
            batch.settle([decision], now=at, actor="broker")

    areas: list = []
    strand(NOW, attend_by)
    assert not book.ledger.sweep.due(now=NOW + timedelta(days=1)).route
    waiting = book.ledger.queries.attention(limit=10)
    assert [(row.kind, row.referral, row.due_at) for row in waiting] == [
        ("unroutable", id_, attend_by)
    ]
    later = NOW + timedelta(minutes=10)
    assert book.ledger.routing.give_areas(
        id_, {"c1": "E10000028"}, by_ops(later), check=lambda _: None
    )
    assert book.ledger.sweep.due(now=later).route
    strand(later, later + timedelta(hours=1))
    assert areas == [{}, {"c1": "E10000028"}]
    status = book.ledger.queries.referral(POLICE, id=id_)
    assert status is not None
    assert status.attend_by == attend_by
    assert book.kinds(id_).count("referral.areas_given") == 1


def test_areas_for_one_that_waits_for_none_change_nothing(book: Book) -> None:
    id_ = book.routed_to(STOKE)
    assert not book.ledger.routing.give_areas(
        id_, {"c1": "E10000028"}, by_ops(NOW), check=lambda _: None
    )
    assert "referral.areas_given" not in book.kinds(id_)


def test_a_held_delivery_is_released_when_its_embargo_ends(book: Book) -> None:
    until = NOW + timedelta(hours=2)
    id_ = book.routed_to(SHROPSHIRE, state=DeliveryState.HELD, available_at=until)
    assert not book.collect(SHROPSHIRE)
    assert book.ledger.sweep.release_held(now=until - timedelta(seconds=1), limit=10) == 0
    assert book.ledger.sweep.release_held(now=until, limit=10) == 1
    assert len(book.collect(SHROPSHIRE, now=until)) == 1
    assert book.kinds(id_)[2:4] == ["delivery.held", "delivery.available"]
