"""Routing beyond the acceptance cases: who is left out, who is added, and what is always kept."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest

from broker.devstack import sample_referrals
from broker.domain.codes import Milestone
from broker.errors import PolicyError
from broker.policy.published.policy import Policy
from broker.policy.routing.plan import Plan
from broker.policy.routing.plan import route as make_plan
from broker.policy.routing.redirect import redirected
from schemas.referral import load
from schemas.tolerance import reload
from tests.acceptance.conftest import sample

AT = datetime(2027, 4, 7, 9, 0, tzinfo=UTC)


def plan(document: dict, book: Policy, *, at: datetime = AT, **areas: str) -> Plan:
    return make_plan(
        reload(document),
        publisher="staffordshire-police",
        policy=book,
        accepted_at=at,
        now=at,
        areas={name.replace("_", "-"): area for name, area in areas.items()},
    )


def agencies(found: Plan) -> set[str]:
    return {assignment.agency for assignment in found.assignments}


def test_the_publisher_may_keep_it_from_a_school_and_everybody_is_told_so(book: Policy) -> None:
    document = sample(5)
    assert "school-900001" in agencies(plan(document, book))
    document["handling"]["do_not_disclose_to"] = ["school-900001"]
    found = plan(document, book)
    assert "school-900001" not in agencies(found)
    assert "not-disclosed" in {warning.code for warning in found.warnings}


def test_nobody_can_keep_it_from_the_social_care_that_leads(book: Policy) -> None:
    document = sample(5)
    document["handling"]["do_not_disclose_to"] = ["stoke-csc", "social-care"]
    found = plan(document, book)
    assert "stoke-csc" in agencies(found)
    assert "disclosure-required" in {warning.code for warning in found.warnings}


def test_the_clock_of_an_area_given_late_started_at_acceptance(book: Policy) -> None:
    document = sample(10)
    assert plan(document, book).unroutable_reason == "no_area"
    child = document["children"][0]["id"]
    later = make_plan(
        reload(document),
        publisher="staffordshire-police",
        policy=book,
        accepted_at=AT,
        now=AT + timedelta(hours=3),
        areas={child: "E10000028"},
    )
    assert {assignment.clock_start for assignment in later.assignments} == {AT}


@pytest.mark.parametrize(
    ("hour", "agency"),
    [(7, "staffordshire-edt"), (9, "staffordshire-csc"), (20, "staffordshire-edt")],
)
def test_very_high_goes_to_whoever_is_there(book: Policy, hour: int, agency: str) -> None:
    found = plan(sample(2), book, at=AT.replace(hour=hour))
    assert agency in agencies(found)
    assert len({"staffordshire-csc", "staffordshire-edt"} & agencies(found)) == 1


def test_sending_on_keeps_the_start_and_counts_in_the_new_calendar(book: Policy) -> None:
    (assignment,) = plan(sample(15), book).assignments
    told = {
        "row": assignment.row,
        "agency": assignment.agency,
        "scope": {"children": assignment.children, "persons": assignment.persons},
        "clock_start": assignment.clock_start,
        "referral": reload(sample(15)),
        "policy": book,
        "now": AT + timedelta(hours=2),
        "effective_grade": "medium",
    }
    moved = redirected(**told, area="S12000049")
    assert (moved.agency, moved.clock_start) == ("glasgow-sw", assignment.clock_start)
    assert redirected(**told, to="shropshire-csc").agency == "shropshire-csc"
    for nowhere in ({"area": "E99999999"}, {"area": "E06000021"}, {"to": "nobody"}, {}):
        with pytest.raises(PolicyError):
            redirected(**told, **nowhere)


def test_a_plan_is_the_same_every_time(book: Policy) -> None:
    for _, document in sample_referrals.shipped():
        if load(document, today=AT.date()).referral:
            before = copy.deepcopy(document)
            assert plan(document, book) == plan(document, book)
            assert document == before


def test_every_routed_referral_has_a_lead_every_deadline_its_words_and_no_leg_is_early(
    book: Policy,
) -> None:
    routed = 0
    for document in sample_referrals.generate(11, 300, now=AT - timedelta(days=1)):
        if load(document, today=AT.date()).referral is None:
            continue
        found = plan(document, book)
        if found.unroutable_reason:
            assert not found.assignments
            assert found.attend_by == AT + timedelta(hours=1)
            continue
        routed += 1
        assert any(assignment.role == "lead" for assignment in found.assignments)
        for assignment in found.assignments:
            words = {
                deadline["milestone"]: deadline["words"]
                for deadline in assignment.explanation["deadlines"]
            }
            assert {str(milestone) for milestone in assignment.due} == set(words)
            assert all(words.values())
            assert all(due > assignment.clock_start for due in assignment.due.values())
            if assignment.held_until:
                assert assignment.agency.startswith("school-")
            if Milestone.DECIDE in assignment.due and Milestone.ACKNOWLEDGE in assignment.due:
                assert assignment.due[Milestone.ACKNOWLEDGE] <= assignment.due[Milestone.DECIDE]
            json.dumps(assignment.explanation)
    assert routed > 200
