"""What routing needs to know of a referral: typed facts, derived from it in one place.

Whatever is absent or not known gives the cautious value, and nothing in the facts holds a name or
an address: people are known by their local ids alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import date, datetime

from broker.domain.codes import Grade
from broker.errors import Fault
from broker.policy.household import adults_at_risk, household_children, without_age
from broker.policy.language.directory import Directory
from broker.policy.language.vocabulary import FORCE
from broker.policy.places.gazetteer import Gazetteer
from broker.policy.routing.localities import NOWHERE, Locality, authority, locate
from broker.policy.routing.wishes import employers
from schemas.child import Child
from schemas.codes import (
    ConcernCategory,
    ContactNature,
    ManagementStatus,
    MissingStatus,
    ReportSource,
    WorkKind,
)
from schemas.defects import ADULT_AT, age_on, is_unborn, plausible_age
from schemas.handling import Embargo
from schemas.immutable import immutable
from schemas.person import PersonPosingRisk, WorkRole
from schemas.referral import Referral
from schemas.spellings import says_nothing
from schemas.unknown import known

WHOLE = "referral"
"""Stands, among areas that are given afterwards, for the referral itself and not for a local id."""
_LISTED = "/children/"
_CONTACT = ("lives_with_suspect", "meets_suspect")
_RESPONSIBLE_AT = 10
"""The age of criminal responsibility in England, Wales and Northern Ireland, in years (Children and
Young Persons Act 1933 section 50)."""
_NATIONAL = frozenset({ReportSource.NCMEC, ReportSource.NCA, ReportSource.CEOP})
_WORK_WITH_CHILDREN = frozenset({WorkKind.FOSTER_CARER, WorkKind.REGISTERED_CHILDMINDER})


@immutable
class SubjectFacts:
    """Anything that a rule can be about."""

    id: str
    pointer: str
    """JSON pointer into the document."""
    unknown: frozenset[str] = field(default=frozenset(), kw_only=True)
    """Facts that nobody said: each has its cautious value, and a rule that it decides is noted."""


@immutable
class OverallFacts(SubjectFacts):
    """Facts about the referral as a whole; named ``referral`` in conditions."""

    grade: Grade
    effective_grade: Grade
    category: ConcernCategory
    domestic_abuse: bool
    reported_nationally: bool
    area: str | None
    area_given: bool
    """Whether ``area`` was given to the referral itself, and there is no child to take it."""
    child_listed: bool


@immutable
class ChildFacts(SubjectFacts):
    """Facts about one child."""

    age: str
    area: str | None
    nation: str
    country: str
    abroad: bool
    area_because: str
    area_is_assumed: bool
    home_area: str | None
    placing_authority: str | None
    open_case_area: str | None
    school_urn: str | None
    missing: bool
    returned: bool
    returned_at: datetime | None
    looked_after: bool
    protection_plan: bool
    placed_elsewhere: bool
    found_elsewhere: bool
    open_case_elsewhere: bool
    lives_with_suspect: bool
    meets_suspect: bool
    at_school: bool
    health_need: bool
    adult_at_risk: bool
    """Whether an adult at risk shares its home, as far as the household says so."""
    other_force: bool


@immutable
class PersonFacts(SubjectFacts):
    """Facts about one person posing risk."""

    age: str
    under_ten: bool
    area: str | None
    nation: str
    country: str
    abroad: bool
    managing_area: str | None
    managed_by: str
    """A ``ManagedBy``, or ``none``."""
    status: str
    """A ``ManagementStatus``, or ``unknown``."""
    other_force: bool
    contact: Mapping[str, ContactNature]
    """What contact the person has with each child, by the child's local id."""


@immutable
class RoleFacts(SubjectFacts):
    """Facts about one role at work or as a volunteer; named ``role`` in conditions."""

    person: PersonFacts
    area: str | None
    nation: str
    kind: WorkKind
    works_with_children: bool


