"""One line that says what a delivery is about, for lists and emails: never a name.

A list is read over shoulders, and opening a referral is what is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from broker.domain.codes import DeliveryKind
from broker.inbox.document import is_school, is_taken_back
from broker.inbox.document_names import (
    age_of,
    is_away,
    is_unborn,
    listed,
    main_group,
    noun,
)
from broker.inbox.document_source import Json
from broker.policy.disclosure import CHILDREN, CONCERN, HOUSEHOLD, PERSONS
from broker.web.moments import local_day
from schemas import labels
from schemas.referral import HARMED

TAKEN_BACK = "Taken back by the police"
_MOST = 3
"""People who are said one by one."""


def headline(delivery: Json) -> str:
    """Return what a delivery is about and whom it concerns, without a name.

    ``Missing now, sexual extortion: boy aged 15``. Made of the recipient's own view alone; ages are
    those of the day when the referral was accepted.
    """
    if is_taken_back(delivery):
        return TAKEN_BACK
    content = delivery["content"]
    if not content:
        return "Nothing to show: taken back or replaced by the police"
    on = local_day(datetime.fromisoformat(delivery["accepted_at"]))
    about = _about(content)
    whom = _whom(content, on, is_pupil=is_school(delivery))
    if delivery["kind"] == DeliveryKind.CORRECTION:
        about = f"{about[:1].lower()}{about[1:]}"
        return f"Correction: {', '.join(filter(None, [about, whom]))}"
    return f"{about}: {whom}" if whom else about


def _about(content: Json) -> str:
    """Return the category of the concern, and first that a child is missing now."""
    category = (content.get(CONCERN) or {}).get("category")
    title = labels.CONCERN_TITLES.get(str(category), "") if category else ""
    if any(is_away(child) for child in listed(content, CHILDREN)):
        return f"Missing now, {title[:1].lower()}{title[1:]}" if title else "Missing now"
    return title or "A referral"


def _whom(content: Json, on: date, *, is_pupil: bool) -> str:
    """Return whom it is about: the children, unless the view is about somebody else."""
    children = [_child(child, on, is_pupil=is_pupil) for child in listed(content, CHILDREN)]
    people = {
        CHILDREN: children,
        HARMED: _described(content, HARMED, on, "alleged to have harmed"),
        PERSONS: _described(content, PERSONS, on, "who may pose a risk"),
        HOUSEHOLD: _described(content, HOUSEHOLD, on, "in the household"),
    }
    group = main_group(content)
    if group is None:
        return ""
    if group in (CHILDREN, HARMED):
        return _joined([*people[CHILDREN], *people[HARMED]], "children")
    return "; ".join(
        filter(None, [_joined(people[group], "people"), _joined(children, "children")])
    )


def _described(content: Json, group: str, on: date, role: str) -> list[str]:
    is_child = group == HARMED
    return [
        f"{_aged(noun(person, on, is_child=is_child), person, on)} {role}"
        for person in listed(content, group)
    ]


def _child(child: Json, on: date, *, is_pupil: bool) -> str:
    if is_unborn(child):
        return "unborn baby"
    # A school is told no sex, and its pupil is a pupil.
    return _aged("pupil" if is_pupil else noun(child, on, is_child=True), child, on)


def _aged(who: str, person: Json, on: date) -> str:
    age = age_of(person, on)
    if age is None:
        return who
    return f"{who} aged {'under 1' if age < 1 else age}"


def _joined(people: list[str], noun_of_more: str) -> str:
    return "".join(_phrases(people, noun_of_more))


def _phrases(people: list[str], noun_of_more: str) -> Iterator[str]:
    """Yield the first few with their commas: ``girl aged 14, and an unborn baby``."""
    shown = people[:_MOST]
    more = len(people) - len(shown)
    for number, person in enumerate(shown):
        is_last = number and number == len(shown) - 1 and not more
        if is_last:
            article = "an" if person[0] in "aeiou" else "a"
            yield f", and {article} {person}"
        else:
            yield f", {person}" if number else person
    if more:
        yield f", and {more} more {noun_of_more}"
