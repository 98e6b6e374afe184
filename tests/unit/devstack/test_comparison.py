"""The demo's sources agree, and every way in which they may differ is reported."""

from __future__ import annotations

from dataclasses import replace

from referral_broker_client import Receipt

from broker.devstack.comparison import Evidence, compare
from broker.devstack.feed_tally import FeedTally
from broker.domain.codes import Milestone
from broker.domain.states import DeliveryState
from tests.unit.devstack.evidence import STOKE, evidence, leg, receipt, referral, without_notes


def differences(evidence_: Evidence) -> str:
    return "\n".join(compare(evidence_).differences)


def test_when_all_sources_agree_there_is_no_difference_and_nothing_is_lost() -> None:
    sums = compare(
        evidence(
            referral(1, leg(1), leg(2)),
            referral(2, leg(3, state=DeliveryState.RETURNED, met=[]), leg(4)),
            referral(3, leg(5, state=DeliveryState.HELD, met=[])),
            referral(4, state="unroutable"),
            referral(5, state="rejected"),
            refused=2,
        )
    )
    assert sums.differences == []
    assert (sums.published, sums.accepted, sums.rejected, sums.unroutable) == (7, 4, 3, 1)
    assert (sums.deliveries, sums.collected, sums.decided, sums.lost) == (5, 3, 3, 0)
    assert sums.states == {"decided": 3, "returned": 1, "held": 1}


def test_published_is_always_accepted_and_rejected() -> None:
    sums = compare(evidence(referral(1, leg(1)), referral(2, state="rejected"), refused=1))
    assert sums.published == sums.accepted + sums.rejected


def test_a_refused_body_that_the_ledger_does_not_record_is_reported() -> None:
    agreed = evidence(referral(1, leg(1)), refused=2)
    assert compare(agreed).refused == 2
    assert "2 rejected for their content, but the ledger records 1" in differences(
        replace(agreed, refusals=1)
    )


def test_a_receipt_that_the_ledger_does_not_know_is_a_loss() -> None:
    agreed = evidence(referral(1, leg(1)), referral(2, leg(2)))
    sums = compare(replace(agreed, ledger=agreed.ledger[:1]))
    assert sums.lost == 1
    assert "REF/2: a receipt, but not in the ledger" in "\n".join(sums.differences)


def test_a_receipt_for_other_content_than_the_ledger_holds_is_a_loss() -> None:
    agreed = evidence(referral(1, leg(1)))
    sums = compare(replace(agreed, ledger=[replace(agreed.ledger[0], digest=b"\0" * 32)]))
    assert sums.lost == 1


def test_an_accepted_referral_that_is_not_routed_is_a_loss() -> None:
    assert compare(evidence(referral(1, state="accepted"))).lost == 1


def test_a_delivery_that_its_agency_never_received_is_a_loss() -> None:
    agreed = without_notes(evidence(referral(1, leg(1))))
    assert compare(agreed).lost == 1
    assert "stoke-csc never received it" in differences(agreed)


def test_a_held_delivery_is_no_loss() -> None:
    held = leg(1, state=DeliveryState.HELD, met=[])
    assert compare(without_notes(evidence(referral(1, held)))).lost == 0


def test_something_received_that_was_not_for_the_agency_is_reported() -> None:
    agreed = evidence(referral(1, leg(1)))
    stray = replace(agreed, notes={**agreed.notes, "glasgow-sw": frozenset({"d9"})})
    assert "glasgow-sw received it, but another agency should have" in differences(stray)
    assert compare(stray).lost == 0


def test_a_delivery_left_open_is_reported() -> None:
    open_ = leg(1, state=DeliveryState.COLLECTED, met=[Milestone.COLLECT])
    assert "1 deliveries are still collected" in differences(evidence(referral(1, open_)))


def test_a_feed_that_has_less_than_the_ledger_is_reported() -> None:
    silent = replace(evidence(referral(1, leg(1))), feed=FeedTally())
    assert "the feed has 0 deliveries; 1 of 1" in differences(silent)
    assert "the feed has 0 referrals" in differences(silent)


def test_a_referral_without_a_receipt_is_reported() -> None:
    agreed = evidence(referral(1, leg(1)), referral(2, leg(2)))
    assert "1 receipts, but 2 referrals" in differences(replace(agreed, results=agreed.results[:1]))


def test_publishing_twice_must_give_the_same_receipt_both_times() -> None:
    agreed = evidence(referral(1, leg(1)))

    def again(second: Receipt) -> str:
        return differences(replace(agreed, repeats=[(receipt(1), second)]))

    assert again(receipt(1, duplicate=True)) == ""
    assert "two different receipts" in again(receipt(2, duplicate=True))
    assert "two different receipts" in again(receipt(1, duplicate=False))


def test_only_the_agency_itself_counts_as_having_received() -> None:
    agreed = evidence(referral(1, leg(1)))
    swapped = replace(agreed, notes={"stoke-edt": agreed.notes[STOKE]})
    assert compare(swapped).lost == 1
