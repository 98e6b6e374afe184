"""Untidy referrals: what is known goes at once, and what is not known is a warning and a task."""

import copy
import re
from typing import Any

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.test_cases_places import (
    CHILD,
    STAFFORDSHIRE,
    SUSPECT,
    agencies,
    referral,
    warnings,
)

STOKE, SHROPSHIRE, GLASGOW = "E06000021", "E06000051", "S12000049"
HERE = CHILD | {"area": STAFFORDSHIRE}
LOW = {"level": "low", "reason": "Invented."}
MEDIUM = {"level": "medium", "reason": "Invented."}
SON = {"id": "son", "given_name": "Tim", "date_of_birth": "2019-02-02", "relationship": "son"}


def handed_in(world: World, document: dict[str, Any], at: str = "2026-12-16 10:00") -> Any:
    world.at(at)
    return world.routed(copy.deepcopy(document))


def codes(status: Any) -> set[str]:
    return {code for code, _ in warnings(status)}


def tasks(world: World) -> set[tuple[str, str]]:
    waiting = world.client.get("/v1/attention", headers=world.headers("ops", "ops"))
    return {(task["code"], task["pointer"]) for task in waiting.json()["task"]}


def content(world: World, agency: str) -> dict[str, Any]:
    return world.collect(agency)[0]["content"]


def without(person: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in person.items() if name not in names}


def test_33_a_child_of_the_household_goes_where_the_suspect_lives(world: World) -> None:
    document = referral(household=[SON], persons_posing_risk=[SUSPECT], grade=LOW)
    status = handed_in(world, document)
    assert (status["state"], agencies(status)) == ("routed", {"staffordshire-csc"})
    assert {"area-assumed", "grade-contradiction"} <= codes(status)
    assert ("area-assumed", "/household/0") in tasks(world)
    shown = content(world, "staffordshire-csc")
    assert [member["id"] for member in shown["household"]] == ["son"]
    assert [person["id"] for person in shown["persons_posing_risk"]] == ["suspect-1"]


def test_33_a_brother_of_two_children_in_two_councils_is_seen_where_he_lives(world: World) -> None:
    there = HERE | {"id": "d", "area": SHROPSHIRE}
    brother = SON | {"children": ["d"]}
    status = handed_in(world, referral(HERE, there, household=[brother]))
    assert agencies(status) == {"staffordshire-csc", "shropshire-csc"}
    assert "area-assumed" not in codes(status)
    assert "household" not in content(world, "staffordshire-csc")
    assert content(world, "shropshire-csc")["household"][0]["id"] == "son"


def test_33_who_may_be_a_child_of_the_household_is_a_task(world: World) -> None:
    document = referral(household=[without(SON, "date_of_birth")], persons_posing_risk=[SUSPECT])
    status = handed_in(world, document)
    assert agencies(status) == {"staffordshire-csc"}
    assert ("household-age-unknown", "/household/0") in tasks(world)


def test_33_a_suspect_without_a_known_child_is_not_lost(world: World) -> None:
    status = handed_in(world, referral(persons_posing_risk=[SUSPECT]))
    assert (status["state"], agencies(status)) == ("routed", {"staffordshire-csc"})


def test_33_a_suspect_without_a_child_or_a_place_waits_for_ops(world: World) -> None:
    status = handed_in(world, referral(persons_posing_risk=[without(SUSPECT, "area")]))
    assert (status["state"], status["reason"]) == ("unroutable", "no_area")
    assert "person-area-unknown" in codes(status)


def test_33_a_suspect_who_works_with_children_elsewhere_is_told_of_at_both(world: World) -> None:
    role = {"kind": "volunteering", "area": STOKE, "works_with_children": True}
    status = handed_in(world, referral(persons_posing_risk=[SUSPECT | {"roles": [role]}]))
    assert agencies(status) == {"staffordshire-csc", "stoke-lado"}


def test_33_lows_about_a_child_of_the_household_add_up(world: World) -> None:
    for number in range(3):
        son = SON | {"family_name": "Invented"}
        document = referral(household=[son], persons_posing_risk=[SUSPECT], grade=LOW)
        status = handed_in(world, document | {"reference": f"LOW/{number}"})
    assert ("third-low", "/household/0") in warnings(status)


