"""Whether the local ids of a referral are given once and point at something.

Read from the document as received, so that these faults stand beside all the others.
"""

from __future__ import annotations

from typing import Any

from schemas.child import Child
from schemas.concern import ABOUT, BLOCKS
from schemas.errors import Fault
from schemas.names import name_of
from schemas.online import Identity, Online
from schemas.person import ContactWithChild, HouseholdMember, PersonPosingRisk

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
    people = young | persons
    _ids(_identities(document), _OF_IDENTITIES, set(), faults)
    for pointer, member in _items(document.get("household"), "/household"):
        faults += _unknown(member.get(_CHILDREN), f"{pointer}/{_CHILDREN}", children, _CHILD)
    for pointer, person in _items(document.get("persons_posing_risk"), "/persons_posing_risk"):
        for place, contact in _items(person.get(_CONTACT), f"{pointer}/{_CONTACT}"):
            child = contact.get(_CHILD_OF_CONTACT)
            faults += _missing(child, f"{place}/{_CHILD_OF_CONTACT}", young, _CHILD)
    for pointer, child in _items(document.get("children"), "/children"):
        faults += _unknown(child.get(_LIVES_WITH), f"{pointer}/{_LIVES_WITH}", people, _PERSON)
    for pointer, identity in _items(_identities(document), _OF_IDENTITIES):
        place = f"{pointer}/{_BELONGS_TO}"
        faults += _missing(identity.get(_BELONGS_TO), place, people, _PERSON)
    for pointer, block in _blocks(document):
        faults += _unknown(block.get(ABOUT), f"{pointer}/{ABOUT}", people, _PERSON)
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


def _unknown(names: Any, pointer: str, known: set[str], message: str) -> list[Fault]:
    """Return a fault for each id in a list that nobody has."""
    if not isinstance(names, list):
        return []
    return [
        _fault(f"{pointer}/{at}", message)
        for at, name in enumerate(names)
        if isinstance(name, str) and name not in known
    ]


def _missing(name: Any, pointer: str, known: set[str], message: str) -> list[Fault]:
    """Return a fault for an id that nobody has."""
    return [_fault(pointer, message)] if isinstance(name, str) and name not in known else []


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
    if not isinstance(value, list):
        return []
    return [(f"{pointer}/{at}", item) for at, item in enumerate(value) if isinstance(item, dict)]


def _fault(pointer: str, message: str) -> Fault:
    code, _, sentence = message.partition(": ")
    return Fault(pointer, code, sentence)
