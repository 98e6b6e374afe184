"""Cases 24, 25, 30, 31, 40 and the reservations to 3, 5 and 7, through the public API."""

import copy
import json
from typing import Any

import pytest

from tests.acceptance.conftest import World, sample
from tests.acceptance.test_cases import collected, leg
from tests.acceptance.test_versions import correct

SCHOOL = "school-900003"


def text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def codes(status: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in status["warnings"]]


def agencies(status: dict[str, Any]) -> set[str]:
    return {delivery["agency"] for delivery in status["deliveries"]}


def pupil(**child: Any) -> dict[str, Any]:
    """Return a referral of one child in Staffordshire who is on the roll of a school."""
    document = copy.deepcopy(sample(1))
    document["children"] = [
        {
            "id": "child-1",
            "given_name": "Isolde",
            "family_name": "Fernsby",
            "date_of_birth": "2014-03-15",
            "area": "E10000028",
            "school": {"urn": "900003", "name": "Cannock Chase Sample High"},
            "missing": {"status": "not_missing"},
            **child,
        }
    ]
    document["persons_posing_risk"] = []
    document["household"] = []
    document["online"] = {}
    document.pop("handling", None)
    return document


@pytest.mark.parametrize(
    "entry",
    [
        *("school", "The school", "her school", "SCHOOL-900003", "900003"),
        *("Cannock Chase Sample High, Staffordshire (sample)", "cannock chase  sample high"),
    ],
)
def test_24_a_kind_a_code_a_urn_or_a_name_keeps_a_recipient_out(world: World, entry: str) -> None:
    world.at("2026-12-21 10:00")
    document = pupil() | {"handling": {"do_not_disclose_to": [entry]}}
    status = world.routed(document)
    assert SCHOOL not in agencies(status)
    assert "not-disclosed" in codes(status)
    assert "do-not-disclose-unmatched" not in codes(status)
    assert collected(world, "staffordshire-csc")["handling"]["do_not_disclose_to"] == [entry]


def test_24_what_means_nobody_is_shown_to_everybody_and_warned_of(world: World) -> None:
    world.at("2026-12-21 10:00")
    document = pupil(health={"needs": ["self_harm"]})
    document["handling"] = {"do_not_disclose_to": ["LADO", "The step-father"]}
    status = world.routed(document)
    unmatched = [
        warning["pointer"]
        for warning in status["warnings"]
        if warning["code"] == "do-not-disclose-unmatched"
    ]
    assert unmatched == ["/handling/do_not_disclose_to/1"]
    for agency in ("staffordshire-csc", SCHOOL, "staffordshire-health"):
        offered = collected(world, agency)
        assert "The step-father" in offered["handling"]["do_not_disclose_to"]
        assert "do-not-disclose-unmatched" in codes(offered)


def test_24_whom_a_wish_keeps_out_is_not_told_to_who_may_not_know_of_it(world: World) -> None:
    world.at("2026-12-21 10:00")
    document = pupil(health={"needs": ["self_harm"]})
    document["handling"] = {"do_not_disclose_to": ["school"]}
    world.routed(document)
    assert "not-disclosed" in codes(collected(world, "staffordshire-csc"))
    assert "Cannock" not in text(collected(world, "staffordshire-health"))


