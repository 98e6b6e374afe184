"""Who gets what of each shipped sample: rivals look it up, and the check compares with it.

Nothing of the product is asked, neither to route for a rival nor to check what the product routed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RECIPIENTS: Mapping[str, tuple[str, ...]] = {
    "case-01": ("stoke-csc",),
    "case-02": ("staffordshire-csc",),
    "case-03": ("shropshire-csc", "stoke-csc", "stoke-csc"),
    "case-04": ("glasgow-sw", "stoke-csc", "stoke-csc"),
    "case-05": ("school-900001", "staffordshire-lado", "stoke-csc"),
    "case-06": ("staffordshire-csc",),
    "case-07": ("school-900001", "stoke-csc"),
    "case-08": ("probation-west-midlands", "staffordshire-csc"),
    "case-09": ("staffordshire-csc", "staffordshire-yjs"),
    "case-10": (),
    "case-11": ("staffordshire-csc",),
    "case-12": ("staffordshire-csc",),
    "case-13": (),
    "case-15": ("stoke-csc",),
    "case-17": ("stoke-csc",),
    "first-referral": ("stoke-csc",),
    "full": (
        *("probation-west-midlands", "school-900001", "shropshire-csc", "shropshire-lado"),
        *("staffordshire-csc", "staffordshire-health", "staffordshire-lado"),
        *("stoke-csc", "stoke-csc", "stoke-health"),
    ),
}
"""Who gets a delivery of each shipped sample that is taken in; ``case-14`` is refused.

At night and at weekends a council's team out of hours has what its office has by day.
"""
AGENCIES = tuple(sorted({agency for agencies in RECIPIENTS.values() for agency in agencies}))
MEAN_DELIVERIES = sum(map(len, RECIPIENTS.values())) / len(RECIPIENTS)
"""How many deliveries a sample has in the mean."""
_PEOPLE = ("children", "household", "persons_posing_risk")
_FIELDS = {
    "lado": ("persons_posing_risk", "concern", "times"),
    "health": ("children", "concern"),
    "school": ("children", "concern"),
    "probation": ("persons_posing_risk", "online", "concern", "times"),
}
_ALL_FIELDS = (*_PEOPLE, "online", "concern", "times")


def recipients(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return who gets a delivery of a referral, an agency once for each.

    A look-up by the sample's name: a rival pays nothing for deciding who gets what.
    """
    return RECIPIENTS[document["referrer"]["occurrence_reference"]]


def view(document: Mapping[str, Any], agency: str) -> dict[str, Any]:
    """Return what a rival shows an agency of a referral."""
    parts = agency.split("-")
    fields = _FIELDS.get(parts[-1]) or _FIELDS.get(parts[0]) or _ALL_FIELDS
    return {name: document[name] for name in fields if name in document}
