"""How a readable document names people, with their ages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

from broker.inbox.document_source import Json
from broker.policy.disclosure import CHILDREN, CONCERN, HOUSEHOLD, PERSONS
from broker.web.moments import day_text
from schemas import labels
from schemas.codes import MissingStatus
from schemas.defects import ADULT_AT, age_on
from schemas.referral import HARMED
from schemas.shown_text import shown_line

GROUPS = (CHILDREN, HARMED, PERSONS, HOUSEHOLD)
_AWAY = frozenset({MissingStatus.MISSING, MissingStatus.ABSENT})
_CHILDREN = {"female": "girl", "male": "boy"}
_ADULTS = {"female": "woman", "male": "man"}


def age_of(person: Json, on: date) -> int | None:
    """Return an age in years on a day, from the date of birth or else as it was estimated."""
    try:
        born = date.fromisoformat(str(person.get("date_of_birth")))
    except ValueError:
        born = None
    estimate = person.get("approximate_age", person.get("age"))
    return age_on(on, born, estimate if isinstance(estimate, int) else None)


def noun(person: Json, on: date, *, is_child: bool) -> str:
    """Return girl, boy or child, or for an adult woman, man or person."""
    age = age_of(person, on)
    is_young = is_child if age is None else age < ADULT_AT
    names = _CHILDREN if is_young else _ADULTS
    return names.get(str(person.get("sex")), "child" if is_young else "person")


def full_name(person: Json) -> str:
    """Return given and family name in one line, empty where there is none."""
    names = (person.get("given_name"), person.get("family_name"))
    return shown_line(" ".join(name for name in names if isinstance(name, str)))


def is_unborn(person: Json) -> bool:
    """Tell whether somebody is a child that is expected."""
    return bool(person.get("expected_date_of_birth"))


def is_away(child: Json) -> bool:
    """Tell whether nobody knows where a child is now."""
    missing = child.get("missing")
    return isinstance(missing, Mapping) and missing.get("status") in _AWAY


def listed(content: Json, group: str) -> list[Json]:
    """Return the people of a part of the content."""
    people = content.get(group)
    return [each for each in people if isinstance(each, Mapping)] if people else []


def names_of(content: Json, on: date) -> dict[str, str]:
    """Return by what sentences name each person, by local ID; no two have the same name."""
    named = [
        (str(person.get("id")), _short_name(person, group, on))
        for group in GROUPS
        for person in listed(content, group)
    ]
    counts, seen = Counter(name for _, name in named), Counter[str]()
    names: dict[str, str] = {}
    for id_, name in named:
        seen[name] += 1
        if id_ not in names:
            names[id_] = f"{name} ({seen[name]})" if counts[name] > 1 else name
    return names


def roles_of(content: Json) -> dict[str, str]:
    """Return what a list of people says of some beside their names, by local ID."""
    kinship = {
        str(member.get("id")): f" ({shown_line(str(member['relationship']))})"
        for member in listed(content, HOUSEHOLD)
        if member.get("relationship")
    }
    risk = {
        str(person.get("id")): ", who may pose a risk"
        for person in listed(content, PERSONS)
        if full_name(person)
    }
    return kinship | risk


def main_group(content: Json) -> str | None:
    """Return which part a recipient's view is about: the first that it lists of people.

    Content keeps the order of its view, and a view for those who deal with the person who may pose
    a risk lists persons before children. A household is what is around them.
    """
    shown = [name for name in content if name in GROUPS and listed(content, name)]
    return next((name for name in shown if name != HOUSEHOLD), shown[0] if shown else None)


def in_title(content: Json, on: date) -> str:
    """Return whom a document is about, for its heading: ``Isolde Fernsby, 14, and a boy``."""
    group = main_group(content)
    if group is None:
        return _category(content)
    people = listed(content, group)
    titles = [
        heading_of(person, group, on, inside=bool(number))
        for number, person in enumerate(people[:3])
    ]
    if len(people) > len(titles):
        others = "children" if group in (CHILDREN, HARMED) else "people"
        titles.append(f"{len(people) - len(titles)} other {others}")
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])}, and {titles[-1]}"


def _category(content: Json) -> str:
    """Return what a document is about that shows nobody."""
    category = str((content.get(CONCERN) or {}).get("category"))
    return labels.CONCERN_TITLES.get(category, "A referral")


def _short_name(person: Json, group: str, on: date) -> str:
    if name := full_name(person):
        return name
    if is_unborn(person):
        return "the unborn baby"
    heading = heading_of(person, group, on, inside=True)
    return heading if group == CHILDREN else f"{heading} ({_GROUP_NAMES[group]})"


_GROUP_NAMES = {
    HARMED: "alleged to have harmed",
    PERSONS: "who may pose a risk",
    HOUSEHOLD: "in the household",
}


def heading_of(person: Json, group: str, on: date, *, inside: bool = False) -> str:
    """Return name and age, or what is known instead: ``A girl, about 11``."""
    first = "a" if inside else "A"
    if is_unborn(person):
        when = f", expected {day_text(person['expected_date_of_birth'])}"
        own = full_name(person) or ("an unborn baby" if inside else "Unborn baby")
        return own if inside else f"{own}{when}"
    is_child = group in (CHILDREN, HARMED)
    who = full_name(person) or f"{first} {noun(person, on, is_child=is_child)}"
    age = age_of(person, on)
    if age is None:
        return who
    if age < 1:
        return f"{who}, under 1"
    return f"{who}, {'' if is_dated(person) else 'about '}{age}"


def is_dated(person: Json) -> bool:
    born = person.get("date_of_birth")
    return isinstance(born, str)
