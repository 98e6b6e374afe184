"""The demo's sums come out, and every way in which they may not is told."""

from __future__ import annotations

from dataclasses import replace

from referral_broker_client import Receipt

from broker.devstack.evidence import Evidence, reckon
from broker.devstack.feed_tally import Board
from broker.domain.codes import Milestone
from broker.domain.states import DeliveryState
from tests.unit.devstack.evidence import STOKE, evidence, leg, receipt, referral, without_notes


def told(given: Evidence) -> str:
    return "\n".join(reckon(given).differences)


def test_when_all_witnesses_agree_there_is_no_difference_and_nothing_is_lost() -> None:
    sums = reckon(
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
    sums = reckon(evidence(referral(1, leg(1)), referral(2, state="rejected"), refused=1))
    assert sums.published == sums.accepted + sums.rejected


def test_a_refused_body_that_the_ledger_does_not_note_is_told() -> None:
    given = evidence(referral(1, leg(1)), refused=2)
    assert reckon(given).refused == 2
    assert "2 refused for their content, but the ledger notes 1" in told(replace(given, refusals=1))


def test_a_receipt_that_the_ledger_does_not_know_is_a_loss() -> None:
    given = evidence(referral(1, leg(1)), referral(2, leg(2)))
    sums = reckon(replace(given, ledger=given.ledger[:1]))
    assert sums.lost == 1
    assert "REF/2: a receipt, but not in the ledger" in "\n".join(sums.differences)


def test_a_receipt_for_other_content_than_the_ledger_holds_is_a_loss() -> None:
    given = evidence(referral(1, leg(1)))
    sums = reckon(replace(given, ledger=[replace(given.ledger[0], digest=b"\0" * 32)]))
    assert sums.lost == 1


def test_an_accepted_referral_of_which_nothing_came_is_a_loss() -> None:
    assert reckon(evidence(referral(1, state="accepted"))).lost == 1


def test_a_delivery_that_its_agency_never_received_is_a_loss() -> None:
    given = without_notes(evidence(referral(1, leg(1))))
    assert reckon(given).lost == 1
    assert "stoke-csc never received it" in told(given)


def test_a_held_delivery_is_no_loss() -> None:
    held = leg(1, state=DeliveryState.HELD, met=[])
    assert reckon(without_notes(evidence(referral(1, held)))).lost == 0


def test_something_received_that_was_not_meant_for_the_agency_is_told() -> None:
    given = evidence(referral(1, leg(1)))
    stray = replace(given, notes={**given.notes, "glasgow-sw": frozenset({"d9"})})
    assert "glasgow-sw received it, but it was not meant for it" in told(stray)
    assert reckon(stray).lost == 0


def test_a_delivery_left_lying_is_told() -> None:
    lying = leg(1, state=DeliveryState.COLLECTED, met=[Milestone.COLLECT])
    assert "1 deliveries are still collected" in told(evidence(referral(1, lying)))


def test_a_feed_that_tells_less_than_the_ledger_holds_is_told() -> None:
    silent = replace(evidence(referral(1, leg(1))), feed=Board())
    assert "the feed tells of 0 deliveries, 1 of 1" in told(silent)
    assert "the feed tells of 0 referrals" in told(silent)


def test_a_referral_that_nobody_has_a_receipt_for_is_told() -> None:
    given = evidence(referral(1, leg(1)), referral(2, leg(2)))
    assert "1 receipts, but 2 referrals" in told(replace(given, results=given.results[:1]))


def test_handing_in_twice_must_give_the_same_receipt_both_times() -> None:
    given = evidence(referral(1, leg(1)))

    def again(second: Receipt) -> str:
        return told(replace(given, repeats=[(receipt(1), second)]))

    assert again(receipt(1, duplicate=True)) == ""
    assert "two different receipts" in again(receipt(2, duplicate=True))
    assert "two different receipts" in again(receipt(1, duplicate=False))


def test_only_the_agency_itself_counts_as_having_received() -> None:
    given = evidence(referral(1, leg(1)))
    swapped = replace(given, notes={"stoke-edt": given.notes[STOKE]})
    assert reckon(swapped).lost == 1
