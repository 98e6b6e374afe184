"""Where people are, as people and systems write it: names, misread postcodes, contradictions."""

from typing import Any

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.test_cases_places import (
    CHILD,
    STAFFORDSHIRE,
    STOKE,
    SUSPECT,
    agencies,
    referral,
    warnings,
)

HIGH = {"level": "high", "reason": "Invented."}
HERE = CHILD | {"area": STAFFORDSHIRE}


def handed_in(world: World, *children: dict[str, Any], **changes: Any) -> dict[str, Any]:
    world.at("2026-12-16 10:00")
    return world.routed(referral(*children, **({"grade": HIGH} | changes)))


def address(**fields: Any) -> dict[str, Any]:
    return {"address": fields}


ROUTED = {
    "O for 0": (address(postcode="ST1O 1AA"), "staffordshire-csc"),
    "5 for S": (address(postcode="5T16 2LH"), "staffordshire-csc"),
    "I for 1": (address(postcode="ST4 IAA"), "stoke-csc"),
    "a hyphen": (address(postcode="ST16-2LH"), "staffordshire-csc"),
    "a full stop": (address(postcode="ST16 2LH."), "staffordshire-csc"),
    "spaces of a word processor": (address(postcode="\u200bST16\u00a02LH"), "staffordshire-csc"),
    "with the town": (address(postcode="Stafford ST16 2LH, UK"), "staffordshire-csc"),
    "in a list": (address(postcode=["ST16 2LH"]), "staffordshire-csc"),
    "in the lines": (address(lines=["1 High St", "Stafford ST16 2LH"]), "staffordshire-csc"),
    "an address as one text": ({"address": "1 High St, Stafford, ST16 2LH"}, "staffordshire-csc"),
    "another spelling": (address(postCode="ST16 2LH"), "staffordshire-csc"),
    "two spaces in the lines": (address(lines=["Stafford", "ST16  2LH"]), "staffordshire-csc"),
    "a country below the postcode": (
        address(lines=["Stafford", "ST16 2LH", "England"]),
        "staffordshire-csc",
    ),
    "a country beside the lines": (
        address(lines=["Stafford ST16 2LH"], country="GB"),
        "staffordshire-csc",
    ),
    "letters in a code": ({"area": "EO6OOOO21"}, "stoke-csc"),
    "a small l in a code": ({"area": "El0000028"}, "staffordshire-csc"),
    "a council's name": ({"area": "Staffordshire"}, "staffordshire-csc"),
    "a short name": ({"area": "Staffs"}, "staffordshire-csc"),
    "without hyphens": ({"area": "City of Stoke on Trent"}, "stoke-csc"),
    "a district": ({"area": "Stafford Borough Council"}, "staffordshire-csc"),
    "a city": ({"area": "Glasgow"}, "glasgow-sw"),
    "a code with its name": ({"area": "E10000028 (Staffordshire)"}, "staffordshire-csc"),
    "a code with odd spaces": ({"area": "\u00a0E10000028\u200b"}, "staffordshire-csc"),
    "a country's name": (address(country="The Philippines"), "nca"),
    "a country of three letters": (address(country="USA"), "nca"),
}


@pytest.mark.parametrize("name", ROUTED)
def test_23_a_place_in_another_form_is_read(world: World, name: str) -> None:
    place, agency = ROUTED[name]
    status = handed_in(world, CHILD | place)
    assert (status["state"], agencies(status)) == ("routed", {agency})


STRANDED = {
    "a Welsh name": ({"area": "Caerdydd"}, "no_recipient"),
    "a Welsh name with an accent": ({"area": "Ynys Môn"}, "no_recipient"),
    "a council in Northern Ireland": ({"area": "N09000003"}, "no_recipient"),
    "an island": ({"area": "Jersey"}, "no_recipient"),
    "an island as a country": (address(country="Guernsey"), "no_recipient"),
    "BFPO and a number": (address(postcode="BFPO12"), "no_recipient"),
    "a nation": (address(country="England"), "no_area"),
    "a misspelt name": ({"area": "Staffordsire"}, "no_area"),
    "two postcodes": (address(postcode="ST16 2LH or ST4 1AA"), "no_area"),
    "a region": ({"area": "E12000005"}, "no_area"),
    "no fixed abode": (address(postcode="NFA"), "no_area"),
}


