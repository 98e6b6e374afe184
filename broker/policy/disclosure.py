"""What an agency sees of a referral: what its view lists, of those people whom it may see.

Whatever is not listed is not shown, so a field that is added to the referral later is shown to
nobody until a view names it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from broker.errors import PolicyError
from broker.policy.language.views import HARMED, PERSONS, Tree
from broker.policy.published.policy import Policy
from broker.policy.routing.facts import is_under_18
from broker.policy.time.calendars import LONDON

Json = Mapping[str, Any]


def render(
    view: str, *, document: Json, scope: Mapping[str, Sequence[str]], book: Policy
) -> dict[str, Any]:
    """Return what an agency may see of a validated document, how to handle it first.

    ``scope`` names the ``children`` and ``persons`` that it may see, by their local ids. Raises
    PolicyError when the policy has no such view.
    """
    if view not in book.views:
        raise PolicyError(f"The policy has no view {view!r}.")
    shows = book.views[view].shows
    narrowed = _of_scope(document, frozenset(scope["children"]), frozenset(scope["persons"]))
    names = ("handling", *(name for name in shows if name != "handling"))
    shown = {name: _shown(narrowed[name], shows[name]) for name in names if name in narrowed}
    return {name: value for name, value in shown.items() if value not in ({}, [])}


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
    seen = {*children, *persons}
    everybody = {one["id"] for part in ("children", PERSONS) for one in document.get(part, ())}
    hidden = everybody - seen
    people = [_person(one, hidden) for one in document.get(PERSONS, ()) if one["id"] in persons]
    day = _day(document)
    household = [one for one in document.get("household", ()) if _belongs(one, children, document)]
    return {
        **document,
        "children": [
            _child(one, hidden) for one in document.get("children", ()) if one["id"] in children
        ],
        PERSONS: [person for person in people if not is_under_18(person, day)],
        HARMED: [person for person in people if is_under_18(person, day)],
        "household": [_member(one, hidden) for one in household],
        "online": _online(document.get("online", {}), hidden),
    }


def _day(document: Json) -> date:
    """Return the day on which the police knew: it never changes, so neither does what is shown."""
    return datetime.fromisoformat(document["times"]["first_known_at"]).astimezone(LONDON).date()


def _child(child: Json, hidden: Collection[str]) -> dict[str, Any]:
    return _without(child, "lives_with", hidden)


def _person(person: Json, hidden: Collection[str]) -> dict[str, Any]:
    if "contact" not in person:
        return dict(person)
    contact = [one for one in person["contact"] if one.get("child") not in hidden]
    return {**person, "contact": contact}


def _belongs(member: Json, children: Collection[str], document: Json) -> bool:
    """Tell whether somebody lives in the household of a child whom the agency may see."""
    named = set(member.get("children", ()))
    if not named:
        named = {
            child["id"]
            for child in document.get("children", ())
            if member["id"] in child.get("lives_with", ())
        }
    everybody = {child["id"] for child in document.get("children", ())}
    return bool(named & set(children)) or (not named and everybody <= set(children))


def _member(member: Json, hidden: Collection[str]) -> dict[str, Any]:
    return _without(member, "children", hidden)


def _online(online: Json, hidden: Collection[str]) -> dict[str, Any]:
    kept = [one for one in online.get("identities", ()) if one.get("belongs_to") not in hidden]
    return {**online, "identities": kept} if "identities" in online else dict(online)


def _without(record: Json, name: str, hidden: Collection[str]) -> dict[str, Any]:
    if name not in record:
        return dict(record)
    return {**record, name: [id_ for id_ in record[name] if id_ not in hidden]}