@pytest.mark.parametrize(
    "role",
    [
        {"organisation": "Cannock Chase Sample High"},
        {"organisation": "CANNOCK CHASE SAMPLE HIGH, Staffordshire"},
        {"organisation": "Elsewhere", "urn": "900003"},
        {"organisation_code": "school-900003"},
    ],
)
def test_25_a_suspect_at_the_school_holds_its_part_for_a_person(
    world: World, role: dict[str, str]
) -> None:
    world.at("2026-12-21 10:00")
    document = pupil()
    document["persons_posing_risk"] = [
        {
            "id": "suspect-1",
            "given_name": "Lucian",
            "family_name": "Marchbanks",
            "date_of_birth": "1980-01-01",
            "area": "E10000028",
            "roles": [
                {"kind": "employment", "area": "E10000028", "works_with_children": True, **role}
            ],
        }
    ]
    status = world.routed(document)
    assert leg(status, SCHOOL)["state"] == "held"
    assert leg(status, SCHOOL)["explanation"]["hold"]["until"] is None
    assert leg(status, "staffordshire-lado")["state"] == "available"
    assert leg(status, "staffordshire-csc")["state"] == "available"
    assert "suspect-at-recipient" in codes(status)
    world.at("2027-03-01 10:00")
    world.drain()
    world.watch()
    assert not world.collect(SCHOOL)
    assert leg(world.status(status), SCHOOL)["state"] == "held"
    assert leg(world.status(status), SCHOOL)["available_at"] is None
    told = world.client.get(f"/v1/referrals/{status['id']}/told", headers=world.police).json()
    assert [line["available_at"] is None for line in told["deliveries"]] == [
        line["agency"] == SCHOOL for line in told["deliveries"]
    ]
    assert "suspect-at-recipient" in codes(collected(world, "staffordshire-csc"))


WISHES = {
    "concerns": "Is afraid that the school will hear of it.",
    "views": "Does not want the school told.",
}


def test_30_a_childs_voice_is_for_social_care_and_not_for_the_school(world: World) -> None:
    world.at("2026-12-21 10:00")
    world.routed(pupil(voice=WISHES, health={"needs": ["self_harm"]}))
    assert collected(world, "staffordshire-csc")["content"]["children"][0]["voice"] == WISHES
    for agency in (SCHOOL, "staffordshire-health"):
        offered = collected(world, agency)
        assert "voice" not in text(offered)
        assert WISHES["views"] not in text(offered)


@pytest.mark.parametrize("entry", ["school", "School-900003", "the school"])
def test_30_she_may_let_the_school_hear_her(world: World, entry: str) -> None:
    world.at("2026-12-21 10:00")
    voice = {**WISHES, "share_with": [entry]}
    world.routed(pupil(voice=voice, health={"needs": ["self_harm"]}))
    assert collected(world, SCHOOL)["content"]["children"][0]["voice"] == WISHES
    assert "voice" not in text(collected(world, "staffordshire-health"))


def siblings() -> dict[str, Any]:
    document = copy.deepcopy(sample(3))
    document["children"][0] |= {"given_name": "Nóra", "aliases": ["Nobby"]}
    document["children"][1] |= {"given_name": "Otto"}
    for child in document["children"]:
        child.pop("lives_with", None)
    document["online"] = {}
    document["persons_posing_risk"] = []
    document["household"] = []
    document["concern"] = {"category": "grooming", "summary": "An adult writes to the children."}
    document["grade"]["reason"] = "Messages every night."
    document["action_taken"] = []
    return document


def test_31_a_block_goes_to_who_may_see_whom_it_is_about(world: World) -> None:
    world.at("2027-03-25 16:00")
    document = siblings()
    first, second = (child["id"] for child in document["children"])
    document["concern"] |= {
        "summaries": [
            {"text": "Nora was written to.", "about": [first]},
            {"text": "Otto was written to.", "about": [second]},
        ],
        "facts": [
            {"text": "Nora kept the messages.", "about": [first]},
            {"text": "The account was closed."},
        ],
    }
    document["action_taken"] = [{"action": "Spoke with Nora", "about": [first]}]
    status = world.routed(document)
    offered = collected(world, "shropshire-csc")
    assert "Nora" not in text(offered)
    assert [fact["text"] for fact in offered["content"]["concern"]["facts"]] == [
        "The account was closed."
    ]
    assert [part["about"] for part in offered["content"]["concern"]["summaries"]] == [[second]]
    assert "name-outside-view" not in codes(status)


@pytest.mark.parametrize("name", ["Nora", "NORA'S", "nóra,", "Nobby"])
def test_31_a_name_outside_the_scope_is_warned_of_and_nothing_waits(
    world: World, name: str
) -> None:
    world.at("2027-03-25 16:00")
    document = siblings()
    document["concern"]["summary"] = f"An adult writes to {name} telephone, and to another child."
    status = world.routed(document)
    assert codes(status).count("name-outside-view") == 1
    assert "Shropshire" in text([w for w in status["warnings"] if w["code"] == "name-outside-view"])
    offered = collected(world, "shropshire-csc")
    assert "name-outside-view" not in codes(offered)