UNSAID = {
    "missing": (referral(without(HERE, "missing"), grade=MEDIUM), "missing-unknown"),
    "not yet known": (
        referral(HERE | {"missing": {"unknown": "not_yet_known"}}, grade=LOW),
        "missing-unknown",
    ),
    "contact": (
        referral(HERE, persons_posing_risk=[SUSPECT], grade=LOW),
        "contact-unknown",
    ),
    "age": (
        referral(HERE, persons_posing_risk=[without(SUSPECT, "date_of_birth")]),
        "person-age-unknown",
    ),
}


@pytest.mark.parametrize("name", UNSAID)
def test_26_what_decides_the_grade_and_is_not_said_is_a_task(world: World, name: str) -> None:
    document, code = UNSAID[name]
    status = handed_in(world, document)
    assert (status["state"], agencies(status)) == ("routed", {"staffordshire-csc"})
    assert code in codes(status)
    assert code in {task for task, _ in tasks(world)}


def test_26_what_decides_nothing_is_not_asked(world: World) -> None:
    very_high = {"level": "very_high", "reason": "Invented."}
    status = handed_in(world, referral(without(HERE, "missing"), grade=very_high))
    assert not codes(status)
    told = SUSPECT | {"contact": [{"child": "c", "nature": "online_only"}]}
    low = referral(HERE, persons_posing_risk=[told], grade=LOW, reference="LOW/1")
    assert not codes(handed_in(world, low))


@pytest.mark.parametrize(
    ("status", "effective", "warned"),
    [
        ("missing", "very_high", set()),
        ("absent", "very_high", set()),
        ("returned", "low", {"grade-contradiction", "returned-from-missing"}),
        ("not_missing", "low", set()),
    ],
)
def test_29_each_status_of_a_missing_child_counts(
    world: World, status: str, effective: str, warned: set[str]
) -> None:
    found = handed_in(world, referral(HERE | {"missing": {"status": status}}, grade=LOW))
    assert found["effective_grade"] == effective
    assert codes(found) == warned


@pytest.mark.parametrize(
    ("returned_at", "words"),
    [
        (None, "It is not known when: ask."),
        (
            "2026-12-15T20:30:00Z",
            "came back on Tuesday 15 December 2026, 20:30: in England the authority that is "
            "responsible for it offers it an interview within 72 hours of that, so by Friday 18 "
            "December 2026, 20:30.",
        ),
        (
            "2027-03-27T12:00:00Z",
            "so by Tuesday 30 March 2027, 13:00.",
        ),  # the clocks change on 28 March
    ],
)
def test_29_a_child_who_is_back_is_offered_an_interview_by_a_time(
    world: World, returned_at: str | None, words: str
) -> None:
    """The council and the publisher read it; it is no task of ops (decision 0266)."""
    missing = {"status": "returned", **({"returned_at": returned_at} if returned_at else {})}
    world.at("2027-03-30 10:00" if returned_at and returned_at > "2027" else "2026-12-16 10:00")
    found = world.routed(copy.deepcopy(referral(HERE | {"missing": missing})))
    (offered,) = world.collect("staffordshire-csc")
    for shown in (found, offered):
        (warned,) = [each for each in shown["warnings"] if each["code"] == "returned-from-missing"]
        assert words in warned["message"]
    tasks = world.client.get("/v1/attention", headers=world.headers("ops", "ops")).json()["task"]
    assert "returned-from-missing" not in {task["code"] for task in tasks}


def test_29_a_missing_child_who_was_not_found_yet_is_known_to_three(world: World) -> None:
    child = HERE | {
        "area": SHROPSHIRE,
        "looked_after": True,
        "placing_authority": STOKE,
        "missing": {"status": "absent"},
    }
    status = handed_in(world, referral(child), "2026-12-16 22:00")
    assert agencies(status) == {"shropshire-edt", "stoke-edt", "west-mercia-police"}


