"""What is untidy in a referral shows nobody more than their view: siblings in two councils."""

import json
from typing import Any

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.test_cases_places import CHILD, SUSPECT, referral

STOKE, SHROPSHIRE = "E06000021", "E06000051"
HERE = {"given_name": "Zanna", "family_name": "Zaltmarsh", "area": STOKE}
ANNA = CHILD | HERE | {"id": "a"}
OTTO = CHILD | {"id": "b", "given_name": "Otto", "family_name": "Otherby", "area": SHROPSHIRE}
HIGH = {"level": "high", "reason": "Invented."}
SECRET = "Zsecret"


def siblings(**changes: Any) -> dict[str, Any]:
    return referral(ANNA, OTTO, **({"grade": HIGH} | changes))


def concern(**changes: Any) -> dict[str, Any]:
    return siblings(concern={"category": "grooming", "summary": "Invented."} | changes)


def facts(*items: Any) -> dict[str, Any]:
    return concern(facts=list(items))


FILLING = [{"text": "An invented fact."}] * 101
MANY = [{"id": f"i{number}", "username": "invented"} for number in range(51)]
HIDDEN = {
    "the first of too many facts": facts({"text": SECRET, "about": ["a"]}, *FILLING),
    "a summary that is too long": concern(summary=f"{SECRET} " * 1500, about=["a"]),
    "the first of too many children": referral(
        ANNA | {"language": SECRET}, *[OTTO | {"id": f"o{n}"} for n in range(201)], grade=HIGH
    ),
    "the first of too many accounts": siblings(
        online={"identities": [{"id": "x", "username": SECRET, "belongs_to": "a"}, *MANY]}
    ),
    "an unknown field with a list": concern(victims=[SECRET]),
    "about as a name": concern(summary=SECRET, about=["Zanna Zaltmarsh"]),
    "about as a first name": facts({"text": SECRET, "about": ["zanna"]}),
    "about as one text": concern(summary=SECRET, about="a"),
    "about as an object": facts({"text": SECRET, "about": {"id": "a"}}),
    "about somebody who is not listed": facts({"text": SECRET, "about": ["Zoe"]}),
    "about in capitals": facts({"text": SECRET, "about": ["A"]}),
    "about a number": facts({"text": SECRET, "about": 7}),
    "an account of somebody who is not listed": siblings(
        online={"identities": [{"id": "x", "username": SECRET, "belongs_to": "Zoe"}]}
    ),
    "an unknown field beside what is about her": facts(
        {"text": "Invented.", "about": ["a"], "witness": SECRET}
    ),
    "a household of somebody who is not listed": siblings(
        household=[{"id": "m", "given_name": SECRET, "children": ["Zoe"]}]
    ),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_31_what_is_untidy_shows_no_sibling(world: World, name: str) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(HIDDEN[name])
    assert status["state"] == "routed"
    (delivery,) = world.collect("shropshire-csc")
    assert delivery["content"]["children"][0]["given_name"] == "Otto"
    assert SECRET not in json.dumps(delivery)
    key = world.headers("shropshire-csc", "collect")
    again = world.client.get(f"/v1/deliveries/{delivery['delivery']}", headers=key)
    assert SECRET not in again.text


UNREAD = {
    "/concern/facts/0/about/0": facts({"text": SECRET, "about": ["Zoe"]}),
    "/concern/facts/0/about": facts({"text": SECRET, "about": {"name": "her"}}),
    "/online/identities/0/belongs_to": siblings(
        online={"identities": [{"id": "x", "username": SECRET, "belongs_to": "Zoe"}]}
    ),
}


@pytest.mark.parametrize("pointer", UNREAD)
def test_31_whom_a_text_is_about_is_asked_where_it_cannot_be_read(
    world: World, pointer: str
) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(UNREAD[pointer])
    assert ("unread-decides", pointer) in {
        (warning["code"], warning["pointer"]) for warning in status["warnings"]
    }


def test_31_who_sees_everybody_is_shown_what_is_about_nobody_listed(world: World) -> None:
    world.at("2026-12-16 10:00")
    document = facts({"text": SECRET, "about": ["Zoe"]})
    document["children"][0]["area"] = SHROPSHIRE
    world.routed(document)
    (delivery,) = world.collect("shropshire-csc")
    assert SECRET in json.dumps(delivery["content"]["concern"])


CALLED = {
    "O'Brien in two words": ("O'Brien", "The O Brien boy was hurt."),
    "a typographic apostrophe": ("O\u2019Brien", "Mrs O Brien was hurt."),
    "half a family name": ("Smythe-Zelter", "Miss Smythe was hurt."),
    "a plural": ("Zaltmarsh", "At the Zaltmarshs all is quiet."),
    "whose, without an apostrophe": ("Zaltmarsh", "It is Zannas telephone."),
    "no spaces between words": ("\u5c0f\u660e", "\u4ed6\u4f24\u5bb3\u4e86\u738b\u5c0f\u660e\u3002"),
    "a particle after it": ("\ubbfc\uc218", "\ubbfc\uc218\uac00 \ub2e4\ucce4\ub2e4."),
}


@pytest.mark.parametrize("name", CALLED)
def test_31_a_name_is_warned_of_as_people_write_it(world: World, name: str) -> None:
    world.at("2026-12-16 10:00")
    family, summary = CALLED[name]
    document = referral(ANNA | {"family_name": family}, OTTO, grade=HIGH)
    document["concern"]["summary"] = summary
    status = world.routed(document)
    assert "name-outside-view" in {warning["code"] for warning in status["warnings"]}


NAMED = {
    "a field of no schema": siblings(grade=HIGH | {"rationale": "Zanna was hurt."}),
    "a space that is not seen": concern(summary="Za\u200bnna was hurt."),
    "a soft hyphen": concern(summary="Zan\u00adna was hurt."),
    "a tag": siblings(online={"tags": ["zanna"]}),
    "a history": siblings(persons_posing_risk=[SUSPECT | {"offence_history": "Wrote to Zanna."}]),
    "instructions": siblings(handling={"instructions": "Ring Zanna's aunt."}),
}


@pytest.mark.parametrize("name", NAMED)
def test_31_a_name_is_warned_of_wherever_it_is_shown(world: World, name: str) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(NAMED[name])
    assert "name-outside-view" in {warning["code"] for warning in status["warnings"]}


def test_a_suspect_who_stands_in_the_household_as_well_keeps_the_id(world: World) -> None:
    """Others point at that id: a child who lives with him lives with a suspect."""
    world.at("2026-12-16 10:00")
    document = referral(
        CHILD | {"area": "E10000028", "lives_with": ["dad"]},
        household=[{"id": "dad", "relationship": "father"}],
        persons_posing_risk=[SUSPECT | {"id": "dad"}],
        grade={"level": "low", "reason": "Invented."},
    )
    status = world.routed(document)
    assert ("/household/0/id", "duplicate-id") in {
        (defect["pointer"], defect["code"]) for defect in status["defects"]
    }
    assert "grade-contradiction" in {warning["code"] for warning in status["warnings"]}


def test_a_warning_about_one_child_does_not_point_at_another(world: World) -> None:
    """Where an item of a list is left out, those behind it have moved."""
    world.at("2026-12-16 10:00")
    document = siblings()
    document["children"] = [7, ANNA | {"missing": {"status": "zz"}}, OTTO]
    status = world.routed(document)
    assert {"/children/0", "/children/1/missing"} <= {
        warning["pointer"] for warning in status["warnings"] if warning["code"] == "unread-decides"
    }
    (delivery,) = world.collect("shropshire-csc")
    assert [child["id"] for child in delivery["content"]["children"]] == ["b"]
    assert "unread-decides" not in {warning["code"] for warning in delivery["warnings"]}
