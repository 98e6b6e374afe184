"""How long deliveries took, and whether they were in time."""

from __future__ import annotations

from datetime import timedelta

from broker.cli.times import by_agency, percentile, times
from broker.domain.codes import Milestone
from broker.domain.states import DeliveryState
from tests.unit.cli.evidence import NOW, STOKE, leg

HOUR = timedelta(hours=1)


def test_percentiles_are_values_that_occurred() -> None:
    hundred = [timedelta(seconds=second) for second in range(1, 101)]
    assert percentile(hundred, 50) == timedelta(seconds=50)
    assert percentile(hundred, 95) == timedelta(seconds=95)
    assert percentile(hundred[:1], 95) == timedelta(seconds=1)
    assert percentile([], 50) is None


def test_the_wait_counts_from_when_it_could_be_collected() -> None:
    line = times([leg(1, met={Milestone.COLLECT: NOW + timedelta(seconds=3)})], now=NOW)
    assert line.p50 == line.p95 == line.slowest == timedelta(seconds=3)


def test_a_milestone_is_in_time_until_its_very_instant() -> None:
    due = {Milestone.ACKNOWLEDGE: NOW + HOUR, Milestone.DECIDE: NOW + HOUR}
    met = {Milestone.ACKNOWLEDGE: NOW + HOUR, Milestone.DECIDE: NOW + HOUR + HOUR}
    line = times([leg(1, due=due, met=met)], now=NOW)
    assert (line.in_time, line.late) == (1, 1)


def test_a_deadline_that_passed_without_an_answer_is_late_and_one_to_come_is_neither() -> None:
    due = {Milestone.ACKNOWLEDGE: NOW - HOUR, Milestone.DECIDE: NOW + HOUR}
    line = times([leg(1, due=due, met=[], state=DeliveryState.AVAILABLE)], now=NOW)
    assert (line.in_time, line.late) == (0, 1)


def test_what_was_returned_owes_nothing_more() -> None:
    due = {Milestone.DECIDE: NOW - HOUR}
    line = times([leg(1, due=due, met=[], state=DeliveryState.RETURNED)], now=NOW)
    assert (line.returned, line.late) == (1, 0)


def test_each_agency_has_a_line() -> None:
    lines = by_agency([leg(1), leg(2)], now=NOW)
    assert {agency: line.deliveries for agency, line in lines.items()} == {STOKE: 2}