def test_29_a_missing_child_placed_by_nobody_knows_whom(world: World) -> None:
    child = HERE | {"area": SHROPSHIRE, "looked_after": True, "missing": {"status": "missing"}}
    status = handed_in(world, referral(child), "2026-12-16 22:00")
    assert agencies(status) == {"shropshire-edt", "west-mercia-police"}
    assert ("placing-authority-unknown", "/children/0") in tasks(world)


def test_39_a_late_one_is_a_task_of_the_supervisor(world: World) -> None:
    document = referral(HERE, times={"first_known_at": "2026-12-01T09:00:00Z"})
    handed_in(world, document)
    waiting = world.client.get("/v1/attention", headers=world.headers("ops", "ops"))
    (task,) = waiting.json()["task"]
    assert task["code"] == "known-for-long"
    assert task["owners"] == ["ops", "staffordshire-police supervisor"]
    assert re.fullmatch(
        r"The police knew for \d+ days( and \d+ hours?)? before they sent it. "
        r"The policy allows \d+ days? at the grade [a-z ]+\.",
        task["message"],
    )


def test_41_an_adult_has_no_voice_of_a_child(world: World) -> None:
    voice = {"said": "I did nothing."}
    grown = HERE | {"id": "d", "date_of_birth": "2005-05-05"}
    suspect = SUSPECT | {"voice": voice}
    status = handed_in(world, referral(HERE, grown, persons_posing_risk=[suspect]))
    defects = {(defect["pointer"], defect["code"]) for defect in status["defects"]}
    assert {
        ("/children/1/voice", "voice-of-an-adult"),
        ("/persons_posing_risk/0/voice", "voice-of-an-adult"),
    } == defects


def test_the_views_of_a_child_who_may_have_harmed_are_asked_after(world: World) -> None:
    boy = SUSPECT | {"id": "boy", "date_of_birth": "2011-05-05", "voice": {"said": "I am sorry."}}
    handed_in(world, referral(persons_posing_risk=[boy]))
    (delivery,) = world.collect("staffordshire-csc")
    assert delivery["asks"] == {"views_considered": True, "child_told": True}


def test_who_may_be_a_child_is_heard_by_social_care_alone(world: World) -> None:
    managed = {"status": "on_licence", "managed_by": "probation"}
    person = without(SUSPECT, "date_of_birth") | {
        "management": managed,
        "voice": {"said": "I am sorry."},
    }
    handed_in(world, referral(HERE, persons_posing_risk=[person]))
    assert "voice" in content(world, "staffordshire-csc")["persons_posing_risk"][0]
    assert "voice" not in content(world, "probation-west-midlands")["persons_posing_risk"][0]


def test_children_of_several_nations_and_of_nowhere(world: World) -> None:
    document = referral(
        HERE,
        HERE | {"id": "d", "area": GLASGOW},
        HERE | {"id": "e", "area": "E99999999"},
        without(HERE, "area") | {"id": "f", "address": {"country": "FR"}},
        without(HERE, "area") | {"id": "g"},
    )
    status = handed_in(world, document)
    assert {"staffordshire-csc", "glasgow-sw", "nca"} <= agencies(status)
    assert ("child-abroad", "/children/3") in warnings(status)
    assert {("area-assumed", "/children/2"), ("area-assumed", "/children/4")} <= warnings(status)


def test_an_area_may_be_given_to_a_child_of_the_household(world: World) -> None:
    suspect = without(SUSPECT, "area")
    status = handed_in(world, referral(household=[SON], persons_posing_risk=[suspect]))
    assert (status["state"], status["reason"]) == ("unroutable", "no_area")
    given = world.client.post(
        f"/v1/referrals/{status['id']}/areas",
        json={"areas": {"son": STOKE}},
        headers=world.headers("ops", "ops"),
    )
    assert given.status_code == 202, given.text
    world.drain()
    assert agencies(world.status(status)) == {"stoke-csc"}


def test_contact_may_name_a_child_of_the_household(world: World) -> None:
    contact = [{"child": "son", "nature": "lives_with"}]
    suspect = SUSPECT | {"area": STOKE, "contact": contact}
    status = handed_in(world, referral(HERE, household=[SON], persons_posing_risk=[suspect]))
    assert not [defect for defect in status["defects"] if defect["code"] == "unknown-child"]
    assert "staffordshire-csc" in agencies(status)
