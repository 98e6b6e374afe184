"""What routing needs to know of a referral: typed facts, derived from it in one place.

Whatever is absent or not known gives the cautious value, and nothing in the facts holds a name or
an address: people are known by their local ids alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from broker.domain.codes import Grade
from broker.policy.language.directory import Directory
from broker.policy.language.vocabulary import FORCE
from schemas.child import Child
from schemas.codes import (
    ConcernCategory,
    ContactNature,
    MissingStatus,
    ReportSource,
    WorkKind,
)
from schemas.handling import Embargo
from schemas.person import PersonPosingRisk, WorkRole
from schemas.referral import Referral
from schemas.unknown import Unknown, known

ADULT_AT = 18
_NATIONAL = frozenset({ReportSource.NCMEC, ReportSource.NCA, ReportSource.CEOP})
_WORK_WITH_CHILDREN = frozenset({WorkKind.FOSTER_CARER, WorkKind.REGISTERED_CHILDMINDER})


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """Anything that a rule can be about."""

    id: str
    pointer: str
    """JSON pointer into the document."""


@dataclass(frozen=True, slots=True)
class OverallFacts(SubjectFacts):
    """Facts about the referral as a whole; named ``referral`` in conditions."""

    grade: Grade
    effective_grade: Grade
    category: ConcernCategory
    domestic_abuse: bool
    reported_nationally: bool


@dataclass(frozen=True, slots=True)
class ChildFacts(SubjectFacts):
    """Facts about one child."""

    age: str
    area: str | None
    area_because: str
    area_is_assumed: bool
    home_area: str | None
    placing_authority: str | None
    open_case_area: str | None
    school_urn: str | None
    missing: bool
    looked_after: bool
    protection_plan: bool
    placed_elsewhere: bool
    found_elsewhere: bool
    open_case_elsewhere: bool
    lives_with_suspect: bool
    meets_suspect: bool
    at_school: bool
    health_need: bool
    other_force: bool


@dataclass(frozen=True, slots=True)
class PersonFacts(SubjectFacts):
    """Facts about one person posing risk."""

    age: str
    area: str | None
    managing_area: str | None
    managed_by: str
    """A ``ManagedBy``, or ``none``."""
    status: str
    """A ``ManagementStatus``, or ``unknown``."""
    other_force: bool
    contact: Mapping[str, ContactNature]
    """What contact the person has with each child, by the child's local id."""