@immutable
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
    not_to: tuple[str, ...]
    """Who must not be told, as the publisher wrote it."""
    employers: frozenset[str]
    """In which words it says where persons posing risk work or volunteer."""
    without_age: tuple[str, ...]
    """Where in the household somebody stands whose age nobody said."""
    doubts: tuple[Fault, ...] = ()
    """What is contradictory or not enough in what the referral says about places."""

    _about: dict[str, Mapping[str, SubjectFacts]] = field(init=False, repr=False, compare=False)
    """By the pointer of a subject; each rule asks for it."""

    def __post_init__(self) -> None:
        whole = self.overall
        about: dict[str, Mapping[str, SubjectFacts]] = {whole.pointer: {"referral": whole}}
        for child in self.children:
            about[child.pointer] = {"referral": whole, "child": child}
        for person in self.persons:
            about[person.pointer] = {"referral": whole, "person": person}
        for role in self.roles:
            about[role.pointer] = {"referral": whole, "person": role.person, "role": role}
        object.__setattr__(self, "_about", about)

    def subjects(self, kind: str) -> Sequence[SubjectFacts]:
        """Return everything that a rule for a kind of subject looks at."""
        match kind:
            case "child":
                return self.children
            case "person":
                return self.persons
            case "role":
                return self.roles
        return (self.overall,)

    def about(self, subject: SubjectFacts) -> Mapping[str, SubjectFacts]:
        """Return the facts that a condition about this subject may name."""
        return self._about[subject.pointer]

    def graded(self, effective: Grade) -> Facts:
        """Return the same facts under another effective grade."""
        return replace(self, overall=replace(self.overall, effective_grade=effective))


def derive(  # noqa: PLR0913 - each is a fact about the hand-in
    referral: Referral,
    *,
    publisher: str,
    directory: Directory,
    gazetteer: Gazetteer,
    on: date,
    ages_on: date,
    areas: Mapping[str, str],
) -> Facts:
    """Derive the facts of a referral as they are on a local date; ages are those of ``ages_on``.

    ``areas`` are those given afterwards, by the local id of a child or person; they count before
    any that the referral names. The one under ``referral`` is for people who have no other.
    """
    listed, suspects = referral.children, referral.persons_posing_risk
    around = household_children(referral, ages_on) if referral.household else ()
    children = (*listed, *(each.child for each in around))
    homes = _homes(listed, suspects, areas, gazetteer)
    places = _places(referral, homes, [each.child for each in around], areas, gazetteer)
    pointers = [f"/children/{number}" for number in range(len(listed))]
    pointers += [each.pointer for each in around]
    at_risk = adults_at_risk(referral, ages_on) if referral.household else ()
    forces = _Forces(publisher, directory, gazetteer, on)
    persons = tuple(
        _person(number, person, homes[person.id], ages_on, forces)
        for number, person in enumerate(suspects)
    )
    return Facts(
        publisher=publisher,
        overall=_overall(referral, bool(children), areas, gazetteer),
        children=tuple(
            _child(pointer, child, place, persons, ages_on, forces, at_risk=at_risk)
            for pointer, child, place in zip(pointers, children, places, strict=True)
        ),
        persons=persons,
        roles=tuple(
            _role(facts, number, role, gazetteer)
            for facts, person in zip(persons, suspects, strict=True)
            for number, role in enumerate(person.roles)
        ),
        embargo=referral.handling.embargo,
        first_known_at=referral.times.first_known_at,
        not_to=referral.handling.do_not_disclose_to,
        employers=employers(suspects, listed),
        without_age=without_age(referral),
        doubts=_doubts(referral, homes),
    )


@immutable
class _Forces:
    """Knows whose area a place is in."""

    publisher: str
    directory: Directory
    gazetteer: Gazetteer
    on: date

    def is_another(self, area: str | None) -> bool:
        force = self.directory.serving(FORCE, area, self.on) if area else None
        return force is not None and force.code != self.publisher


@immutable
class _ChildPlace:
    """Where a child is, and how that is known."""

    at: Locality
    because: str
    home: Locality
    is_assumed: bool = False


