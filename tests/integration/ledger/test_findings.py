"""What a second look at the ledger found, and what holds since."""

from datetime import timedelta

import uuid_utils.compat as ids

from broker.domain.codes import Grade, Stage
from broker.domain.delivery import (
    Receipt,
)
from broker.domain.ids import ReferralId
from broker.domain.push import Attempt, Refused
from broker.domain.states import ReferralState
from broker.errors import Fault
from broker.policy.decision import (
    Decision,
    Rejected,
    Unroutable,
    Verdict,
)
from tests.integration.ledger.conftest import (
    LEASE,
    NOW,
    SHROPSHIRE,
    STOKE,
    Book,
    by_ops,
    new_delivery,
    routed,
)

WARNING = Fault("/grade", "grade-contradiction", "Facts contradict the grade.")


def decide(book: Book, decision: Decision) -> None:
    """Settle the one referral that waits."""
    with book.ledger.routing.claim_unrouted(10, now=NOW) as batch:
        batch.settle([decision], now=NOW, actor="broker")


def stranded(book: Book, reference: str) -> ReferralId:
    """Return a referral that was unroutable and has been given an area since."""
    id_ = book.accept(reference)
    attend_by = NOW + timedelta(hours=1)
    decide(
        book,
        Unroutable(
            id_,
            Verdict("v1", "v1", Grade.HIGH, Grade.HIGH, NOW, warnings=[WARNING]),
            "no_area",
            attend_by,
        ),
    )
    assert book.ledger.routing.give_areas(
        id_, {"c1": "E06000021"}, by_ops(NOW), check=lambda _: None
    )
    return id_


def test_one_that_was_unroutable_cannot_be_rejected(book: Book) -> None:
    id_ = stranded(book, "OCC/1")
    decide(book, Rejected(id_, [Fault("/children/0/area", "unknown-area", "No such area.")]))
    assert book.ledger.queries.states([id_])[id_] is ReferralState.UNROUTABLE


def test_warnings_of_an_earlier_attempt_do_not_outlive_it(book: Book) -> None:
    id_ = stranded(book, "OCC/1")
    decide(book, routed(id_, [new_delivery(STOKE)]))
    status = book.ledger.queries.referral(None, id=id_)
    assert status is not None
    assert status.warnings == []


def test_a_referral_decided_twice_is_routed_once(book: Book) -> None:
    id_ = book.accept("OCC/1")
    with book.ledger.routing.claim_unrouted(10, now=NOW) as batch:
        for agency in (STOKE, SHROPSHIRE):
            batch.settle([routed(id_, [new_delivery(agency)])], now=NOW, actor="broker")
    status = book.ledger.queries.referral(None, id=id_)
    assert status is not None
    assert [delivery.agency for delivery in status.deliveries] == [STOKE]


def test_nothing_is_ever_routed_to_nobody(book: Book) -> None:
    id_ = book.accept("OCC/1")
    try:
        decide(book, routed(id_, []))
    except ValueError:
        return
    assert book.ledger.queries.states([id_])[id_] is not ReferralState.ROUTED


def test_software_whose_lease_went_to_another_is_told_so_also_after_the_other_collected(
    book: Book,
) -> None:
    book.routed_to(STOKE)
    (mine,) = book.collect(STOKE)
    book.ledger.sweep.lapse(now=NOW + LEASE, limit=10)
    (theirs,) = book.collect(STOKE)
    assert mine.lease is not None
    assert theirs.lease is not None
    book.answer(STOKE, Receipt(theirs.id, Stage.COLLECTED, "two", lease=theirs.lease.id))
    (late,) = book.answer(STOKE, Receipt(mine.id, Stage.COLLECTED, "one", lease=mine.lease.id))
    assert late.result == "lease_lost"


def test_giving_back_may_be_repeated(book: Book) -> None:
    book.routed_to(STOKE)
    (offer,) = book.collect(STOKE)
    assert offer.lease is not None
    held = [(offer.id, offer.lease.id)]
    for _ in range(2):
        assert book.ledger.deliveries.release(STOKE, held, now=NOW, actor="key:agency") == [True]


def test_ops_see_why_something_cannot_be_delivered(book: Book) -> None:
    book.routed_to(STOKE, channel="queue")
    (offer,) = book.ledger.deliveries.claim_pushes(
        "queue", limit=1, lease_for=LEASE, now=NOW, new_id=ids.uuid7
    )
    assert offer.lease is not None
    refused = Attempt(offer.id, offer.lease.id, Refused("gone"))
    book.ledger.deliveries.settle_pushes([refused], now=NOW, actor="channel:queue")
    (waiting,) = book.ledger.queries.attention(limit=10)
    assert waiting.reason == "gone"


def test_an_earlier_policy_can_be_put_back_in_force(book: Book) -> None:
    book.ledger.policies.publish_policy("v2", bytes(32), {}, NOW + timedelta(hours=1))
    book.ledger.policies.publish_policy("v1", bytes(32), {}, NOW + timedelta(hours=2))
    in_force = book.ledger.policies.policy(None)
    assert in_force is not None
    assert in_force[0] == "v1"
