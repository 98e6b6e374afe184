"""Fields of no schema that are named like what decides, and which of them are asked about."""

import copy
from typing import Any

import pytest

from broker.devstack import sample_referrals
from broker.policy.decide import plan_of
from broker.policy.published.policy import Policy
from broker.policy.routing.unread import CODE
from schemas import tolerance
from tests.unit.policy.test_disclosure import AT


def asked_about(book: Policy, fields: dict[str, Any]) -> set[str]:
    """Return the fields about which somebody is asked, of these in a referral."""
    samples = dict(sample_referrals.shipped(now=AT))
    document: Any = copy.deepcopy(samples["case-05-teacher"])
    for pointer, value in fields.items():
        *path, last = pointer.split("/")[1:]
        place = document
        for step in path:
            place = place[int(step)] if step.isdecimal() else place[step]
        place[last] = value
    checked = tolerance.load(document, today=AT.date(), areas=book.gazetteer)
    plan = plan_of(
        checked,
        document,
        publisher="staffordshire-police",
        policy=book,
        accepted_at=AT,
        now=AT,
        areas={},
    )
    return {task.pointer for task in plan.tasks if task.code == CODE}


@pytest.mark.parametrize(
    "value",
    [False, 0, "0", "No", "n", "FALSE", "n/a", None, "", {"ticked": False, "note": ""}, [None]],
)
def test_a_box_that_is_not_ticked_is_asked_about_by_nobody(book: Policy, value: Any) -> None:
    names = ("missing_from_care", "pregnant", "onLicence", "is_looked_after")
    assert asked_about(book, {f"/children/0/{name}": value for name in names}) == set()


def test_what_is_ticked_or_written_is_asked_about(book: Policy) -> None:
    fields = {
        "/children/0/missing_from_care": True,
        "/children/0/pregnant": "yes",
        "/children/0/urn": "124512",
        "/children/0/school_urn": 124512,
        "/persons_posing_risk/0/occupation": "Not known, may be a teacher",
        "/persons_posing_risk/0/employment": {"employed": True, "by": ""},
        "/risk_level": 0,
        "/concern/priority": 1,
    }
    assert asked_about(book, fields) == fields.keys()


def test_numbers_of_the_police_are_asked_about_by_nobody(book: Policy) -> None:
    fields = {
        "/urn": "21AB/1234/26",
        "/crime_urn": "21AB/1234/26",
        "/job": "123 of 6 April",
        "/police_district": "North",
        "/offence_postcode": "ST16 1AA",
        "/children/0/urn": "21AB0001234",
        "/children/0/country_of_birth": "England",
        "/persons_posing_risk/0/driving_licence": "full",
        "/persons_posing_risk/0/case_urn": "21AB/1234/26",
    }
    assert asked_about(book, fields) == set()