@dataclass(frozen=True, slots=True)
class RoleFacts(SubjectFacts):
    """Facts about one role at work or as a volunteer; named ``role`` in conditions."""

    person: PersonFacts
    area: str | None
    kind: WorkKind
    works_with_children: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that routing needs to know about one referral."""

    publisher: str
    overall: OverallFacts
    children: tuple[ChildFacts, ...]
    persons: tuple[PersonFacts, ...]
    roles: tuple[RoleFacts, ...]
    embargo: Embargo | None
    first_known_at: datetime
    """When the police first knew."""
    not_to: frozenset[str]
    """Organisation codes or kinds that must not be told."""

    def subjects(self, kind: str) -> Sequence[SubjectFacts]:
        """Return everything that a rule for a kind of subject looks at."""
        every: Mapping[str, Sequence[SubjectFacts]] = {
            "child": self.children,
            "person": self.persons,
            "role": self.roles,
            "referral": (self.overall,),
        }
        return every[kind]

    def about(self, subject: SubjectFacts) -> Mapping[str, object]:
        """Return the facts that a condition about this subject may name."""
        match subject:
            case ChildFacts():
                return {"referral": self.overall, "child": subject}
            case PersonFacts():
                return {"referral": self.overall, "person": subject}
            case RoleFacts():
                return {"referral": self.overall, "person": subject.person, "role": subject}
            case _:
                return {"referral": self.overall}

    def graded(self, effective: Grade) -> Facts:
        """Return the same facts under another effective grade."""
        return replace(self, overall=replace(self.overall, effective_grade=effective))


def derive(
    referral: Referral,
    *,
    publisher: str,
    directory: Directory,
    on: date,
    areas: Mapping[str, str],
) -> Facts:
    """Derive the facts of a referral as they are on a local date.

    ``areas`` are those given afterwards, by the local id of a child or person; they count before
    any that the referral names.
    """
    children, suspects = referral.children, referral.persons_posing_risk
    places = _places(children, suspects, areas)
    forces = _Forces(publisher, directory, on)
    fallback = next((place.area for place in places if place.area), None)
    persons = tuple(
        _person(number, person, fallback, on, areas, forces)
        for number, person in enumerate(suspects)
    )
    return Facts(
        publisher=publisher,
        overall=_overall(referral),
        children=tuple(
            _child(number, child, place, persons, on, forces)
            for number, (child, place) in enumerate(zip(children, places, strict=True))
        ),
        persons=persons,
        roles=tuple(
            _role(facts, number, role)
            for facts, person in zip(persons, suspects, strict=True)
            for number, role in enumerate(person.roles)
        ),
        embargo=referral.handling.embargo,
        first_known_at=referral.times.first_known_at,
        not_to=frozenset(name.casefold() for name in referral.handling.do_not_disclose_to),
    )


def age_on(day: date, born: date | Unknown | None, estimate: int | None) -> int | None:
    """Return an age in years on a day, from the date of birth or else the estimate."""
    if isinstance(born, date):
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return estimate


@dataclass(frozen=True, slots=True)
class _Forces:
    """Knows whose area a place is in."""

    publisher: str
    directory: Directory
    on: date

    def is_another(self, area: str | None) -> bool:
        force = self.directory.serving(FORCE, area, self.on) if area else None
        return force is not None and force.code != self.publisher


@dataclass(frozen=True, slots=True)
class _ChildPlace:
    """Where a child is, and how that is known."""

    area: str | None
    because: str
    is_assumed: bool = False


def _overall(referral: Referral) -> OverallFacts:
    grade, concern = referral.grade.level, referral.concern
    return OverallFacts(
        id="",
        pointer="",
        grade=grade,
        effective_grade=grade,
        category=concern.category,
        domestic_abuse=concern.domestic_abuse is True,
        reported_nationally=any(report.source in _NATIONAL for report in referral.online.reports),
    )


def _places(
    children: Sequence[Child], suspects: Sequence[PersonPosingRisk], areas: Mapping[str, str]
) -> list[_ChildPlace]:
    """Return where each child is, in their order.

    The order is: given afterwards, found, living, living with somebody whose area is known, and
    at last where the first other child is, so that no child is left without an owner.
    """
    homes = {person.id: areas.get(person.id, person.area) for person in suspects}
    places = [_own_place(child, homes, suspects, areas) for child in children]
    first = next((place.area for place in places if place.area), None)
    return [
        place
        if place.area
        else _ChildPlace(first, "assumed to be where another child is", bool(first))
        for place in places
    ]


def _own_place(
    child: Child,
    homes: Mapping[str, str | None],
    suspects: Sequence[PersonPosingRisk],
    areas: Mapping[str, str],
) -> _ChildPlace:
    if area := areas.get(child.id):
        return _ChildPlace(area, "as was said afterwards")
    if child.found_area:
        return _ChildPlace(child.found_area, "where the child was found")
    if child.area:
        return _ChildPlace(child.area, "where the child lives")
    together = {*child.lives_with} | {
        person.id
        for person in suspects
        if _contact(person).get(child.id) is ContactNature.LIVES_WITH
    }
    shared = next((homes[id_] for id_ in sorted(together) if homes.get(id_)), None)
    return _ChildPlace(shared, "where the person lives with whom the child lives")


def _child(
    number: int,
    child: Child,
    place: _ChildPlace,
    persons: Sequence[PersonFacts],
    on: date,
    forces: _Forces,
) -> ChildFacts:
    area, home, placing = place.area, child.area, child.placing_authority
    open_in = child.open_case.area if child.open_case else None
    urn = child.school.urn if child.school else None
    contact = _nearest_contact(child, persons)
    return ChildFacts(
        id=child.id,
        pointer=f"/children/{number}",
        age=_child_age(child, on),
        area=area,
        area_because=place.because,
        area_is_assumed=place.is_assumed,
        home_area=home,
        placing_authority=placing,
        open_case_area=open_in,
        school_urn=urn,
        missing=_is_missing(child),
        looked_after=child.looked_after is True,
        protection_plan=child.protection_plan is True,
        placed_elsewhere=bool(placing) and placing != area,
        found_elsewhere=bool(home) and home not in (area, placing),
        open_case_elsewhere=bool(open_in) and open_in not in (area, placing, home),
        lives_with_suspect=contact is ContactNature.LIVES_WITH,
        meets_suspect=contact is not None,
        at_school=bool(urn),
        health_need=child.health is not None and bool(child.health.needs),
        other_force=forces.is_another(area),
    )


def _is_missing(child: Child) -> bool:
    missing = known(child.missing)
    return missing is not None and missing.status is MissingStatus.MISSING


def _nearest_contact(child: Child, persons: Sequence[PersonFacts]) -> ContactNature | None:
    """Return whether a person posing risk lives with a child or regularly meets it, else None."""
    natures = {person.contact.get(child.id) for person in persons}
    if ContactNature.LIVES_WITH in natures or any(
        person.id in child.lives_with for person in persons
    ):
        return ContactNature.LIVES_WITH
    return ContactNature.REGULAR if ContactNature.REGULAR in natures else None


def _child_age(child: Child, on: date) -> str:
    if child.expected_date_of_birth:
        return "unborn"
    years = age_on(on, child.date_of_birth, child.approximate_age)
    if years is None:
        return "unknown"
    if years < 5:
        return "under_5"
    return "5_to_17" if years < ADULT_AT else "18_or_over"


def _person(
    number: int,
    person: PersonPosingRisk,
    fallback: str | None,
    on: date,
    areas: Mapping[str, str],
    forces: _Forces,
) -> PersonFacts:
    years, management = age_on(on, person.date_of_birth, person.age), person.management
    own = areas.get(person.id) or person.area
    return PersonFacts(
        id=person.id,
        pointer=f"/persons_posing_risk/{number}",
        age="unknown" if years is None else "under_18" if years < ADULT_AT else "adult",
        area=own or fallback,
        managing_area=(management.area if management else None) or own or fallback,
        managed_by=(management.managed_by if management else None) or "none",
        status=management.status if management else "unknown",
        other_force=forces.is_another(own),
        contact=_contact(person),
    )


def _contact(person: PersonPosingRisk) -> dict[str, ContactNature]:
    return {contact.child: contact.nature for contact in person.contact}


def _role(person: PersonFacts, number: int, role: WorkRole) -> RoleFacts:
    return RoleFacts(
        id=person.id,
        pointer=f"{person.pointer}/roles/{number}",
        person=person,
        area=role.area,
        kind=role.kind,
        works_with_children=role.works_with_children is True or role.kind in _WORK_WITH_CHILDREN,
    )
