"""How long deliveries took, and whether they were in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.devstack.delivery_times import (
    TimedDelivery,
    by_agency,
    percentile,
    timed_deliveries,
    times,
)
from broker.domain.codes import Milestone
from broker.domain.outstanding import Outstanding
from broker.domain.states import DeliveryState
from tests.unit.devstack.evidence import NOW, STOKE, leg, referral

HOUR = timedelta(hours=1)


def test_percentiles_are_values_that_occurred() -> None:
    hundred = [timedelta(seconds=second) for second in range(1, 101)]
    assert percentile(hundred, 50) == timedelta(seconds=50)
    assert percentile(hundred, 95) == timedelta(seconds=95)
    assert percentile(hundred[:1], 95) == timedelta(seconds=1)
    assert percentile([], 50) is None


def test_the_wait_counts_from_accepting_the_referral() -> None:
    collected = leg(1, met={Milestone.COLLECT: NOW + timedelta(seconds=3)})
    accepted = replace(referral(1, collected), accepted_at=NOW - timedelta(seconds=1))
    line = times(timed_deliveries([accepted]), now=NOW)
    assert line.p50 == line.p95 == line.slowest == timedelta(seconds=4)


def test_the_wait_of_what_was_held_counts_from_when_it_could_be_collected() -> None:
    freed = NOW + timedelta(hours=2)
    met = {Milestone.COLLECT: freed + timedelta(seconds=3)}
    held = replace(leg(1, met=met), available_at=freed)
    assert times(timed_deliveries([referral(1, held)]), now=NOW).slowest == timedelta(seconds=3)


def test_a_milestone_is_in_time_until_its_very_instant() -> None:
    due = {Milestone.ACKNOWLEDGE: NOW + HOUR, Milestone.DECIDE: NOW + HOUR}
    met = {Milestone.ACKNOWLEDGE: NOW + HOUR, Milestone.DECIDE: NOW + HOUR + HOUR}
    line = times([TimedDelivery(leg(1, due=due, met=met), NOW)], now=NOW)
    assert (line.in_time, line.late) == (1, 1)


def test_a_deadline_that_passed_without_an_answer_is_late_and_one_to_come_is_neither() -> None:
    due = {Milestone.ACKNOWLEDGE: NOW - HOUR, Milestone.DECIDE: NOW + HOUR}
    waiting = leg(1, due=due, met=[], state=DeliveryState.AVAILABLE)
    waiting = replace(waiting, outstanding=Outstanding(due, frozenset()))
    line = times([TimedDelivery(waiting, NOW)], now=NOW)
    assert (line.in_time, line.late) == (0, 1)


@pytest.mark.parametrize("state", [DeliveryState.RETURNED, DeliveryState.HANDED_OVER])
def test_what_the_ledger_no_longer_asks_for_is_not_late(state: DeliveryState) -> None:
    due = {Milestone.DECIDE: NOW - HOUR}
    line = times([TimedDelivery(leg(1, due=due, met=[], state=state), NOW)], now=NOW)
    assert line.late == 0


def test_a_paused_deadline_is_not_late() -> None:
    due = {Milestone.DECIDE: NOW - HOUR}
    paused = leg(1, due=due, met=[], state=DeliveryState.ACKNOWLEDGED)
    paused = replace(paused, outstanding=Outstanding({}, frozenset({Milestone.DECIDE})))
    assert times([TimedDelivery(paused, NOW)], now=NOW).late == 0


def test_each_agency_has_a_line() -> None:
    lines = by_agency(timed_deliveries([referral(1, leg(1), leg(2))]), now=NOW)
    assert {agency: line.deliveries for agency, line in lines.items()} == {STOKE: 2}
