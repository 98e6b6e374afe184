"""The words in which a policy is written: facts, places, kinds of organisation, and the like.

Every fact is a closed list of values, so that a condition can be tried out on all of them.
docs/policy.md lists the same names; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.policy.places.gazetteer import ELSEWHERE, NATION_NAMES, UNKNOWN, installed
from schemas.codes import (
    Basis,
    ConcernCategory,
    Grade,
    ManagedBy,
    ManagementStatus,
    Nation,
    NoContactWith,
    OrganisationKind,
    Place,
    Sees,
    Subject,
    WorkKind,
)

__all__ = [
    "BASES",
    "FACTS",
    "FORCE",
    "GRADES",
    "HOLDERS",
    "KINDS",
    "LADO",
    "NATIONS",
    "OUT_OF_HOURS",
    "PLACES",
    "SCHOOL",
    "SEES",
    "SOCIAL_CARE",
    "SUBJECTS",
    "Fact",
    "Value",
]

NATIONS = tuple(map(str, Nation))
BASES = tuple(map(str, Basis))
HOLDERS = tuple(map(str, NoContactWith))
LADO = str(OrganisationKind.LADO)
SOCIAL_CARE = str(OrganisationKind.SOCIAL_CARE)
OUT_OF_HOURS = str(OrganisationKind.OUT_OF_HOURS)
FORCE = str(OrganisationKind.FORCE)
SCHOOL = str(OrganisationKind.SCHOOL)
KINDS = tuple(map(str, OrganisationKind))
GRADES = tuple(map(str, Grade))
SEES = tuple(map(str, Sees))

SUBJECTS: Mapping[str, tuple[str, ...]] = {
    Subject.CHILD: ("referral", "child"),
    Subject.PERSON: ("referral", "person"),
    Subject.ROLE: ("referral", "person", "role"),
    Subject.REFERRAL: ("referral",),
}
"""What a rule is about, and whose facts its condition may name."""

PLACES: Mapping[str, str] = {
    Place.CHILD_AREA: "where the child is",
    Place.CHILD_HOME_AREA: "where the child usually lives",
    Place.CHILD_PLACING_AUTHORITY: "the authority that placed the child",
    Place.CHILD_OPEN_CASE_AREA: "the authority where the child's case is open",
    Place.CHILD_SCHOOL: "the school where the child is on the roll",
    Place.PERSON_AREA: "where the person lives",
    Place.PERSON_MANAGING_AREA: "where the person is managed",
    Place.ROLE_AREA: "where the person works or volunteers",
    Place.REFERRAL_AREA: "the area that was given to the referral",
    Place.ANYWHERE: "the whole country",
}
"""What an organisation is looked up by, and how that is said."""

_NATIONS = (*NATIONS, ELSEWHERE, UNKNOWN)
_AREAS = (*installed().areas, UNKNOWN)
_COUNTRIES = (*installed().countries, UNKNOWN)

Value = bool | str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that conditions may ask: its wording, and every value that it can have."""

    words: str
    values: tuple[Value, ...] = (False, True)
    names: Mapping[str, str] = field(default_factory=dict)
    """How values are said that are codes."""


_PLACES = {code: place.name for code in installed() if (place := installed().place(code))}
_NATION_NAMES = {**NATION_NAMES, ELSEWHERE: "outside the United Kingdom", UNKNOWN: "not known"}

FACTS: Mapping[str, Fact] = {
    "referral.grade": Fact("the grade that the police gave", GRADES),
    "referral.effective_grade": Fact("the grade that deadlines follow", GRADES),
    "referral.category": Fact("the category of concern", tuple(map(str, ConcernCategory))),
    "referral.domestic_abuse": Fact("there is domestic abuse"),
    "referral.reported_nationally": Fact("it began as a report through NCMEC, the NCA or CEOP"),
    "referral.area_given": Fact("an area was given to the referral, and it lists no child"),
    "referral.child_listed": Fact("a child is listed, if only in the household"),
    "child.age": Fact("the child's age", ("unborn", "under_5", "5_to_17", "18_or_over", "unknown")),
    "child.area": Fact("the child's area", _AREAS, _PLACES),
    "child.nation": Fact("the child's nation", _NATIONS, _NATION_NAMES),
    "child.country": Fact("the child's country", _COUNTRIES, _PLACES),
    "child.abroad": Fact("the child is outside the United Kingdom and the Crown dependencies"),
    "child.missing": Fact("the child is missing now"),
    "child.returned": Fact("the child was missing and is back"),
    "child.looked_after": Fact("the child is looked after by an authority"),
    "child.protection_plan": Fact("the child has a protection plan"),
    "child.placed_elsewhere": Fact("another authority placed the child"),
    "child.found_elsewhere": Fact("the child is away from where it usually lives"),
    "child.open_case_elsewhere": Fact("another authority has an open case"),
    "child.lives_with_suspect": Fact("the child lives with a person posing risk"),
    "child.meets_suspect": Fact("the child lives with or regularly meets a person posing risk"),
    "child.at_school": Fact("the child is on the roll of a school"),
    "child.health_need": Fact("the child has a health need"),
    "child.adult_at_risk": Fact("an adult at risk lives in the child's household"),
    "child.other_force": Fact("the child is in another force's area"),
    "person.age": Fact("the person's age", ("under_18", "adult", "unknown")),
    "person.under_ten": Fact(
        "the person is under 10, and cannot be held to have committed a crime"
    ),
    "person.area": Fact("the person's area", _AREAS, _PLACES),
    "person.nation": Fact("the person's nation", _NATIONS, _NATION_NAMES),
    "person.country": Fact("the person's country", _COUNTRIES, _PLACES),
    "person.abroad": Fact("the person is outside the United Kingdom and the Crown dependencies"),
    "person.managed_by": Fact("who manages the person", ("none", *map(str, ManagedBy))),
    "person.status": Fact("the person's managed status", (*map(str, ManagementStatus), "unknown")),
    "person.other_force": Fact("the person lives in another force's area"),
    "role.kind": Fact("the kind of work", (*map(str, WorkKind), "unknown")),
    "role.area": Fact("the area of the work", _AREAS, _PLACES),
    "role.nation": Fact("the nation of the work", _NATIONS, _NATION_NAMES),
    "role.works_with_children": Fact("the person works or volunteers with children"),
}
