"""What routing needs to know of a referral: typed facts, derived from its document in one place.

The document is already validated. Whatever is absent or not known gives the cautious value, and
nothing here holds a name or an address: people are known by their local ids alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from broker.domain.codes import Grade
from broker.policy.language.directory import Directory
from broker.policy.language.vocabulary import FORCE

ADULT_AT = 18
_NATIONAL = frozenset({"NCMEC", "NCA", "CEOP"})
_WORK_WITH_CHILDREN = frozenset({"foster_carer", "registered_childminder"})
_Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Embargo:
    """Who may not be contacted before an instant."""

    until: datetime
    reason: str | None
    no_contact_with: frozenset[str]


@dataclass(frozen=True, slots=True)
class Subject:
    """Anything that a row can be about."""

    id: str
    pointer: str
    """JSON pointer into the document."""


@dataclass(frozen=True, slots=True)
class Overall(Subject):
    """Facts about the referral as a whole; named ``referral`` in conditions."""

    grade: Grade
    effective_grade: Grade
    category: str
    domestic_abuse: bool
    reported_nationally: bool


@dataclass(frozen=True, slots=True)
class Child(Subject):
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
class Person(Subject):
    """Facts about one person posing risk."""

    age: str
    area: str | None
    managing_area: str | None
    managed_by: str
    status: str
    other_force: bool
    contact: Mapping[str, str]
    """How the person has to do with each child, by the child's local id."""