def _overall(
    referral: Referral, child_listed: bool, areas: Mapping[str, str], gazetteer: Gazetteer
) -> OverallFacts:
    grade, concern = referral.grade.level, referral.concern
    return OverallFacts(
        id="",
        pointer="",
        grade=grade,
        effective_grade=grade,
        category=concern.category,
        domestic_abuse=concern.domestic_abuse is True,
        area=_whole(areas, gazetteer).area,
        area_given=WHOLE in areas and not child_listed,
        child_listed=child_listed,
        reported_nationally=any(report.source in _NATIONAL for report in referral.online.reports),
        unknown=frozenset(["domestic_abuse"] if concern.domestic_abuse is None else []),
    )


def _homes(
    children: Sequence[Child],
    suspects: Sequence[PersonPosingRisk],
    areas: Mapping[str, str],
    gazetteer: Gazetteer,
) -> dict[str, Locality]:
    """Return where each child and person lives, by local id."""
    homes = {child.id: locate(child.area, child.address, gazetteer) for child in children}
    for person in suspects:
        later = areas.get(person.id)
        own = (later, None) if later else (person.area, person.address)
        home = locate(*own, gazetteer)
        homes[person.id] = home if home.is_known else _whole(areas, gazetteer)
    return homes


def _whole(areas: Mapping[str, str], gazetteer: Gazetteer) -> Locality:
    """Return the place that was given to the referral itself."""
    return locate(areas[WHOLE], None, gazetteer) if WHOLE in areas else NOWHERE


def _places(
    referral: Referral,
    homes: Mapping[str, Locality],
    around: Sequence[Child],
    areas: Mapping[str, str],
    gazetteer: Gazetteer,
) -> list[_ChildPlace]:
    """Return where each child is, in their order; those in the household, ``around``, at last.

    The order is: given afterwards, found, living, living with somebody whose area is known, and
    at last where the first other child is, so that no child is left without an owner. A child who
    is known to be abroad, or may be because abuse was streamed live, is not taken to be there.
    """
    suspects = referral.persons_posing_risk
    places = [_own_place(child, homes, suspects, areas, gazetteer) for child in referral.children]
    ids = [child.id for child in referral.children]
    here = {id_: place.at for id_, place in zip(ids, places, strict=True)}
    places += [_place_around(child, homes, here, areas, gazetteer) for child in around]
    first = next((place.at for place in places if place.at.area), None)
    because, is_assumed = "assumed to be where another child is", True
    if WHOLE in areas:
        first, is_assumed = _whole(areas, gazetteer), False
        because = "as was said of the whole referral"
    elif first is None or referral.concern.category is ConcernCategory.LIVESTREAMING:
        return places
    return [
        place if place.at.is_known else _ChildPlace(first, because, place.home, is_assumed)
        for place in places
    ]


def _own_place(
    child: Child,
    homes: Mapping[str, Locality],
    suspects: Sequence[PersonPosingRisk],
    areas: Mapping[str, str],
    gazetteer: Gazetteer,
) -> _ChildPlace:
    home = homes[child.id]
    if area := areas.get(child.id):
        return _ChildPlace(locate(area, None, gazetteer), "as was said afterwards", home)
    for at, because in (
        (locate(child.found_area, None, gazetteer), "where the child was found"),
        (home, "where the child lives"),
    ):
        if at.is_known:
            return _ChildPlace(at, f"{because} ({at.words})" if at.words else because, home)
    together = {*child.lives_with} | {
        person.id
        for person in suspects
        if _contact(person).get(child.id) is ContactNature.LIVES_WITH
    }
    known_homes = (homes[id_] for id_ in sorted(together) if id_ in homes)
    shared = next((known_home for known_home in known_homes if known_home.area), home)
    return _ChildPlace(shared, "where the person lives with whom the child lives", home)


