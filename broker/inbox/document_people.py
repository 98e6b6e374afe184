"""A card for each person in a readable document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from broker.inbox import document_wording as wording
from broker.inbox.document_names import full_name, heading_of, is_dated, is_unborn
from broker.inbox.document_source import UNKNOWN, Source, area
from broker.inbox.document_values import Card, Row, Voice
from broker.policy.disclosure import CHILDREN, HOUSEHOLD
from broker.web.moments import day_text, instant_text, local_day
from schemas.shown_text import shown_line

_NUMBER = re.compile(r" \([0-9]+\)$")
"""What tells apart two people of whom the same is known."""
LONG_CARD = 9
"""Rows from which a card has a page of its own on paper."""

_WHY_UNKNOWN: Mapping[str, str] = {
    "not_asked": "Nobody asked.",
    "refused": "The child was asked, and did not say anything.",
    "not_yet_known": "Not known yet: the police will send a correction.",
}
"""Why nothing is known of what a child said."""


def child_cards(content: Source) -> Iterator[Card]:
    """Yield a card for each child."""
    for number, child in enumerate(content.each(CHILDREN), 1):
        name = _name_in(child)
        voice = tuple(_voice(child, name))
        yield _card(child, f"child-{number}", CHILDREN, (*_child_rows(child),), voice)


def person_cards(content: Source, group: str, anchor: str) -> Iterator[Card]:
    """Yield a card for each person posing risk, or child alleged to have harmed."""
    for number, person in enumerate(content.each(group), 1):
        voice = tuple(_voice(person, _name_in(person)))
        yield _card(person, f"{anchor}-{number}", group, (*_person_rows(person),), voice)


def household_cards(content: Source) -> Iterator[Card]:
    """Yield a card for each member of the household."""
    for number, member in enumerate(content.each(HOUSEHOLD), 1):
        yield _card(member, f"household-{number}", HOUSEHOLD, (*_member_rows(member),), ())


def _name_in(person: Source) -> str:
    given = person.value.get("given_name")
    return shown_line(given) if isinstance(given, str) and given.strip() else ""


def _card(
    person: Source, anchor: str, group: str, rows: Sequence[Row], voice: Sequence[Voice]
) -> Card:
    id_ = str(person.take("id"))
    person.read.update(("given_name", "family_name"))
    names = (*person.row("Given name", "given_name"), *person.row("Family name", "family_name"))
    known = full_name(person.value)
    # A name stands in the heading; a row of its own is for what was wrong with it.
    odd = [row for row in names if row.remarks or not known]
    every = (*odd, *rows, *person.rest())
    on = local_day(person.around.now)
    name = person.around.people.get(id_, "")
    number = None if known else _NUMBER.search(name)
    return Card(
        id=anchor,
        key=f"{group}/{id_}",
        heading=f"{heading_of(person.value, group, on)}{number[0] if number else ''}",
        name=name,
        rows=every,
        voice=voice[0] if voice else None,
        remarks=person.around.remarks.rest_of(person.pointer),
        is_long=len(every) > LONG_CARD,
    )


def _child_rows(child: Source) -> Iterator[Row]:
    clock = child.around.clock
    yield from child.row("Born", "date_of_birth", day_text)
    yield from child.row("Expected", "expected_date_of_birth", day_text)
    yield from _estimate(child, "approximate_age")
    yield from child.row("Sex", "sex", wording.sex)
    yield from child.row("Gender, in the child’s own words", "gender")
    yield from child.row("Also called", "aliases", wording.texts)
    yield from child.row("Missing", "missing", lambda value: wording.missing(value, clock))
    yield from _home(child)
    yield from child.row("Found or is now in", "found_area", area)
    yield from child.row(
        "Lives with", "lives_with", lambda ids: child.around.names_of(ids, with_roles=True)
    )
    yield from child.row("Looked after by a council", "looked_after")
    yield from child.row("Placed by", "placing_authority", area)
    yield from child.row("Child protection plan", "protection_plan")
    yield from child.row("Open case", "open_case", wording.open_case)
    yield from child.row("School", "school", wording.school)
    yield from child.row("Unique pupil number (UPN)", "upn")
    yield from child.row("Health", "health", wording.health)
    yield from child.row("Disability", "disability", wording.disability)
    yield from child.row("Ethnicity", "ethnicity", wording.ethnicity)
    yield from child.row("First language", "language")
    yield from child.row("Interpreter needed", "interpreter_needed")
    yield from child.row("Religion or belief", "religion")
    yield from child.row("NHS number", "nhs_number", wording.nhs_number)


def _person_rows(person: Source) -> Iterator[Row]:
    yield from person.row(
        "Contact with", "contact", lambda value: wording.contact(value, person.around)
    )
    yield from person.row("Born", "date_of_birth", day_text)
    yield from _estimate(person, "age")
    yield from person.row("Sex", "sex", wording.sex)
    yield from _home(person)
    yield from person.row("Work and volunteering", "roles", wording.roles)
    yield from person.row("Managed as an offender", "management", wording.management)
    yield from person.row("Past offences", "offence_history")


def _member_rows(member: Source) -> Iterator[Row]:
    yield from member.row("Relationship", "relationship")
    yield from member.row("To", "children", member.around.names_of)
    yield from member.row("Parental responsibility", "parental_responsibility")
    yield from member.row("Adult at risk", "adult_at_risk")
    yield from member.row("Born", "date_of_birth", day_text)


def _estimate(person: Source, name: str) -> Iterator[Row]:
    """Yield an age as estimated, where the heading has another one or something is wrong."""
    rows = person.row("Age as estimated", name, wording.years)
    is_elsewhere = not is_dated(person.value) and not is_unborn(person.value)
    yield from (row for row in rows if row.remarks or not is_elsewhere)


def _home(person: Source) -> Iterator[Row]:
    yield from person.row("Lives at", "address", wording.address)
    yield from person.row("Lives in the area of", "area", area)


def _voice(child: Source, name: str) -> Iterator[Voice]:
    """Yield what a child said, also that nobody asked; nothing where it is not for the reader."""
    taken, place = child.take("voice"), child.place("voice")
    if not isinstance(taken, Mapping) and not child.around.remarks.concerns(place):
        return
    is_said = isinstance(taken, Mapping) and UNKNOWN not in taken
    voice = Source(taken if is_said else {}, place, child.around)
    said = voice.text("said")
    rows = (
        *voice.row("What the child wants", "views"),
        *voice.row("What worries the child", "concerns"),
        *voice.row("How the child seemed", "demeanour"),
        *voice.row("What others noticed", "behaviour"),
        *voice.row("May be shared with", "share_with", wording.texts),
    )
    source, is_empty = _source(voice), not said and not _tells(rows)
    why = _why_nothing(voice, taken)
    if is_empty and not why:
        why = "Nobody recorded what the child said, showed or wants."
    yield Voice(
        heading=f"What {name or 'the child'} said and showed",
        said=said,
        rows=(*rows, *voice.rest()),
        why_nothing=why,
        source=source,
        remarks=child.around.remarks.rest_of(place, says_gap=is_empty),
    )


def _tells(rows: Sequence[Row]) -> bool:
    return any(row.label != "May be shared with" for row in rows)


def _why_nothing(voice: Source, taken: Any) -> str:
    """Return why a child said nothing, in words or by one of the kinds of not known."""
    not_asked, refused = voice.text("not_asked"), voice.text("refused")
    reasons = []
    if not_asked:
        reasons.append(f"Nobody asked. The reason given: {not_asked}")
    if refused:
        reasons.append(f"The child was asked and did not want to speak: {refused}")
    if reasons:
        return " ".join(reasons)
    return _WHY_UNKNOWN.get(taken.get(UNKNOWN, "") if isinstance(taken, Mapping) else "", "")


def _source(voice: Source) -> str:
    by, at = voice.text("spoken_to_by"), voice.take("spoken_to_at")
    when = instant_text(at, voice.around.clock) if at else ""
    if by:
        return f"Spoken to by {by}{f', {when}' if when else ''}"
    return f"Spoken to {when}" if when else ""
