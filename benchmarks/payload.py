"""What is sent, to everybody the same: shipped samples under references of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import cycle, islice

from benchmarks.recipients import RECIPIENTS
from broker.devstack import sample_referrals
from broker.devstack.rebase_times import rebase

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


def rotated(prefix: str, count: int) -> dict[str, bytes]:
    """Return referrals by their references: every sample that is taken in, in turn."""
    cases = islice(cycle(RECIPIENTS), count)
    return {
        reference: _body(case, reference)
        for reference, case in zip(_references(prefix, count), cases, strict=True)
    }


def to_three(prefix: str, count: int) -> dict[str, bytes]:
    """Return referrals that go to three agencies each, by their references."""
    return {reference: _body(THREE_AGENCIES, reference) for reference in _references(prefix, count)}


def to_one(prefix: str, areas: Iterable[str]) -> dict[str, bytes]:
    """Return a referral for each area, in order, that goes to the agency there alone."""
    return {
        f"{prefix}-{number}": _body(ONE_AGENCY, f"{prefix}-{number}", area)
        for number, area in enumerate(areas)
    }


def sizes() -> tuple[int, int]:
    """Return the bytes of a referral to three agencies, and those of all samples in the mean."""
    bodies = rotated("BENCH", len(RECIPIENTS)).values()
    return len(_body(THREE_AGENCIES, "BENCH-1")), sum(map(len, bodies)) // len(bodies)


def _references(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


def _body(case: str, reference: str, area: str | None = None) -> bytes:
    document = json.loads(_sample(case)) | {"reference": reference}
    if area is not None:
        document["children"][0]["area"] = area
    return json.dumps(document).encode()


@cache
def _sample(case: str) -> str:
    (document,) = [sample for name, sample in sample_referrals.shipped() if name.startswith(case)]
    # Neither in the future, nor so late that there is a warning.
    moved = rebase(document, now=datetime.now(UTC) - timedelta(hours=1))
    # The name of the case, by which rivals and checks know who gets it.
    moved["referrer"]["occurrence_reference"] = case
    return json.dumps(moved)