@dataclass(frozen=True, slots=True)
class Work(Subject):
    """Facts about one role at work or as a volunteer; named ``role`` in conditions."""

    person: Person
    area: str | None
    kind: str
    works_with_children: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that routing asks about one referral."""

    publisher: str
    overall: Overall
    children: tuple[Child, ...]
    persons: tuple[Person, ...]
    roles: tuple[Work, ...]
    embargo: Embargo | None
    first_known_at: datetime | None
    """When the police first knew."""
    not_to: frozenset[str]
    """Organisation codes or kinds that must not be told."""

    def subjects(self, kind: str) -> Sequence[Subject]:
        """Return what a row of a kind looks at, one by one."""
        every: Mapping[str, Sequence[Subject]] = {
            "child": self.children,
            "person": self.persons,
            "role": self.roles,
            "referral": (self.overall,),
        }
        return every[kind]

    def about(self, subject: Subject) -> Mapping[str, object]:
        """Return the facts that a condition about this subject may name."""
        match subject:
            case Child():
                return {"referral": self.overall, "child": subject}
            case Person():
                return {"referral": self.overall, "person": subject}
            case Work():
                return {"referral": self.overall, "person": subject.person, "role": subject}
            case _:
                return {"referral": self.overall}

    def graded(self, effective: Grade) -> Facts:
        """Return the same facts under another effective grade."""
        return replace(self, overall=replace(self.overall, effective_grade=effective))


def derive(
    document: _Record, *, publisher: str, directory: Directory, on: date, areas: Mapping[str, str]
) -> Facts:
    """Derive the facts of a referral as they are on a local date.

    ``areas`` are those given afterwards, by the local id of a child or person; they count before
    any that the document names.
    """
    records = _numbered(document, "children")
    people = _numbered(document, "persons_posing_risk")
    places = _child_areas(records, people, areas)
    forces = _Forces(publisher, directory, on)
    fallback = next((place[0] for place in places if place[0]), None)
    persons = tuple(_person(n, one, fallback, on, areas, forces) for n, one in people)
    return Facts(
        publisher=publisher,
        overall=_overall(document),
        children=tuple(
            _child(n, one, place, persons, on, forces)
            for (n, one), place in zip(records, places, strict=True)
        ),
        persons=persons,
        roles=tuple(
            _work(person, n, role)
            for person, (_, one) in zip(persons, people, strict=True)
            for n, role in enumerate(one.get("roles") or ())
        ),
        embargo=_embargo(document),
        first_known_at=first_known_at(document),
        not_to=frozenset(
            str(one).casefold() for one in _part(document, "handling").get("do_not_disclose_to", ())
        ),
    )


def first_known_at(document: _Record) -> datetime | None:
    """Return when the police first knew, in UTC."""
    written = known(_part(document, "times").get("first_known_at"))
    return datetime.fromisoformat(written).astimezone(UTC) if written else None


def known(value: Any) -> Any:
    """Return a value, or None where the document says why it is not known."""
    return None if isinstance(value, dict) and "unknown" in value else value


def age_in_years(record: _Record, on: date) -> int | None:
    """Return a child's or person's age on a date, from the date of birth or an estimate."""
    born = known(record.get("date_of_birth"))
    if born:
        day = date.fromisoformat(born)
        return on.year - day.year - ((on.month, on.day) < (day.month, day.day))
    estimate = known(record.get("age", record.get("approximate_age")))
    return estimate if isinstance(estimate, int) else None


def is_under_18(record: _Record, on: date) -> bool:
    """Tell whether somebody is known to be a child on a date."""
    age = age_in_years(record, on)
    return age is not None and age < ADULT_AT


@dataclass(frozen=True, slots=True)
class _Forces:
    """Knows whose area a place is in."""

    publisher: str
    directory: Directory
    on: date

    def is_another(self, area: str | None) -> bool:
        force = self.directory.serving(FORCE, area, self.on) if area else None
        return force is not None and force.code != self.publisher


def _numbered(document: _Record, name: str) -> list[tuple[int, _Record]]:
    return list(enumerate(document.get(name) or ()))


def _part(record: _Record, name: str) -> _Record:
    found = known(record.get(name))
    return found if isinstance(found, dict) else {}


def _overall(document: _Record) -> Overall:
    grade, concern = Grade(document["grade"]["level"]), _part(document, "concern")
    sources = {one.get("source") for one in _part(document, "online").get("reports") or ()}
    return Overall(
        id="",
        pointer="",
        grade=grade,
        effective_grade=grade,
        category=concern.get("category", "other"),
        domestic_abuse=known(concern.get("domestic_abuse")) is True,
        reported_nationally=bool(sources & _NATIONAL),
    )


def _child_areas(
    records: Sequence[tuple[int, _Record]],
    people: Sequence[tuple[int, _Record]],
    areas: Mapping[str, str],
) -> list[tuple[str | None, str, bool]]:
    """Return each child's area, why, and whether it is assumed from where others are.

    The order is: given afterwards, found, living, living with somebody whose area is known, and
    at last where the first other child is, so that no child is left without an owner.
    """
    homes = {one["id"]: known(one.get("area")) for _, one in people}
    homes |= {id_: area for id_, area in areas.items() if id_ in homes}
    found = [_own_area(one, homes, people, areas) for _, one in records]
    first = next((area for area, _ in found if area), None)
    return [
        (area, why, False) if area else (first, "assumed to be where another child is", bool(first))
        for area, why in found
    ]


def _own_area(
    child: _Record,
    homes: Mapping[str, str | None],
    people: Sequence[tuple[int, _Record]],
    areas: Mapping[str, str],
) -> tuple[str | None, str]:
    if given := areas.get(child["id"]):
        return given, "as was said afterwards"
    if found := known(child.get("found_area")):
        return found, "where the child was found"
    if home := known(child.get("area")):
        return home, "where the child lives"
    together = {*(child.get("lives_with") or ())} | {
        one["id"] for _, one in people if _contact(one).get(child["id"]) == "lives_with"
    }
    shared = next((homes[id_] for id_ in sorted(together) if homes.get(id_)), None)
    return shared, "where the person lives with whom the child lives"


def _child(
    number: int,
    record: _Record,
    place: tuple[str | None, str, bool],
    persons: Sequence[Person],
    on: date,
    forces: _Forces,
) -> Child:
    area, because, assumed = place
    home, placing = known(record.get("area")), known(record.get("placing_authority"))
    open_in = known(_part(record, "open_case").get("area"))
    urn = _part(record, "school").get("urn")
    together = {*(record.get("lives_with") or ())}
    contact = {person.contact.get(record["id"], "") for person in persons}
    lives_with = "lives_with" in contact or any(person.id in together for person in persons)
    return Child(
        id=record["id"],
        pointer=f"/children/{number}",
        age=_child_age(record, on),
        area=area,
        area_because=because,
        area_is_assumed=assumed,
        home_area=home,
        placing_authority=placing,
        open_case_area=open_in,
        school_urn=urn,
        missing=_part(record, "missing").get("status") == "missing",
        looked_after=known(record.get("looked_after")) is True,
        protection_plan=known(record.get("protection_plan")) is True,
        placed_elsewhere=bool(placing) and placing != area,
        found_elsewhere=bool(home) and home not in (area, placing),
        open_case_elsewhere=bool(open_in) and open_in not in (area, placing, home),
        lives_with_suspect=lives_with,
        meets_suspect=lives_with or "regular" in contact,
        at_school=bool(urn),
        health_need=bool(_part(record, "health").get("needs")),
        other_force=forces.is_another(area),
    )


def _child_age(record: _Record, on: date) -> str:
    if known(record.get("expected_date_of_birth")):
        return "unborn"
    years = age_in_years(record, on)
    if years is None:
        return "unknown"
    if years < 5:
        return "under_5"
    return "5_to_17" if years < ADULT_AT else "18_or_over"


def _person(
    number: int,
    record: _Record,
    fallback: str | None,
    on: date,
    areas: Mapping[str, str],
    forces: _Forces,
) -> Person:
    years, managed = age_in_years(record, on), _part(record, "management")
    own = areas.get(record["id"]) or known(record.get("area"))
    return Person(
        id=record["id"],
        pointer=f"/persons_posing_risk/{number}",
        age="unknown" if years is None else "under_18" if years < ADULT_AT else "adult",
        area=own or fallback,
        managing_area=known(managed.get("area")) or own or fallback,
        managed_by=known(managed.get("managed_by")) or "none",
        status=known(managed.get("status")) or "unknown",
        other_force=forces.is_another(own),
        contact=_contact(record),
    )


def _contact(record: _Record) -> dict[str, str]:
    entries = (one for one in record.get("contact") or () if isinstance(one, dict))
    return {
        entry["child"]: str(known(entry.get("nature")) or "")
        for entry in entries
        if "child" in entry
    }


def _work(person: Person, number: int, record: _Record) -> Work:
    kind = known(record.get("kind")) or "unknown"
    with_children = known(record.get("works_with_children")) is True
    return Work(
        id=person.id,
        pointer=f"{person.pointer}/roles/{number}",
        person=person,
        area=known(record.get("area")),
        kind=kind,
        works_with_children=with_children or kind in _WORK_WITH_CHILDREN,
    )


def _embargo(document: _Record) -> Embargo | None:
    record = _part(_part(document, "handling"), "embargo")
    until = known(record.get("until"))
    if not until:
        return None
    return Embargo(
        until=datetime.fromisoformat(until),
        reason=record.get("reason"),
        no_contact_with=frozenset(record.get("no_contact_with") or ()),
    )
