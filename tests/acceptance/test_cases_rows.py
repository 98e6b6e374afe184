"""Youth justice, children under five and adults at risk: who is told, who is not, and of what."""

import copy
import json
from typing import Any

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.test_cases import collected, leg
from tests.acceptance.test_cases_places import (
    CHILD,
    STAFFORDSHIRE,
    STOKE,
    SUSPECT,
    agencies,
    referral,
    warnings,
)
from tests.acceptance.test_cases_tasks import attention

GLASGOW = "S12000049"
HERE = CHILD | {"area": STAFFORDSHIRE}
BOY = SUSPECT | {"id": "boy", "given_name": "Rufus", "date_of_birth": "2011-05-05"}
HOME = {"lines": ["4 Quarry Rise", "Stafford"], "postcode": "ZZ2 4AR"}
GRANDMOTHER = {
    "id": "grandmother",
    "given_name": "Winifred",
    "family_name": "Oldacre",
    "date_of_birth": "1941-02-03",
    "relationship": "grandmother",
    "adult_at_risk": True,
}
UNCLE = {"id": "uncle", "given_name": "Tobias", "date_of_birth": "1975-02-03"}
SISTER = {"id": "sister", "given_name": "Clemency", "date_of_birth": "2012-02-03"}


def handed_in(world: World, *children: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """Hand in a referral of a grade for which the offices are open, and route it."""
    world.at("2026-12-16 10:00")
    grade = {"grade": {"level": "high", "reason": "Invented."}}
    return world.routed(copy.deepcopy(referral(*children, **{**grade, **rest})))


def due(world: World, status: dict[str, Any], agency: str) -> tuple[str | None, str | None]:
    return world.legs(status)[agency]


def test_youth_justice_has_a_part_beside_social_care(world: World) -> None:
    status = handed_in(world, HERE, persons_posing_risk=[BOY])
    assert agencies(status) == {"staffordshire-csc", "staffordshire-yjs"}
    youth_justice = leg(status, "staffordshire-yjs")
    assert (youth_justice["role"], youth_justice["view"]) == ("copy", "youth-justice")
    assert due(world, status, "staffordshire-yjs") == ("2026-12-16 14:00", "2026-12-17 17:00")
    content = collected(world, "staffordshire-yjs")["content"]
    (shown,) = content["children_alleged_to_have_harmed"]
    assert shown["given_name"] == "Rufus"
    assert set(content) <= {
        *("handling", "referrer", "grade", "concern", "children_alleged_to_have_harmed")
    }
    assert "Testa" not in json.dumps(content)


@pytest.mark.parametrize(
    ("born", "area"),
    [
        ("2017-05-05", STAFFORDSHIRE),  # nine: nobody so young is held to have committed a crime
        ("2008-12-16", STAFFORDSHIRE),  # eighteen today
        ("2011-05-05", GLASGOW),
    ],
)
def test_youth_justice_is_not_told_of_a_young_child_an_adult_or_in_scotland(
    world: World, born: str, area: str
) -> None:
    suspect = BOY | {"date_of_birth": born, "area": area}
    status = handed_in(world, HERE, persons_posing_risk=[suspect])
    assert "staffordshire-csc" in agencies(status)
    assert not [agency for agency in agencies(status) if agency.endswith("-yjs")]
    assert "no-recipient" not in {code for code, _ in warnings(status)}


def test_youth_justice_is_told_of_a_child_of_ten_today(world: World) -> None:
    boy = BOY | {"date_of_birth": "2016-12-16"}
    assert "staffordshire-yjs" in agencies(handed_in(world, HERE, persons_posing_risk=[boy]))


def test_youth_justice_is_never_told_before_social_care(world: World) -> None:
    """In a council that has no social care in the directory nobody is told."""
    boy = BOY | {"area": STOKE}
    elsewhere = CHILD | {"area": "E08000025"}
    status = handed_in(world, elsewhere, persons_posing_risk=[boy])
    assert agencies(status) == {"stoke-csc", "stoke-yjs"}  # the boy's own social care leads
    alone = handed_in(
        world, elsewhere, persons_posing_risk=[BOY | {"area": "E08000025"}], reference="ROWS/2"
    )
    assert (alone["state"], agencies(alone)) == ("unroutable", set())


def test_an_embargo_on_the_suspect_holds_youth_justice_and_not_social_care(world: World) -> None:
    embargo = {
        "until": "2026-12-18T12:00:00Z",
        "reason": "An arrest is planned.",
        "no_contact_with": ["person_posing_risk"],
    }
    status = handed_in(world, HERE, persons_posing_risk=[BOY], handling={"embargo": embargo})
    assert leg(status, "staffordshire-csc")["state"] == "available"
    held = leg(status, "staffordshire-yjs")
    assert (held["state"], world.local(held["clock_start"])) == ("held", "2026-12-18 12:00")
    assert world.collect("staffordshire-yjs") == []


def test_health_is_told_of_a_child_under_five(world: World) -> None:
    status = handed_in(world, HERE | {"date_of_birth": "2022-01-05"})
    assert agencies(status) == {"staffordshire-csc", "staffordshire-health"}
    assert leg(status, "staffordshire-health")["role"] == "copy"
    assert due(world, status, "staffordshire-health") == ("2026-12-17 17:00", "2026-12-18 17:00")
    content = collected(world, "staffordshire-health")["content"]
    assert content["children"][0]["given_name"] == "Testa"
    assert "voice" not in content["children"][0]


@pytest.mark.parametrize("born", ["2021-12-16", "2017-06-01"])
def test_health_is_not_told_of_an_older_child_without_a_need(world: World, born: str) -> None:
    assert agencies(handed_in(world, HERE | {"date_of_birth": born})) == {"staffordshire-csc"}


def test_health_hears_once_of_a_young_child_with_a_need(world: World) -> None:
    child = HERE | {"date_of_birth": "2022-01-05", "health": {"needs": ["injury"]}}
    status = handed_in(world, child)
    assert leg(status, "staffordshire-health")["role"] == "copy"


@pytest.mark.parametrize("born", [None, {"unknown": "not_yet_known"}])
def test_a_child_whose_age_nobody_said_may_be_under_five(world: World, born: Any) -> None:
    child = {name: value for name, value in HERE.items() if name != "date_of_birth"}
    status = handed_in(world, child | ({"date_of_birth": born} if born else {}))
    assert agencies(status) == {"staffordshire-csc"}
    assert ("child-age-unknown", "/children/0") in warnings(status)
    assert "child-age-unknown" in {task["code"] for task in attention(world)["task"]}
    estimated = handed_in(world, child | {"approximate_age": 9}, reference="ROWS/2")
    assert "child-age-unknown" not in {code for code, _ in warnings(estimated)}


def test_adult_care_is_told_of_an_adult_at_risk_and_of_nobody_else(world: World) -> None:
    child = HERE | {"address": HOME}
    status = handed_in(
        world, child, household=[GRANDMOTHER, UNCLE, SISTER], persons_posing_risk=[SUSPECT]
    )
    assert agencies(status) == {"staffordshire-csc", "staffordshire-asc"}
    assert leg(status, "staffordshire-asc")["role"] == "copy"
    assert due(world, status, "staffordshire-asc") == ("2026-12-17 17:00", "2026-12-21 17:00")
    content = collected(world, "staffordshire-asc")["content"]
    assert [member["id"] for member in content["household"]] == ["grandmother"]
    assert {name for each in content["children"] for name in each} <= {"id", "address", "area"}
    shown = json.dumps(content)
    for name in ("Testa", "Tobias", "Clemency", "Pected", "I am fine."):
        assert name not in shown
    assert "4 Quarry Rise" in shown
    # Social care sees the whole household, as before.
    assert len(collected(world, "staffordshire-csc")["content"]["household"]) == 3


@pytest.mark.parametrize(
    "member",
    [
        GRANDMOTHER | {"adult_at_risk": False},
        {name: value for name, value in GRANDMOTHER.items() if name != "adult_at_risk"},
        SISTER | {"adult_at_risk": True},
    ],
)
def test_adult_care_is_not_told_without_an_adult_at_risk(
    world: World, member: dict[str, Any]
) -> None:
    status = handed_in(world, HERE, household=[member])
    assert agencies(status) == {"staffordshire-csc"}


def test_adult_care_is_told_where_the_household_is_all_there_is(world: World) -> None:
    status = handed_in(
        world, household=[GRANDMOTHER, SISTER], persons_posing_risk=[SUSPECT | {"address": HOME}]
    )
    assert {"staffordshire-csc", "staffordshire-asc"} <= agencies(status)
    content = collected(world, "staffordshire-asc")["content"]
    assert [member["id"] for member in content["household"]] == ["grandmother"]


def test_each_adult_care_has_the_household_of_its_own_area(world: World) -> None:
    here, there = HERE | {"id": "here"}, CHILD | {"id": "there", "area": STOKE}
    status = handed_in(
        world,
        here,
        there | {"given_name": "Orla", "date_of_birth": "2016-01-01"},
        household=[GRANDMOTHER | {"children": ["here"]}, UNCLE | {"children": ["there"]}],
    )
    assert {"staffordshire-asc"} == {each for each in agencies(status) if each.endswith("-asc")}


@pytest.mark.parametrize(
    ("entry", "kept_out"),
    [("youth offending team", "staffordshire-yjs"), ("adult social care", "staffordshire-asc")],
)
def test_the_publisher_may_keep_it_from_them(world: World, entry: str, kept_out: str) -> None:
    status = handed_in(
        world,
        HERE,
        household=[GRANDMOTHER],
        persons_posing_risk=[BOY],
        handling={"do_not_disclose_to": [entry]},
    )
    others = {"staffordshire-csc", "staffordshire-yjs", "staffordshire-asc"} - {kept_out}
    assert agencies(status) == others
    assert "not-disclosed" in {code for code, _ in warnings(status)}