def _place_around(
    child: Child,
    homes: Mapping[str, Locality],
    here: Mapping[str, Locality],
    areas: Mapping[str, str],
    gazetteer: Gazetteer,
) -> _ChildPlace:
    """Return where a child of the household is: at home with those whose household it is."""
    if area := areas.get(child.id):
        return _ChildPlace(locate(area, None, gazetteer), "as was said afterwards", NOWHERE)
    lived_in = [homes.get(id_, NOWHERE) for id_ in child.lives_with]
    known = [at for at in lived_in if at.is_known] or [
        here[id_] for id_ in child.lives_with if id_ in here and here[id_].is_known
    ]
    if not known:
        return _ChildPlace(NOWHERE, "", NOWHERE)
    is_assumed = not here or len({at.area for at in known}) > 1
    return _ChildPlace(known[0], "where those live in whose household it is", known[0], is_assumed)


def _doubts(referral: Referral, homes: Mapping[str, Locality]) -> tuple[Fault, ...]:
    """Return what people should look at in the places of children and persons."""
    if not any(home.conflict or home.gap for home in homes.values()):
        return ()
    children, suspects = referral.children, referral.persons_posing_risk
    pointers = {child.id: f"/children/{number}" for number, child in enumerate(children)}
    pointers |= {each.id: f"/persons_posing_risk/{n}" for n, each in enumerate(suspects)}
    doubts = []
    for id_, pointer in pointers.items():
        if conflict := homes[id_].conflict:
            words = f"Area and address disagree: {conflict}. The area counts; check it."
            doubts.append(Fault(f"{pointer}/area", "area-disagrees", words))
        elif gap := homes[id_].gap:
            words = f"No area can be worked out from what is written. {gap}"
            doubts.append(Fault(pointer, "no-recipient", words))
    return tuple(doubts)


def _child(  # noqa: PLR0913 - each is a fact about the child
    pointer: str,
    child: Child,
    place: _ChildPlace,
    persons: Sequence[PersonFacts],
    on: date,
    forces: _Forces,
    *,
    at_risk: Sequence[frozenset[str]],
) -> ChildFacts:
    area, home = place.at.area, place.home.area
    placing = authority(child.placing_authority, forces.gazetteer)
    open_in = authority(child.open_case.area if child.open_case else None, forces.gazetteer)
    urn = child.school.urn if child.school else None
    contact, missing = _nearest_contact(child, persons), known(child.missing)
    return ChildFacts(
        id=child.id,
        pointer=pointer,
        age=_child_age(child, on),
        area=area,
        nation=place.at.nation,
        country=place.at.country,
        abroad=place.at.is_abroad,
        area_because=place.because,
        area_is_assumed=place.is_assumed,
        home_area=home,
        placing_authority=placing,
        open_case_area=open_in,
        school_urn=urn,
        missing=missing is not None and missing.is_away,
        returned=missing is not None and missing.status is MissingStatus.RETURNED,
        returned_at=missing.returned_at if missing is not None else None,
        looked_after=child.looked_after is True,
        protection_plan=child.protection_plan is True,
        placed_elsewhere=bool(placing) and placing != area,
        found_elsewhere=bool(home) and home not in (area, placing),
        open_case_elsewhere=bool(open_in) and open_in not in (area, placing, home),
        lives_with_suspect=contact is ContactNature.LIVES_WITH,
        meets_suspect=contact is not None,
        at_school=bool(urn),
        health_need=child.health is not None and bool(child.health.needs),
        adult_at_risk=any(_share_home(child, pointer, home) for home in at_risk),
        other_force=forces.is_another(area),
        # Of those in the household nobody is asked what the children listed are asked.
        unknown=_unknown_of_child(child, persons, on)
        if pointer.startswith(_LISTED)
        else frozenset(),
    )


def _nearest_contact(child: Child, persons: Sequence[PersonFacts]) -> ContactNature | None:
    """Return whether a person posing risk lives with a child or regularly meets it, else None."""
    natures = {person.contact.get(child.id) for person in persons}
    if ContactNature.LIVES_WITH in natures or any(
        person.id in child.lives_with for person in persons
    ):
        return ContactNature.LIVES_WITH
    return ContactNature.REGULAR if ContactNature.REGULAR in natures else None


