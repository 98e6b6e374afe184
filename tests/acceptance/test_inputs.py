"""Untidy referrals, one document each in ``inputs/``: what becomes of every one of them.

An unfamiliar value costs the field, a blank is a warning and a task, and only what must never be
carried is refused. The clock stands at 2026-12-16 10:00.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import World

INPUTS = {path.stem[:2]: path for path in sorted((Path(__file__).parent / "inputs").glob("*.json"))}


@dataclass(frozen=True)
class Expected:
    """What its publisher sees of a referral once it was routed."""

    state: str = "routed"
    reason: str | None = None
    told: frozenset[str] = frozenset()
    """Who has it, or will have it when the hold ends; nobody else."""
    held: frozenset[str] = frozenset()
    warnings: frozenset[str] = frozenset()
    """Among the codes of its warnings."""
    defects: frozenset[tuple[str, str]] = frozenset()
    """Among its defects: pointer and code."""
    absent_defects: frozenset[str] = frozenset()
    """Codes that no defect has."""


def expected(told: str = "", *, held: str = "", warnings: str = "", **rest: Any) -> Expected:
    """Return what is expected, lists written as words."""
    defects = frozenset(tuple(line.split()) for line in rest.pop("defects", ()))
    absent = frozenset(rest.pop("absent", "").split())
    return Expected(
        told=frozenset(told.split()),
        held=frozenset(held.split()),
        warnings=frozenset(warnings.split()),
        defects=defects,
        absent_defects=absent,
        **rest,
    )


NOT_OF_THE_UNBORN = "missing-ethnicity missing-disability missing-language missing-voice"
EXPECTED = {
    "01": expected(state="unroutable", reason="no_recipient", warnings="no-recipient"),
    "02": expected("staffordshire-csc", warnings="no-recipient"),
    "03": expected("staffordshire-csc"),
    # No such postcode exists, so no area is guessed: ops has it within the hour.
    "04": expected(state="unroutable", reason="no_area", warnings="no-recipient"),
    "05": expected(state="unroutable", reason="no_area"),
    "06": expected("stoke-csc", warnings="not-disclosed"),
    "07": expected("stoke-csc", warnings="not-disclosed"),
    "08": expected(
        "stoke-csc stoke-lado school-900001", held="school-900001", warnings="suspect-at-recipient"
    ),
    "09": expected("stoke-csc school-900001"),
    "10": expected(
        "staffordshire-csc school-900003 staffordshire-health probation-west-midlands",
        warnings="do-not-disclose-unmatched",
    ),
    "11": expected(
        "staffordshire-csc school-900003", held="school-900003", warnings="embargo-in-words"
    ),
    "12": expected(
        "staffordshire-csc school-900003", held="school-900003", warnings="embargo-long"
    ),
    "13": expected("staffordshire-csc school-900003", warnings="embargo-over"),
    "14": expected("staffordshire-csc", warnings="grade-contradiction"),
    "15": expected("staffordshire-csc", warnings="known-for-long"),
    "16": expected("nca", warnings="child-abroad"),
    "17": expected("staffordshire-csc nca", warnings="child-abroad"),
    # A child in the household goes where the person lives in whose household it is.
    "18": expected("staffordshire-csc", warnings="area-assumed grade-contradiction"),
    "19": expected("staffordshire-csc", warnings="works-with-children-unknown"),
    "20": expected("staffordshire-csc", warnings="manager-unknown"),
    "21": expected("staffordshire-csc", warnings="school-unknown"),
    "22": expected("staffordshire-csc", warnings="placing-authority-unknown"),
    "23": expected("staffordshire-csc"),
    "24": expected("staffordshire-csc"),
    "25": expected("staffordshire-csc", absent="unknown-code"),
    "26": expected("staffordshire-csc", absent="unknown-code"),
    "27": expected("staffordshire-csc", defects=["/times/first_known_at bad-time"]),
    "28": expected("staffordshire-csc", absent="binary-content bad-hash"),
    "29": expected("staffordshire-csc", defects=["/online/hashes too-long"]),
    "30": expected("staffordshire-csc", defects=["/children/0/gp unknown-field"]),
    "31": expected("staffordshire-csc", defects=["/children/0/date_of_birth implausible-age"]),
    "32": expected(
        "staffordshire-csc probation-west-midlands",
        defects=["/persons_posing_risk/0 age-contradicts-date-of-birth"],
    ),
    "33": expected("staffordshire-csc staffordshire-yjs", absent="unknown-field"),
    "34": expected("staffordshire-csc", defects=["/children/0/voice missing-voice"]),
    "35": expected("staffordshire-csc staffordshire-health", absent=NOT_OF_THE_UNBORN),
    "36": expected("staffordshire-csc", absent="too-long"),
    "37": expected("staffordshire-csc", defects=["/children/0/voice/said link-removed"]),
    "39": expected("shropshire-csc west-mercia-police"),
    "40": expected(state="unroutable", reason="no_recipient", warnings="no-recipient"),
}


@pytest.mark.parametrize("number", EXPECTED)
def test_an_untidy_referral_reaches_whom_it_concerns(world: World, number: str) -> None:
    right = EXPECTED[number]
    world.at("2026-12-16 10:00")
    status = world.routed(json.loads(INPUTS[number].read_text(encoding="utf-8")))
    deliveries = status["deliveries"]
    assert (status["state"], status["reason"]) == (right.state, right.reason)
    assert {delivery["agency"] for delivery in deliveries} == right.told
    held = {delivery["agency"] for delivery in deliveries if delivery["state"] == "held"}
    assert held == right.held
    assert right.warnings <= {warning["code"] for warning in status["warnings"]}
    defects = {(defect["pointer"], defect["code"]) for defect in status["defects"]}
    assert right.defects <= defects
    assert not right.absent_defects & {code for _, code in defects}


def test_pictures_are_refused_whatever_their_form(world: World) -> None:
    body = INPUTS["38"].read_bytes()
    headers = {**world.police, "Content-Type": "application/json"}
    answer = world.client.post("/v1/referrals", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "prohibited-content"


def handed_in(world: World, number: str) -> dict[str, Any]:
    world.at("2026-12-16 10:00")
    return world.routed(json.loads(INPUTS[number].read_text(encoding="utf-8")))


def test_04_a_postcode_that_exists_gives_the_area_and_keeps_the_clock(world: World) -> None:
    status = handed_in(world, "04")
    assert world.local(status["attend_by"]) == "2026-12-16 11:00"
    document = json.loads(INPUTS["04"].read_text(encoding="utf-8"))
    document["children"][0]["address"]["postcode"] = "ST16 2LH"
    world.at("2026-12-16 10:20")
    corrected = world.client.post(
        f"/v1/referrals/{status['id']}/corrections", json=document, headers=world.police
    )
    assert corrected.status_code == 202, corrected.text
    world.drain()
    routed = world.status(status)
    assert world.legs(routed)["staffordshire-csc"][0] == "2026-12-16 11:00"


def test_09_the_school_reads_nothing_of_what_the_child_said(world: World) -> None:
    handed_in(world, "09")
    (delivery,) = world.collect("school-900001")
    assert [child["id"] for child in delivery["content"]["children"]] == ["c"]
    shown = json.dumps(delivery)
    for word in ("Otherchild", "Teachwell", "favourite", "afraid", "want the school told"):
        assert word not in shown


@pytest.mark.parametrize(
    "agency",
    ["staffordshire-csc", "school-900003", "staffordshire-health", "probation-west-midlands"],
)
def test_10_everybody_reads_who_must_not_be_told(world: World, agency: str) -> None:
    handed_in(world, "10")
    (delivery,) = world.collect(agency)
    assert delivery["handling"]["do_not_disclose_to"] == ["The stepfather", "The mother"]
