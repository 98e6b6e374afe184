"""What an agency sees of a referral: what its view lists, of those people whom it may see.

Whatever is not listed is not shown, so a field that is added to the referral later is shown to
nobody until a view names it. The document is filtered as JSON, because it is shown as it was
received; its fields are named through ``name_of``, so that the type check knows each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from broker.errors import PolicyError
from broker.policy.language.views import Tree
from broker.policy.published.policy import Policy
from broker.policy.routing.facts import ADULT_AT
from broker.policy.time.calendars import LONDON
from schemas.child import Child
from schemas.defects import age_on
from schemas.handling import Times
from schemas.names import name_of
from schemas.online import Identity, Online
from schemas.person import ContactWithChild, HouseholdMember, PersonPosingRisk
from schemas.referral import HARMED, Referral

Json = Mapping[str, Any]

HANDLING = name_of(Referral, lambda referral: referral.handling)
TIMES = name_of(Referral, lambda referral: referral.times)
CHILDREN = name_of(Referral, lambda referral: referral.children)
HOUSEHOLD = name_of(Referral, lambda referral: referral.household)
PERSONS = name_of(Referral, lambda referral: referral.persons_posing_risk)
ONLINE = name_of(Referral, lambda referral: referral.online)
FIRST_KNOWN_AT = name_of(Times, lambda times: times.first_known_at)
CHILD_ID = name_of(Child, lambda child: child.id)
LIVES_WITH = name_of(Child, lambda child: child.lives_with)
PERSON_ID = name_of(PersonPosingRisk, lambda person: person.id)
BORN = name_of(PersonPosingRisk, lambda person: person.date_of_birth)
AGE = name_of(PersonPosingRisk, lambda person: person.age)
CONTACT = name_of(PersonPosingRisk, lambda person: person.contact)
CONTACT_CHILD = name_of(ContactWithChild, lambda contact: contact.child)
MEMBER_ID = name_of(HouseholdMember, lambda member: member.id)
MEMBER_CHILDREN = name_of(HouseholdMember, lambda member: member.children)
IDENTITIES = name_of(Online, lambda online: online.identities)
BELONGS_TO = name_of(Identity, lambda identity: identity.belongs_to)


def render(
    view: str, *, document: Json, scope: Mapping[str, Sequence[str]], policy: Policy
) -> dict[str, Any]:
    """Return what an agency may see of a validated document, how to handle it first.

    ``scope`` names the ``children`` and ``persons`` that it may see, by their local ids. Raises
    PolicyError when the policy has no such view.
    """
    if view not in policy.views:
        raise PolicyError(f"The policy has no view {view!r}.")
    shows = policy.views[view].shows
    narrowed = _of_scope(document, frozenset(scope["children"]), frozenset(scope["persons"]))
    names = (HANDLING, *(name for name in shows if name != HANDLING))
    shown = {name: _shown(narrowed[name], shows[name]) for name in names if name in narrowed}
    return {name: value for name, value in shown.items() if value not in ({}, [])}


def may_see(
    view: str,
    pointer: str,
    *,
    document: Json,
    scope: Mapping[str, Sequence[str]],
    policy: Policy,
    id_at: Callable[[str, int], str | None],
) -> bool:
    """Tell whether a view shows a field of a document as received, for the people in its scope.

    ``id_at`` gives the local id of somebody in a list of the document. ``document`` is as judged.
    """
    part, *steps = pointer.split("/")[1:]
    narrowed = _of_scope(document, frozenset(scope["children"]), frozenset(scope["persons"]))
    if part in (CHILDREN, PERSONS, HOUSEHOLD) and steps:
        name = id_at(part, int(steps.pop(0)))
        parts = (PERSONS, HARMED) if part == PERSONS else (part,)
        holding = [each for each in parts if name in {record["id"] for record in narrowed[each]}]
        if not holding:
            return False
        part = holding[0]
    return part in policy.views[view].shows and _is_listed(policy.views[view].shows[part], steps)


def _is_listed(tree: Tree, steps: Sequence[str]) -> bool:
    """Tell whether a field is listed, or something around it is shown whole."""
    for step in (step for step in steps if not step.isdecimal()):
        if not tree:
            return True
        if step not in tree:
            return False
        tree = tree[step]
    # What was set aside whole is shown whole, or not at all.
    return not tree


def _shown(value: Any, tree: Tree) -> Any:
    """Return a value without the fields that are not listed; an empty list of fields is all."""
    if not tree:
        return value
    if isinstance(value, list):
        return [_shown(item, tree) for item in value]
    if not isinstance(value, dict):
        return None
    return {name: _shown(value[name], below) for name, below in tree.items() if name in value}


def _of_scope(
    document: Json, children: Collection[str], persons: Collection[str]
) -> dict[str, Any]:
    """Return the document without anybody outside the scope, and without what points at them."""
    everybody = {child[CHILD_ID] for child in document.get(CHILDREN, ())}
    everybody |= {person[PERSON_ID] for person in document.get(PERSONS, ())}
    hidden = everybody - {*children, *persons}
    day = _day(document)
    harmed: list[Json] = []
    suspects: list[Json] = []
    for person in document.get(PERSONS, ()):
        if person[PERSON_ID] in persons:
            (harmed if _is_under_18(person, day) else suspects).append(_person(person, hidden))
    return {
        **document,
        CHILDREN: [
            _without(child, LIVES_WITH, hidden)
            for child in document.get(CHILDREN, ())
            if child[CHILD_ID] in children
        ],
        PERSONS: suspects,
        HARMED: harmed,
        HOUSEHOLD: [
            _without(member, MEMBER_CHILDREN, hidden)
            for member in document.get(HOUSEHOLD, ())
            if _belongs(member, children, document)
        ],
        ONLINE: _online(document.get(ONLINE, {}), hidden),
    }


def _day(document: Json) -> date:
    """Return the day on which the police knew: it never changes, so neither does what is shown."""
    return datetime.fromisoformat(document[TIMES][FIRST_KNOWN_AT]).astimezone(LONDON).date()


def _is_under_18(person: Json, day: date) -> bool:
    """Tell whether somebody is known to be a child on a date."""
    born = person.get(BORN)
    age = age_on(day, date.fromisoformat(born) if isinstance(born, str) else None, person.get(AGE))
    return age is not None and age < ADULT_AT


def _person(person: Json, hidden: Collection[str]) -> dict[str, Any]:
    if CONTACT not in person:
        return dict(person)
    shown = [contact for contact in person[CONTACT] if contact.get(CONTACT_CHILD) not in hidden]
    return {**person, CONTACT: shown}


def _belongs(member: Json, children: Collection[str], document: Json) -> bool:
    """Tell whether somebody lives in the household of a child whom the agency may see."""
    named = set(member.get(MEMBER_CHILDREN, ()))
    if not named:
        named = {
            child[CHILD_ID]
            for child in document.get(CHILDREN, ())
            if member[MEMBER_ID] in child.get(LIVES_WITH, ())
        }
    everybody = {child[CHILD_ID] for child in document.get(CHILDREN, ())}
    return bool(named & set(children)) or (not named and everybody <= set(children))


def _online(online: Json, hidden: Collection[str]) -> dict[str, Any]:
    if IDENTITIES not in online:
        return dict(online)
    shown = [identity for identity in online[IDENTITIES] if identity.get(BELONGS_TO) not in hidden]
    return {**online, IDENTITIES: shown}


def _without(record: Json, name: str, hidden: Collection[str]) -> dict[str, Any]:
    if name not in record:
        return dict(record)
    return {**record, name: [id_ for id_ in record[name] if id_ not in hidden]}
