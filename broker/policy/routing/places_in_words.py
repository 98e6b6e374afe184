"""Read where people are from fields that were set aside because a name stands there, not a code.

What is judged stays as it is: the field is named as a defect, and its original is shown. Routing
alone takes a name that is that of one place, or a postcode with a letter for a digit in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from broker.errors import Fault
from broker.policy.places.gazetteer import Gazetteer
from schemas import tolerance
from schemas.child import Address, OpenCase
from schemas.immutable import immutable
from schemas.referral import Referral

CODE = "place-in-words"
_FIELD = re.compile(
    r"/(children|persons_posing_risk)/(\d+)/"
    r"(area|found_area|placing_authority|open_case|address/country|address/postcode|"
    r"management/area|roles/\d+/area)"
)

Defects = Sequence[Mapping[str, Any]]


@immutable
class ReadPlaces:
    """A referral in which routing finds places that were written in words, and where they stood."""

    referral: Referral
    remarks: tuple[Fault, ...] = ()

    @property
    def pointers(self) -> frozenset[str]:
        """Where they stood in the document as received."""
        return frozenset(remark.pointer for remark in self.remarks)


def with_places(
    referral: Referral, received: Mapping[str, Any], defects: Defects, gazetteer: Gazetteer
) -> ReadPlaces:
    """Return a referral with the places that are written in words."""
    if not defects:
        return ReadPlaces(referral)
    children = {child.id: child for child in referral.children}
    persons = {person.id: person for person in referral.persons_posing_risk}
    remarks = []
    for pointer, group, id_, field, text in _written(received, defects):
        code, said = _read(field, text, gazetteer)
        people: dict[str, Any] = children if group == "children" else persons
        if code is None or id_ not in people:
            continue
        changed = _placed(people[id_], field, code)
        if changed is None:
            continue
        people[id_] = changed
        words = f"What stands here is no code of a place, and it is read as {said}: check it."
        remarks.append(Fault(pointer, CODE, words))
    if not remarks:
        return ReadPlaces(referral)
    read = replace(
        referral,
        children=tuple(children[child.id] for child in referral.children),
        persons_posing_risk=tuple(persons[each.id] for each in referral.persons_posing_risk),
    )
    return ReadPlaces(read, tuple(remarks))


def _written(
    received: Mapping[str, Any], defects: Defects
) -> Iterator[tuple[str, str, str, str, str]]:
    """Go through the places that were set aside: pointer, group, id, field and what is written."""
    for defect in defects:
        parts = _FIELD.fullmatch(defect["pointer"])
        if parts is None or defect.get("treatment") != tolerance.Treatment.SET_ASIDE:
            continue
        group, number, field = parts.groups()
        value = tolerance.written_at(received, defect["pointer"])
        text = value.get("area") if isinstance(value, dict) else value
        id_ = tolerance.local_id(received, defects, group, int(number))
        if isinstance(text, str) and id_ is not None:
            yield defect["pointer"], group, id_, field, text


def _read(field: str, text: str, gazetteer: Gazetteer) -> tuple[str | None, str]:
    """Return what is to stand in a field, and the place in words; None where no place is meant."""
    if field.endswith("postcode"):
        place = gazetteer.postcode(text).place
        return (text, place.said) if place else (None, "")
    place = gazetteer.named(text)
    if place is None or (field.endswith("country") and gazetteer.country(place.code) is None):
        return None, ""
    return place.code, place.said


def _placed(person: Any, field: str, code: str) -> Any:
    """Return somebody with a place in a field, or None where the field cannot have it."""
    if field.startswith("address/"):
        address = person.address or Address()
        return replace(person, address=replace(address, **{field.partition("/")[2]: code}))
    if field == "management/area":
        management = person.management
        return replace(person, management=replace(management, area=code)) if management else None
    if field.startswith("roles/"):
        return _with_role(person, int(field.split("/")[1]), code)
    if field == "open_case":
        return replace(person, open_case=OpenCase(area=code))
    return replace(person, **{field: code})


def _with_role(person: Any, number: int, code: str) -> Any:
    roles = list(person.roles)
    if number >= len(roles) or roles[number].area is not None:
        return None
    roles[number] = replace(roles[number], area=code)
    return replace(person, roles=tuple(roles))
