"""What is sent, to everybody the same: shipped samples under references of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache

from broker.devstack import sample_referrals

PUBLISHER = "staffordshire-police"
THREE_AGENCIES = "case-05"
"""A teacher: social care, the designated officer and a school each get a part."""
ONE_AGENCY = "case-01"
"""One child, one council."""
AREAS = {
    "E06000021": "stoke-csc",
    "E10000028": "staffordshire-csc",
    "E06000051": "shropshire-csc",
    "S12000049": "glasgow-sw",
}
"""Four areas, and the social care agency of each."""
_OF_THE_CASE = re.compile(r"\b2026-12-\d\d")
"""Cases are dated in the December that they need."""


def to_three(prefix: str, count: int) -> dict[str, bytes]:
    """Return referrals that go to three agencies each, by their references."""
    return {reference: _body(THREE_AGENCIES, reference) for reference in _references(prefix, count)}


def to_one(prefix: str, areas: Iterable[str]) -> dict[str, bytes]:
    """Return a referral for each area, in order, that goes to the agency there alone."""
    return {
        f"{prefix}-{number}": _body(ONE_AGENCY, f"{prefix}-{number}", area)
        for number, area in enumerate(areas)
    }


def size() -> int:
    """Return the bytes of a referral to three agencies."""
    return len(_body(THREE_AGENCIES, "BENCH-1"))


def _references(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


def _body(case: str, reference: str, area: str | None = None) -> bytes:
    document = json.loads(_sample(case)) | {"reference": reference}
    if area is not None:
        document["children"][0]["area"] = area
    return json.dumps(document).encode()


@cache
def _sample(case: str) -> str:
    (document,) = [one for name, one in sample_referrals.shipped() if name.startswith(case)]
    text = json.dumps(document)
    # Its last day is yesterday: neither in the future, nor so late that there is a warning.
    last = date.fromisoformat(max(_OF_THE_CASE.findall(text)))
    ahead = last - (datetime.now(UTC).date() - timedelta(days=1))
    return _OF_THE_CASE.sub(lambda day: str(date.fromisoformat(day[0]) - ahead), text)