def test_31_a_part_of_a_word_is_no_name(world: World) -> None:
    world.at("2027-03-25 16:00")
    document = siblings()
    document["concern"]["summary"] = "An adult in Honoraria writes to them."
    assert "name-outside-view" not in codes(world.routed(document))


@pytest.mark.parametrize(
    ("until", "code"),
    [("2031-01-01T12:00:00Z", "embargo-long"), ("2026-12-09T12:00:00Z", "embargo-over")],
)
def test_40_an_embargo_that_looks_mistaken_is_warned_of(
    world: World, until: str, code: str
) -> None:
    world.at("2026-12-21 10:00")
    embargo = {"until": until, "reason": "A warrant.", "no_contact_with": ["school"]}
    assert code in codes(world.routed(pupil() | {"handling": {"embargo": embargo}}))


def test_07_an_embargo_in_words_alone_is_a_warning_and_never_silence(world: World) -> None:
    world.at("2026-12-21 10:00")
    words = "No contact with family or school before Wed 12:00, call the officer first."
    status = world.routed(pupil() | {"handling": {"instructions": words}})
    assert "embargo-in-words" in codes(status)
    assert leg(status, SCHOOL)["state"] == "held"
    assert leg(status, SCHOOL)["explanation"]["hold"]["until"] is None
    assert leg(status, "staffordshire-csc")["state"] == "available"
    status = world.routed(
        pupil() | {"reference": "CALM/1", "handling": {"instructions": "Be kind."}}
    )
    assert "embargo-in-words" not in codes(status)


def test_40_at_the_grade_immediate_words_alone_hold_nothing(world: World) -> None:
    world.at("2026-12-21 10:00")
    words = "Do not tell the school until the arrest on Wednesday."
    document = pupil() | {"handling": {"instructions": words}}
    document["grade"]["level"] = "immediate"
    status = world.routed(document)
    assert "embargo-in-words" in codes(status)
    assert leg(status, SCHOOL)["state"] == "available"


def test_a_sentence_about_somebody_outside_the_scope_is_not_said(world: World) -> None:
    world.at("2026-12-21 10:00")
    document = pupil(health={"needs": ["self_harm"]})
    document["children"].insert(
        0, {"id": "lost", "area": "E10000028", "missing": {"status": "missing"}}
    )
    document["grade"]["level"] = "low"
    world.routed(document)
    health = collected(world, "staffordshire-health")
    assert health["effective_grade"] == "very_high"
    assert "missing" not in health["why"]
    assert "A child is missing now." in collected(world, "staffordshire-csc")["why"]


def test_a_pointer_is_that_of_what_was_shown(world: World) -> None:
    world.at("2026-12-21 10:00")
    document = pupil(health={"needs": ["self_harm"]})
    document["children"].insert(0, {"id": "first", "area": "E10000028"})
    world.routed(document)
    offered = collected(world, "staffordshire-health")
    pointers = {defect["pointer"] for defect in offered["defects"]}
    assert "/children/0/language" in pointers
    assert not [pointer for pointer in pointers if pointer.startswith("/children/1")]
    school = collected(world, SCHOOL)
    assert not [defect for defect in school["defects"] if "ethnicity" in defect["code"]]


def test_who_sees_no_change_gets_no_correction(world: World) -> None:
    world.at("2026-12-21 10:00")
    document = pupil()
    document["persons_posing_risk"] = [{"id": "suspect-1", "family_name": "Marchbanks", "age": 40}]
    status = world.routed(document)
    held = collected(world, SCHOOL)
    collected(world, "staffordshire-csc")
    document["persons_posing_risk"][0]["family_name"] = "Marchbank"
    correct(world, status, document)
    assert collected(world, "staffordshire-csc")["kind"] == "correction"
    assert world.collect(SCHOOL) == []
    key = world.headers(SCHOOL, "collect")
    again = world.client.get(f"/v1/deliveries/{held['delivery']}", headers=key).json()
    assert (again["version"], again["latest_version"]) == (1, 1)
