"""What the reports for inspectors count of a referral: who refers, and what is known of children.

Counts and local ids: of what a referral says nothing is in it but the name of the unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from broker.errors import Fault
from schemas.child import Child
from schemas.codes import Sex
from schemas.defects import find
from schemas.referral import Referral
from schemas.shown_text import shown_line
from schemas.unknown import Unknown, known

LONGEST_UNIT = 100
"""In characters."""
NOT_MENTIONED = "not_mentioned"
UNREADABLE = "unreadable"
"""Something stands there, and it was set aside."""
_FACTS = ("ethnicity", "disability", "language", "status", "voice")
_REASONS = {reason.value.replace("_", "-"): reason.value for reason in Unknown}
_LACKS = {f"missing-{fact}": (fact, NOT_MENTIONED) for fact in _FACTS} | {
    f"{fact}-{ending}": (fact, reason) for fact in _FACTS for ending, reason in _REASONS.items()
}
"""The facts that have defects, by the code of the defect: which, and why it is not known."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is counted of one version of a referral."""

    unit: str
    """The referrer's team or department, as it is written; empty where it is not."""
    children: int
    """Those who are born: of the others nothing is asked."""
    lacks: Mapping[str, Mapping[str, int]]
    """Of how many children a fact is not known, by the fact and the reason."""
    missing: Sequence[str]
    """Local ids of the children who are missing now, or absent."""

    @property
    def stored(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "unit": self.unit,
            "children": self.children,
            "lacks": self.lacks,
            "missing": self.missing,
        }


def profile(referral: Referral, defects: Sequence[Fault]) -> Profile:
    """Return what is counted of a referral; ``defects`` are those of its document."""
    unread = [defect.pointer for defect in defects if defect.code not in _LACKS]
    lacks: dict[str, dict[str, int]] = {}
    # What was set aside may hide a gap; where nothing was, the defects are the gaps.
    gaps = find(referral.children, referral.times) if unread else defects
    for pointer, fact, reason in (*_with_defects(gaps), *_without_defects(referral.children)):
        is_unread = reason == NOT_MENTIONED and any(
            other == pointer or other.startswith(f"{pointer}/") for other in unread
        )
        counted, why = lacks.setdefault(fact, {}), UNREADABLE if is_unread else reason
        counted[why] = counted.get(why, 0) + 1
    return Profile(
        unit=shown_line(referral.referrer.unit or "")[:LONGEST_UNIT],
        children=sum(not child.expected_date_of_birth for child in referral.children),
        lacks=lacks,
        missing=[child.id for child in referral.children if _is_missing(child)],
    )


def _with_defects(gaps: Sequence[Fault]) -> Iterator[tuple[str, str, str]]:
    """Go through the pointers of facts that are not known and have a defect, and why."""
    for gap in gaps:
        if gap.code in _LACKS:
            yield gap.pointer, *_LACKS[gap.code]


def _without_defects(children: Sequence[Child]) -> Iterator[tuple[str, str, str]]:
    """Go through ages and sexes that are not known: for these there are no defects."""
    for number, child in enumerate(children):
        if child.expected_date_of_birth:
            continue
        pointer = f"/children/{number}"
        if not isinstance(child.date_of_birth, date) and child.approximate_age is None:
            yield f"{pointer}/date_of_birth", "age", _reason(child.date_of_birth)
        if known(child.sex) in (None, Sex.UNKNOWN):
            yield f"{pointer}/sex", "sex", _reason(child.sex)


def _reason(value: object) -> str:
    if isinstance(value, Unknown):
        return value.value
    return NOT_MENTIONED if value is None else Unknown.NOT_YET_KNOWN.value


def _is_missing(child: Child) -> bool:
    missing = known(child.missing)
    return missing is not None and missing.is_away
