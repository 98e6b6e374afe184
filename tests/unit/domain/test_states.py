"""The two tables of legal steps hold together."""

import pytest

from broker.domain.states import (
    DELIVERY_STEPS,
    OPEN_DELIVERIES,
    REFERRAL_STEPS,
    DeliveryState,
    DeliveryStep,
    ReferralState,
)


def reachable(table, start):
    """Return every state that legal steps lead to from any of ``start``."""
    seen, ahead = set(start), list(start)
    while ahead:
        for after in table.get(ahead.pop(), {}).values():
            if after not in seen:
                seen.add(after)
                ahead.append(after)
    return seen


def states_before(step: DeliveryStep) -> list[DeliveryState]:
    return [state for state, steps in DELIVERY_STEPS.items() if step in steps]


def test_every_delivery_state_has_a_line_and_can_be_reached():
    assert set(DELIVERY_STEPS) == set(DeliveryState)
    starts = {DeliveryState.HELD, DeliveryState.AVAILABLE}
    assert reachable(DELIVERY_STEPS, starts) == set(DeliveryState)


def test_every_referral_state_has_a_line_and_can_be_reached():
    assert set(REFERRAL_STEPS) == set(ReferralState)
    assert reachable(REFERRAL_STEPS, {ReferralState.ACCEPTED}) == set(ReferralState)


@pytest.mark.parametrize("state", sorted(OPEN_DELIVERIES))
def test_an_open_delivery_can_always_be_ended_by_its_publisher(state):
    assert DELIVERY_STEPS[state][DeliveryStep.RECALL] is DeliveryState.RECALLED


@pytest.mark.parametrize("state", sorted(set(DeliveryState) - OPEN_DELIVERIES))
def test_a_finished_delivery_stays_finished(state):
    assert set(DELIVERY_STEPS[state].values()) <= {state}


def test_a_decision_alone_may_be_answered_again():
    assert DELIVERY_STEPS[DeliveryState.DECIDED] == {DeliveryStep.DECIDE: DeliveryState.DECIDED}


def test_an_embargoed_delivery_can_be_neither_leased_nor_answered():
    for step in (DeliveryStep.LEASE, DeliveryStep.COLLECT, DeliveryStep.DECIDE):
        assert DeliveryState.HELD not in states_before(step)


def test_a_lease_starts_only_from_the_queue():
    assert states_before(DeliveryStep.LEASE) == [DeliveryState.AVAILABLE]
