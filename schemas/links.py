"""Whether the local ids of a referral are given once and point at something.

Read from the document as received, so that these faults stand beside all the others.
"""

from __future__ import annotations

from collections.abc import Iterator
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
_CONCERN, _ACTION_TAKEN = "concern", "action_taken"
_CHILD = "unknown-child: No child in this document has this id."
_PERSON = "unknown-person: Nobody in this document has this id."
_TWICE = "duplicate-id: This id is given twice; give each child and person its own."


def check(document: dict[str, Any]) -> Iterator[Fault]:
    """Go through what is wrong with the ids of a document, whatever shape it has."""
    children = set(_ids(document, "children"))
    people = {name for group in _PEOPLE for name in _ids(document, group)}
    yield from _duplicates(document)
    for pointer, name in _child_links(document):
        if name not in children:
            yield _fault(pointer, _CHILD)
    children.update(_ids(document, "household"))
    for pointer, name in _contact_links(document):
        if name not in children:
            yield _fault(pointer, _CHILD)
    for pointer, name in _person_links(document):
        if name not in people:
            yield _fault(pointer, _PERSON)


def _duplicates(document: dict[str, Any]) -> Iterator[Fault]:
    seen = set[str]()
    for group in _PEOPLE:
        for pointer, item in _items(document.get(group), f"/{group}"):
            yield from _repeat(seen, pointer, item)
    identities = set[str]()
    for pointer, item in _identities(document):
        yield from _repeat(identities, pointer, item)


def _repeat(seen: set[str], pointer: str, item: dict[str, Any]) -> Iterator[Fault]:
    name = item.get("id")
    if isinstance(name, str):
        if name in seen:
            yield _fault(f"{pointer}/id", _TWICE)
        seen.add(name)


def _child_links(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for pointer, member in _items(document.get("household"), "/household"):
        yield from _texts(member.get(_CHILDREN), f"{pointer}/{_CHILDREN}")


def _contact_links(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for pointer, person in _items(document.get("persons_posing_risk"), "/persons_posing_risk"):
        for place, contact in _items(person.get(_CONTACT), f"{pointer}/{_CONTACT}"):
            yield from _text(contact.get(_CHILD_OF_CONTACT), f"{place}/{_CHILD_OF_CONTACT}")


def _person_links(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for pointer, child in _items(document.get("children"), "/children"):
        yield from _texts(child.get(_LIVES_WITH), f"{pointer}/{_LIVES_WITH}")
    for pointer, identity in _identities(document):
        yield from _text(identity.get(_BELONGS_TO), f"{pointer}/{_BELONGS_TO}")
    for pointer, block in _blocks(document):
        yield from _texts(block.get(ABOUT), f"{pointer}/{ABOUT}")


def _blocks(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Go through what may say whom it is about."""
    concern = document.get(_CONCERN)
    if isinstance(concern, dict):
        yield f"/{_CONCERN}", concern
        for name in BLOCKS:
            yield from _items(concern.get(name), f"/{_CONCERN}/{name}")
    yield from _items(document.get(_ACTION_TAKEN), f"/{_ACTION_TAKEN}")


def _identities(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    online = document.get("online")
    if isinstance(online, dict):
        yield from _items(online.get(_IDENTITIES), f"/online/{_IDENTITIES}")


def _ids(document: dict[str, Any], group: str) -> Iterator[str]:
    for pointer, item in _items(document.get(group), group):
        yield from (name for _, name in _text(item.get("id"), pointer))


def _items(value: Any, pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield f"{pointer}/{index}", item


def _texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _text(item, f"{pointer}/{index}")


def _text(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value


def _fault(pointer: str, message: str) -> Fault:
    code, _, sentence = message.partition(": ")
    return Fault(pointer, code, sentence)
