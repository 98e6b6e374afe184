"""The referrals of the campaign, made so that anybody can say who must get them.

One child for each area, living there, and nothing else that calls for an agency: so the children's
social care of each area gets one delivery, with its own child in it and no other.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from random import Random
from typing import Any

from broker.policy.published.policy import documents_from
from broker.shipped import POLICY

AGENCIES = {
    "E10000028": "staffordshire-csc",
    "E06000021": "stoke-csc",
    "E06000051": "shropshire-csc",
    "S12000049": "glasgow-sw",
}
"""Who is responsible where, as the shipped directory says; grades below very high only."""
AREAS = tuple(AGENCIES)
QUEUE_AGENCY = "stoke-csc"
MAILBOX_AGENCIES = tuple(agency for agency in AGENCIES.values() if agency != QUEUE_AGENCY)
WAITER = "ops"
"""An organisation that nothing is for here."""
OPERATOR = "operator"
"""How the key of ops who redirect is named beside those of the organisations."""
FLOODER = "police-scotland"
"""Whose second key floods the gateways."""
FLOOD_KEY = "flood"
"""How that key is named beside those of the organisations."""
PUBLISHERS = ("staffordshire-police", "west-mercia-police", "police-scotland")
_GRADES = ("high", "medium", "low")
_VARIANT = re.compile(r"\[variant ([a-z0-9-]+)\]")
_SAMPLE = json.loads(
    (Path(__file__).parents[2] / "samples" / "first-referral.json").read_text(encoding="utf-8")
)


def policy() -> dict[str, str]:
    """Return the shipped policy, but for one deadline that has always passed at acceptance.

    So every referral graded high breaches at once, unless a person is quicker than the watch.
    """
    found = dict(documents_from(POLICY))
    hurried = "high: {acknowledge: {within: 1 hour, starts: first_known},"
    changed = found["policy.yaml"].replace(
        "    high: {acknowledge: 4 working hours,", f"    {hurried}", 1
    )
    assert hurried in changed
    return {**found, "policy.yaml": changed}


def document(reference: str, variant: str, areas: tuple[str, ...], dice: Random) -> dict[str, Any]:
    """Return a referral with one child in each of the areas."""
    made = copy.deepcopy(_SAMPLE)
    made["reference"] = reference
    made["grade"]["level"] = dice.choice(_GRADES)
    made["concern"]["summary"] += f" [variant {variant}]"
    (child,) = made["children"]
    made["children"] = [
        {**copy.deepcopy(child), "id": f"child-{number}", "area": area}
        for number, area in enumerate(areas, start=1)
    ]
    return made


def faulty(made: dict[str, Any]) -> dict[str, Any]:
    """Return a referral that is accepted, and rejected when it is looked at."""
    about = ("children", "persons_posing_risk", "concern", "household", "online")
    return {name: value for name, value in made.items() if name not in about}


def prohibited(made: dict[str, Any]) -> dict[str, Any]:
    """Return a referral that may not even be kept."""
    spoilt = copy.deepcopy(made)
    spoilt["concern"]["summary"] += " data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA" * 20
    return spoilt


def areas(dice: Random) -> tuple[str, ...]:
    """Return one area, or two for siblings who live apart."""
    return tuple(dice.sample(AREAS, 1 if dice.random() < 0.85 else 2))


def variant_of(content: dict[str, Any]) -> str:
    """Return which document a delivery's content was made from."""
    found = _VARIANT.search(content["concern"]["summary"])
    return found[1] if found else "none"


def areas_of(content: dict[str, Any]) -> tuple[str, ...]:
    """Return where the children in a delivery's content live."""
    return tuple(sorted(child["area"] for child in content["children"]))