def _share_home(child: Child, pointer: str, home: frozenset[str]) -> bool:
    """Tell whether a child is one of those, or lives with one of those, who share a home.

    Where nobody else is listed, all of the household share one.
    """
    if not home:
        return not pointer.startswith(_LISTED) and not child.lives_with
    return child.id in home or not home.isdisjoint(child.lives_with)


def _child_age(child: Child, on: date) -> str:
    if is_unborn(child, on):
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
    lives: Locality,
    on: date,
    forces: _Forces,
) -> PersonFacts:
    years, management = plausible_age(on, person.date_of_birth, person.age), person.management
    managed_in = authority(management.area if management else None, forces.gazetteer)
    return PersonFacts(
        id=person.id,
        pointer=f"/persons_posing_risk/{number}",
        age="unknown" if years is None else "under_18" if years < ADULT_AT else "adult",
        under_ten=years is not None and years < _RESPONSIBLE_AT,
        area=lives.area,
        nation=lives.nation,
        country=lives.country,
        abroad=lives.is_abroad,
        managing_area=managed_in or lives.area,
        managed_by=(management.managed_by if management else None) or "none",
        status=management.status if management else "unknown",
        other_force=forces.is_another(lives.area),
        contact=_contact(person),
        unknown=_unknown_of_person(person, lives, years),
    )


def _unknown_of_person(
    person: PersonPosingRisk, lives: Locality, years: int | None
) -> frozenset[str]:
    """Return what nobody said of a person: age, place, and who manages a managed offender."""
    management = person.management
    is_managed = management is not None and management.status is not ManagementStatus.NONE
    unmanaged = is_managed and management is not None and management.managed_by is None
    unknown = ["managed_by"] if unmanaged else []
    unknown += [] if lives.is_known else ["other_force"]
    return frozenset([*unknown, "age"] if years is None else unknown)


def _unknown_of_child(child: Child, persons: Sequence[PersonFacts], on: date) -> frozenset[str]:
    """Return what nobody said of a child, of what the referral itself gives reason to ask.

    A school without its number, and a looked-after child whom nobody placed, are such; a child
    without a school is not. Of one who is not born yet nothing is asked that it cannot have.
    """
    unknown = []
    if child.school is not None and not child.school.urn and _is_said(child.school.name):
        unknown.append("at_school")
    if child.health is not None and not child.health.needs and _is_said(child.health.details):
        unknown.append("health_need")
    if child.looked_after is True and not child.placing_authority:
        unknown.append("placed_elsewhere")
    if not is_unborn(child, on):
        unknown += _unsaid(child, persons)
        if child.approximate_age is None and not isinstance(child.date_of_birth, date):
            unknown.append("age")
    return frozenset(unknown)


def _is_said(text: str | None) -> bool:
    return text is not None and not says_nothing(text)


def _unsaid(child: Child, persons: Sequence[PersonFacts]) -> Iterator[str]:
    if known(child.missing) is None:
        yield from ("missing", "returned")
    if child.looked_after is None:
        yield "looked_after"
    if child.protection_plan is None:
        yield "protection_plan"
    natures = {person.contact.get(child.id, ContactNature.UNKNOWN) for person in persons}
    if ContactNature.UNKNOWN in natures and _nearest_contact(child, persons) is None:
        # Who says with whom the child lives says with whom it does not.
        yield from ("meets_suspect",) if child.lives_with else _CONTACT


def _contact(person: PersonPosingRisk) -> dict[str, ContactNature]:
    return {contact.child: contact.nature for contact in person.contact}


def _role(person: PersonFacts, number: int, role: WorkRole, gazetteer: Gazetteer) -> RoleFacts:
    at = locate(role.area, None, gazetteer)
    is_work = role.kind in _WORK_WITH_CHILDREN
    return RoleFacts(
        id=person.id,
        pointer=f"{person.pointer}/roles/{number}",
        person=person,
        area=at.area,
        nation=at.nation,
        kind=role.kind,
        works_with_children=role.works_with_children is True or is_work,
        unknown=frozenset(
            ["works_with_children"] if role.works_with_children is None and not is_work else []
        ),
    )
