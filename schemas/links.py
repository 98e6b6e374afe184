"""Whether the local ids of a referral are given once and point at something.

Read from the document as received, so that these faults stand beside all the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.child import Child
from schemas.concern import ABOUT, BLOCKS
from schemas.errors import Fault
from schemas.names import name_of
from schemas.online import Identity, Online
from schemas.person import ContactWithChild, HouseholdMember, PersonPosingRisk

SOMEBODY = "somebody-not-read"
"""Stands where an id could not be read, so that what it is about is not about everybody."""
_PEOPLE = ("children", "household", "persons_posing_risk")
_CHILDREN = name_of(HouseholdMember, lambda member: member.children)
_CONTACT = name_of(PersonPosingRisk, lambda person: person.contact)
_CHILD_OF_CONTACT = name_of(ContactWithChild, lambda contact: contact.child)
_LIVES_WITH = name_of(Child, lambda child: child.lives_with)
_IDENTITIES = name_of(Online, lambda online: online.identities)
_BELONGS_TO = name_of(Identity, lambda identity: identity.belongs_to)
_OF_IDENTITIES = f"/online/{_IDENTITIES}"
_CONCERN, _ACTION_TAKEN = "concern", "action_taken"
_CHILD = "unknown-child: No child in this document has this id."
_PERSON = "unknown-person: Nobody in this document has this id."
_TWICE = "duplicate-id: This id is given twice; give each child and person its own."


def check(document: dict[str, Any]) -> list[Fault]:
    """Return what is wrong with the ids of a document, whatever shape it has."""
    faults: list[Fault] = []
    seen: set[str] = set()
    children, household, persons = (
        _ids(document.get(group), f"/{group}", seen, faults) for group in _PEOPLE
    )
    young = children | household
    people = young | persons | {SOMEBODY}
    _ids(_identities(document), _OF_IDENTITIES, set(), faults)
    for pointer, member in _items(document.get("household"), "/household"):
        faults += _unknown(member, _CHILDREN, pointer, children | {SOMEBODY}, _CHILD)
    for pointer, person in _items(document.get("persons_posing_risk"), "/persons_posing_risk"):
        for place, contact in _items(person.get(_CONTACT), f"{pointer}/{_CONTACT}"):
            faults += _missing(contact, _CHILD_OF_CONTACT, place, young, _CHILD)
    for pointer, child in _items(document.get("children"), "/children"):
        faults += _unknown(child, _LIVES_WITH, pointer, people, _PERSON)
    for pointer, identity in _items(_identities(document), _OF_IDENTITIES):
        faults += _missing(identity, _BELONGS_TO, pointer, people, _PERSON)
    for pointer, block in _blocks(document):
        faults += _unknown(block, ABOUT, pointer, people, _PERSON)
    return faults


def _ids(value: Any, pointer: str, seen: set[str], faults: list[Fault]) -> set[str]:
    """Return the ids of a list's items; each that was seen before is a fault."""
    ids: set[str] = set()
    for at, item in enumerate(value) if isinstance(value, list) else ():
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            faults.append(_fault(f"{pointer}/{at}/id", _TWICE))
        seen.add(name)
        ids.add(name)
    return ids


def _unknown(
    item: dict[str, Any], field: str, pointer: str, known: set[str], message: str
) -> Iterable[Fault]:
    """Return a fault for each id in a list of an item that nobody has."""
    names = item.get(field)
    if not isinstance(names, list):
        return ()
    return [
        _fault(f"{pointer}/{field}/{at}", message)
        for at, name in enumerate(names)
        if isinstance(name, str) and name not in known
    ]


def _missing(
    item: dict[str, Any], field: str, pointer: str, known: set[str], message: str
) -> Iterable[Fault]:
    """Return a fault for an id in an item that nobody has."""
    name = item.get(field)
    is_unknown = isinstance(name, str) and name not in known
    return [_fault(f"{pointer}/{field}", message)] if is_unknown else ()


def _blocks(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what may say whom it is about."""
    blocks = _items(document.get(_ACTION_TAKEN), f"/{_ACTION_TAKEN}")
    concern = document.get(_CONCERN)
    if isinstance(concern, dict):
        blocks.append((f"/{_CONCERN}", concern))
        for name in BLOCKS:
            blocks += _items(concern.get(name), f"/{_CONCERN}/{name}")
    return blocks


def _identities(document: dict[str, Any]) -> Any:
    online = document.get("online")
    return online.get(_IDENTITIES) if isinstance(online, dict) else None


def _items(value: Any, pointer: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the objects in a list, each with its pointer; none of what is no list."""
    if not value or not isinstance(value, list):
        return []
    return [(f"{pointer}/{at}", item) for at, item in enumerate(value) if isinstance(item, dict)]


def _fault(pointer: str, message: str) -> Fault:
    code, _, sentence = message.partition(": ")
    return Fault(pointer, code, sentence)