@pytest.mark.parametrize("name", STRANDED)
def test_10_a_place_that_gives_no_recipient_waits_for_ops(world: World, name: str) -> None:
    place, reason = STRANDED[name]
    status = handed_in(world, CHILD | place)
    assert (status["state"], status["reason"]) == ("unroutable", reason)
    assert world.local(status["attend_by"]) == "2026-12-16 11:00"
    waiting = world.client.get("/v1/attention", headers=world.headers("ops", "ops"))
    assert status["id"] in waiting.text


def test_a_place_in_words_is_warned_of_and_shown_as_it_was_written(world: World) -> None:
    status = handed_in(world, CHILD | {"area": "Staffs"})
    assert warnings(status) == {("place-in-words", "/children/0/area")}
    (delivery,) = world.collect("staffordshire-csc")
    assert "area" not in delivery["content"]["children"][0]
    (defect,) = [each for each in delivery["defects"] if each["pointer"] == "/children/0/area"]
    assert defect["original"] == "Staffs"


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (address(country="NI", postcode="BT1 1AA"), {"nca"}),
        (address(country="SC", postcode="G2 1DU"), {"nca", "glasgow-sw"}),
        (address(country="FR", postcode="ST16 2LH"), {"nca", "staffordshire-csc"}),
        (address(country="Wales", postcode="ST16 2LH"), {"staffordshire-csc"}),
    ],
)
def test_23_a_postcode_here_and_a_country_abroad_are_both_told(
    world: World, place: dict[str, Any], told: set[str]
) -> None:
    """``NI`` is Nicaragua and ``SC`` the Seychelles; who writes them means neither."""
    status = handed_in(world, CHILD | place)
    assert agencies(status) == told
    is_abroad = "nca" in told
    assert (("area-disagrees", "/children/0/area") in warnings(status)) is is_abroad


SIBLING = HERE | {"id": "d", "given_name": "Another"}


@pytest.mark.parametrize(
    ("place", "told", "code", "pointer"),
    [
        ({"area": "Philippines"}, {"staffordshire-csc", "nca"}, "place-in-words", "/area"),
        (
            address(country="Phillipines"),
            {"staffordshire-csc"},
            "unread-decides",
            "/address/country",
        ),
        (
            address(postcode="unreadable?"),
            {"staffordshire-csc"},
            "unread-decides",
            "/address/postcode",
        ),
        (address(postcode="N/K"), {"staffordshire-csc"}, "area-assumed", ""),
        ({}, {"staffordshire-csc"}, "area-assumed", ""),
    ],
)
def test_17_a_sibling_is_not_quietly_taken_to_be_where_the_other_is(
    world: World, place: dict[str, Any], told: set[str], code: str, pointer: str
) -> None:
    status = handed_in(world, CHILD | place, SIBLING)
    assert agencies(status) == told
    assert (code, f"/children/0{pointer}") in warnings(status)


@pytest.mark.parametrize(
    ("person", "told"),
    [
        ({"area": "Shropshire"}, {"staffordshire-csc", "west-mercia-police"}),
        ({"address": {"postcode": "SY2 6ND"}}, {"staffordshire-csc", "west-mercia-police"}),
        (
            {
                "area": STAFFORDSHIRE,
                "roles": [
                    {"kind": "employment", "works_with_children": True, "area": "Stoke-on-Trent"}
                ],
            },
            {"staffordshire-csc", "stoke-lado"},
        ),
    ],
)
def test_22_where_a_person_lives_or_works_is_read_in_words(
    world: World, person: dict[str, Any], told: set[str]
) -> None:
    suspect = {name: value for name, value in SUSPECT.items() if name != "area"} | person
    status = handed_in(world, HERE, persons_posing_risk=[suspect])
    assert agencies(status) == told


@pytest.mark.parametrize(
    ("changes", "copied"),
    [
        ({"placing_authority": "Stoke on Trent", "looked_after": True}, "stoke-csc"),
        ({"open_case": {"area": "Stoke-on-Trent"}}, "stoke-csc"),
        ({"open_case": STOKE}, "stoke-csc"),
    ],
)
def test_26_another_authority_is_read_in_words(
    world: World, changes: dict[str, Any], copied: str
) -> None:
    status = handed_in(world, HERE | changes)
    assert agencies(status) == {"staffordshire-csc", copied}
