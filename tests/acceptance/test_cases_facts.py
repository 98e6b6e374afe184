"""The acceptance cases about blanks, absurd values, nights, and clocks without a calendar."""

import copy
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

STOKE, SHROPSHIRE = "E06000021", "E06000051"
HERE = CHILD | {"area": STAFFORDSHIRE}
TEACHER = {"kind": "employment", "title": "Primary school teacher", "area": STAFFORDSHIRE}


def handed_in(world: World, document: dict[str, Any], at: str = "2026-12-16 10:00") -> Any:
    world.at(at)
    return world.routed(copy.deepcopy(document))


def codes(status: Any) -> set[str]:
    return {code for code, _ in warnings(status)}


def due(status: Any, agency: str, milestone: str, world: World) -> str:
    delivery = next(each for each in status["deliveries"] if each["agency"] == agency)
    return world.local(delivery["deadlines"][f"{milestone}_by"])


def persons(**changes: Any) -> dict[str, Any]:
    return referral(HERE, persons_posing_risk=[SUSPECT | changes])


BLANKS = {
    "a teacher": (persons(roles=[TEACHER]), "works-with-children-unknown"),
    "on licence": (persons(management={"status": "on_licence"}), "manager-unknown"),
    "a person without a place": (
        referral(
            HERE,
            persons_posing_risk=[{k: v for k, v in SUSPECT.items() if k != "area"}],
        ),
        "person-area-unknown",
    ),
    "a school without a URN": (
        referral(HERE | {"school": {"name": "Invented Primary"}}),
        "school-unknown",
    ),
    "a child looked after by nobody": (
        referral(HERE | {"looked_after": True}),
        "placing-authority-unknown",
    ),
}


@pytest.mark.parametrize("name", BLANKS)
def test_26_a_blank_is_a_warning_and_what_is_certain_goes(world: World, name: str) -> None:
    document, code = BLANKS[name]
    status = handed_in(world, document)
    assert (status["state"], agencies(status)) == ("routed", {"staffordshire-csc"})
    assert code in codes(status)


def test_26_what_is_said_is_no_blank(world: World) -> None:
    said = persons(
        roles=[TEACHER | {"works_with_children": False}],
        management={"status": "on_licence", "managed_by": "police"},
    )
    assert not codes(handed_in(world, said))


def test_26_a_person_is_never_taken_to_live_where_the_child_does(world: World) -> None:
    somewhere = {key: value for key, value in SUSPECT.items() if key != "area"}
    managed = {"status": "on_licence", "managed_by": "probation"}
    status = handed_in(
        world, referral(HERE, persons_posing_risk=[somewhere | {"management": managed}])
    )
    assert agencies(status) == {"staffordshire-csc"}
    assert "person-area-unknown" in codes(status)


def test_26_a_boy_without_a_place_is_not_led_by_the_council_of_the_child(world: World) -> None:
    somewhere = {key: value for key, value in SUSPECT.items() if key != "area"}
    boy = somewhere | {"id": "boy", "date_of_birth": "2011-05-05"}
    status = handed_in(world, referral(HERE, persons_posing_risk=[boy]))
    assert [delivery["role"] for delivery in status["deliveries"]] == ["lead"]
    assert "person-area-unknown" in codes(status)


def test_29_a_missing_looked_after_child_at_night(world: World) -> None:
    child = HERE | {
        "area": STOKE,
        "found_area": SHROPSHIRE,
        "looked_after": True,
        "placing_authority": STOKE,
        "missing": {"status": "missing"},
    }
    status = handed_in(world, referral(child), "2026-12-16 22:00")
    assert {"shropshire-edt", "stoke-edt", "west-mercia-police"} <= agencies(status)
    assert "stoke-csc" not in agencies(status)


def test_33_an_unborn_child_goes_to_social_care_and_health(world: World) -> None:
    unborn = {"id": "c", "expected_date_of_birth": "2027-02-01", "area": STAFFORDSHIRE}
    status = handed_in(world, referral(unborn))
    assert {"staffordshire-csc", "staffordshire-health"} == agencies(status)
    assert status["defects"] == []


@pytest.mark.parametrize(
    ("grade", "first_known_at", "is_late"),
    [
        ("immediate", "2026-12-15T09:59:00Z", True),
        ("immediate", "2026-12-15T10:00:00Z", False),
        ("high", "2026-12-09T09:00:00Z", True),
        ("medium", "2025-06-16T09:00:00Z", True),
        ("low", "2026-11-17T10:00:00Z", False),
    ],
)
def test_39_what_was_known_for_long_is_warned_of(
    world: World, grade: str, first_known_at: str, is_late: bool
) -> None:
    document = referral(
        HERE,
        grade={"level": grade, "reason": "Invented."},
        times={"first_known_at": first_known_at},
    )
    assert ("known-for-long" in codes(handed_in(world, document))) is is_late


def test_39_a_medium_grade_contradicts_a_child_in_the_household(world: World) -> None:
    suspect = SUSPECT | {"contact": [{"child": "c", "nature": "lives_with"}]}
    document = referral(
        HERE,
        persons_posing_risk=[suspect],
        grade={"level": "medium", "reason": "Invented."},
        concern={"category": "image_offence", "summary": "Invented."},
    )
    assert "grade-contradiction" in codes(handed_in(world, document))


@pytest.mark.parametrize(
    ("document", "defect"),
    [
        (persons(age=14), "age-contradicts-date-of-birth"),
        (referral(HERE | {"date_of_birth": "1900-05-05"}), "implausible-age"),
        (referral(HERE | {"voice": {"said": "N/A"}}), "missing-voice"),
        (referral(HERE | {"voice": {"said": " . ", "views": "none"}}), "missing-voice"),
        (referral(HERE, HERE | {"id": "d"}), "same-child-twice"),
    ],
)
def test_41_an_absurd_value_is_a_defect_and_is_routed(
    world: World, document: dict[str, Any], defect: str
) -> None:
    status = handed_in(world, document)
    assert status["state"] == "routed"
    assert defect in {each["code"] for each in status["defects"]}


@pytest.mark.parametrize(
    ("at", "agency", "acknowledge"),
    [
        ("2028-12-31 23:30", "staffordshire-edt", "2029-01-01 00:30"),
        ("2029-01-02 10:00", "staffordshire-edt", "2029-01-02 11:00"),
        ("2029-01-02 22:00", "staffordshire-edt", "2029-01-02 23:00"),
    ],
)
def test_43_an_immediate_one_is_routed_past_the_calendar(
    world: World, at: str, agency: str, acknowledge: str
) -> None:
    status = handed_in(world, referral(HERE), at)
    assert (status["state"], agencies(status)) == ("routed", {agency})
    assert due(status, agency, "acknowledge", world) == acknowledge


def test_43_a_high_one_has_a_stricter_time_past_the_calendar(world: World) -> None:
    document = referral(HERE, grade={"level": "high", "reason": "Invented."})
    status = handed_in(world, document, "2029-01-02 10:00")
    assert due(status, "staffordshire-csc", "acknowledge", world) == "2029-01-02 14:00"
