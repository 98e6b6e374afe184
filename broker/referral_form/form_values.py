"""Answers of the form: from a form to values of a document, and back.

What cannot be read is a fault beside the question; what somebody did not touch stays exactly as it
is in the document, also where the form would write it in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from broker.policy.places.gazetteer import Gazetteer
from broker.policy.time.calendars import LONDON
from broker.referral_form.json_paths import ABSENT, get
from broker.referral_form.question_wording import REASONS
from broker.referral_form.questions import Kind, Question

Form = Mapping[str, str]
UNKNOWN, KNOWN, YES = "unknown", "known", "yes"
_DAY_PARTS = ("day", "month", "year")
_LIKELY = 5
"""Places that are suggested for one that is not known."""


@dataclass(slots=True)
class Around:
    """What answers are read against, and what is wrong with them."""

    gazetteer: Gazetteer
    people: Mapping[str, str]
    """The names of everybody in the document, by local id."""
    children: Mapping[str, str]
    today: date
    """The local day on which they are given."""
    faults: dict[str, str] = field(default_factory=dict)
    """What is wrong, by the id of the input."""

    def choices(self, question: Question) -> Mapping[str, str]:
        """Return the people from whom a question lets choose."""
        is_about_children = question.path[-1] in ("children", "contact")
        return self.children if is_about_children else self.people


def about(question: Question, message: str) -> str:
    """Return what is wrong with an answer, with the question that it is about."""
    label = question.label
    if label.endswith("?"):
        return f"{label} {message[:1].upper()}{message[1:]}"
    return f"{label}: {message}"


def shown(question: Question, value: Any, around: Around) -> dict[str, str]:
    """Return a value of a document as the fields of the form, all of them, empty without one."""
    name = question.name
    reason = get(value, (UNKNOWN,))
    known: dict[str, str] = {}
    if question.is_knowable:
        is_known = value is not ABSENT and reason is ABSENT
        known[f"{name}-{UNKNOWN}"] = reason if isinstance(reason, str) else KNOWN * is_known
        value = value if is_known else ABSENT
    if question.kind is Kind.GROUP:
        parts = [shown(part, get(value, part.path[-1:]), around) for part in question.parts]
        return known | {key: text for part in parts for key, text in part.items()}
    return known | _SHOWN.get(question.kind, _shown_text)(question, value, around)


def is_same(question: Question, value: Any, form: Form, around: Around) -> bool:
    """Tell whether a form answers a question as the document does already."""
    before = shown(question, value, around)
    return all(_plain(form.get(key, "")) == _plain(text) for key, text in before.items())


def read(question: Question, form: Form, around: Around) -> Any:
    """Return the answer as a value of the document; ABSENT without one. Adds to the faults."""
    reason = form.get(f"{question.name}-{UNKNOWN}", "") if question.is_knowable else ""
    if reason in REASONS:
        return {UNKNOWN: reason}
    value = _read_known(question, form, around)
    if reason == KNOWN and value is ABSENT and question.name not in around.faults:
        first = question.parts[0].name if question.parts else question.name
        around.faults.setdefault(first, "Enter what you know, or choose why you do not know it.")
    return value


def _read_known(question: Question, form: Form, around: Around) -> Any:
    if question.kind is not Kind.GROUP:
        return _READ.get(question.kind, _read_line)(question, form, around)
    parts = {str(part.path[-1]): read(part, form, around) for part in question.parts}
    group = {name: value for name, value in parts.items() if value is not ABSENT}
    return group or ABSENT


def _plain(text: str) -> str:
    """Return a text as browsers send it, with one kind of line end and no blanks around it."""
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _shown_text(question: Question, value: Any, _: Around) -> dict[str, str]:
    return {question.name: value if isinstance(value, str) else ""}


def _read_line(question: Question, form: Form, _: Around) -> Any:
    return " ".join(form.get(question.name, "").split()) or ABSENT


def _read_text(question: Question, form: Form, _: Around) -> Any:
    return form.get(question.name, "").replace("\r\n", "\n").strip() or ABSENT


def _shown_lines(question: Question, value: Any, _: Around) -> dict[str, str]:
    lines = value if isinstance(value, list) else []
    return {question.name: "\n".join(line for line in lines if isinstance(line, str))}


def _read_lines(question: Question, form: Form, _: Around) -> Any:
    lines = [line.strip() for line in form.get(question.name, "").splitlines()]
    return [line for line in lines if line] or ABSENT


def _shown_code(question: Question, value: Any, _: Around) -> dict[str, str]:
    is_code = isinstance(value, str | int) and not isinstance(value, bool)
    return {question.name: str(value) if is_code else ""}


def _read_code(question: Question, form: Form, around: Around) -> Any:
    code = form.get(question.name, "")
    if not code:
        return ABSENT
    if code not in (question.options or ()):
        around.faults[question.name] = "Choose one of the answers."
        return ABSENT
    return int(code) if code.isdigit() else code


def _shown_codes(question: Question, value: Any, _: Around) -> dict[str, str]:
    codes = value if isinstance(value, list) else []
    name = question.name
    return {f"{name}-{code}": YES if code in codes else "" for code in question.options or ()}


def _read_codes(question: Question, form: Form, _: Around) -> Any:
    name = question.name
    codes = [code for code in question.options or () if form.get(f"{name}-{code}") == YES]
    return codes or ABSENT


def _shown_flag(question: Question, value: Any, _: Around) -> dict[str, str]:
    return {question.name: {True: YES, False: "no"}[value] if isinstance(value, bool) else ""}


def _read_flag(question: Question, form: Form, _: Around) -> Any:
    return {YES: True, "no": False}.get(form.get(question.name, ""), ABSENT)


def _shown_number(question: Question, value: Any, _: Around) -> dict[str, str]:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return {question.name: str(value) if is_number else ""}


def _read_number(question: Question, form: Form, around: Around) -> Any:
    text = form.get(question.name, "").strip()
    if not text:
        return ABSENT
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        around.faults[question.name] = about(question, "enter a whole number.")
        return ABSENT
    return int(text)


def _shown_day(question: Question, value: Any, _: Around) -> dict[str, str]:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    parts = (day.day, day.month, day.year) if day else ("", "", "")
    names = (f"{question.name}-{part}" for part in _DAY_PARTS)
    return dict(zip(names, map(str, parts), strict=True))


def _read_day(question: Question, form: Form, around: Around) -> Any:
    parts = [form.get(f"{question.name}-{part}", "").strip() for part in _DAY_PARTS]
    if not any(parts):
        return ABSENT
    try:
        day, month, year = (int(part) for part in parts)
        return date(year, month, day).isoformat()
    except (ValueError, OverflowError):
        message = about(question, "enter a day, month and year, like 27 3 2013.")
        around.faults[f"{question.name}-day"] = message
        return ABSENT


def _shown_instant(question: Question, value: Any, around: Around) -> dict[str, str]:
    try:
        local = datetime.fromisoformat(value).astimezone(LONDON) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        local = None
    day = _shown_day(question, f"{local:%Y-%m-%d}" if local else ABSENT, around)
    return {**day, f"{question.name}-time": f"{local:%H:%M}" if local else ""}


def _read_instant(question: Question, form: Form, around: Around) -> Any:
    day = _read_day(question, form, around)
    time = form.get(f"{question.name}-time", "").strip()
    if f"{question.name}-day" in around.faults or (day is ABSENT and not time):
        return ABSENT
    try:
        local = datetime.fromisoformat(f"{day}T{_clock(time)}:00")
    except ValueError:
        is_dated = day is not ABSENT
        part = "time" if is_dated else "day"
        message = "enter a time, like 16:50." if is_dated else "enter the day as well."
        around.faults[f"{question.name}-{part}"] = about(question, message)
        return ABSENT
    return local.replace(tzinfo=LONDON).astimezone(UTC).isoformat().replace("+00:00", "Z")


def _clock(time: str) -> str:
    """Return a time of day with two digits for the hour and a colon: ``9.05`` is ``09:05``."""
    digits = f"{time[:-2]}:{time[-2:]}" if time.isdigit() else time.replace(".", ":")
    return digits.rjust(5, "0")


def _shown_place(question: Question, value: Any, around: Around) -> dict[str, str]:
    place = around.gazetteer.place(value) if isinstance(value, str) else None
    return {question.name: place.name if place else value if isinstance(value, str) else ""}


def _read_place(question: Question, form: Form, around: Around) -> Any:
    text = " ".join(form.get(question.name, "").split())
    if not text:
        return ABSENT
    place = around.gazetteer.find(text) or around.gazetteer.named(text)
    if place and (place.area or place.code[1:].isdigit()):
        return place.area or place.code
    around.faults[question.name] = about(question, _not_a_place(text, around.gazetteer))
    return ABSENT


def _read_country(question: Question, form: Form, around: Around) -> Any:
    text = " ".join(form.get(question.name, "").split())
    place = around.gazetteer.place(text) or around.gazetteer.named(text) if text else None
    if place and around.gazetteer.country(place.code):
        return place.code
    if text:
        message = "we do not know this country. Enter its name in English."
        around.faults[question.name] = about(question, message)
    return ABSENT


def _not_a_place(text: str, gazetteer: Gazetteer) -> str:
    """Return that a place is not known, with the names of a few that are meant perhaps."""
    wanted = text.casefold()
    names = [place.name for code in gazetteer.authorities if (place := gazetteer.authorities[code])]
    likely = sorted(name for name in names if wanted in name.casefold())[:_LIKELY]
    if len(likely) == 1:
        return f"we do not know this place. Enter {likely[0]} if you mean it."
    if likely:
        return f"several places match: {', '.join(likely)}. Enter one of them."
    return "we do not know this place. Enter the name of a council, or a postcode there."


def _shown_people(question: Question, value: Any, around: Around) -> dict[str, str]:
    ids = value if isinstance(value, list) else []
    return {f"{question.name}-{id_}": YES if id_ in ids else "" for id_ in around.choices(question)}


def _read_people(question: Question, form: Form, around: Around) -> Any:
    chosen = around.choices(question)
    ids = [id_ for id_ in chosen if form.get(f"{question.name}-{id_}") == YES]
    return ids or ABSENT


def _read_person(question: Question, form: Form, around: Around) -> Any:
    id_ = form.get(question.name, "")
    return id_ if id_ in around.people else ABSENT


def _shown_contacts(question: Question, value: Any, around: Around) -> dict[str, str]:
    listed = value if isinstance(value, list) else []
    contacts = [item for item in listed if isinstance(item, dict)]
    nature = {item.get("child"): item.get("nature", "") for item in contacts}
    return {f"{question.name}-{id_}": str(nature.get(id_, "")) for id_ in around.children}


def _read_contacts(question: Question, form: Form, around: Around) -> Any:
    chosen = [(id_, form.get(f"{question.name}-{id_}", "")) for id_ in around.children]
    options = question.options or {}
    contacts = [{"child": id_, "nature": code} for id_, code in chosen if code in options]
    return contacts or ABSENT


_SHOWN: Mapping[Kind, Callable[[Question, Any, Around], dict[str, str]]] = {
    Kind.LINES: _shown_lines,
    Kind.CODE: _shown_code,
    Kind.CODES: _shown_codes,
    Kind.FLAG: _shown_flag,
    Kind.NUMBER: _shown_number,
    Kind.DAY: _shown_day,
    Kind.INSTANT: _shown_instant,
    Kind.PLACE: _shown_place,
    Kind.COUNTRY: _shown_place,
    Kind.PEOPLE: _shown_people,
    Kind.CONTACTS: _shown_contacts,
}
_READ: Mapping[Kind, Callable[[Question, Form, Around], Any]] = {
    Kind.TEXT: _read_text,
    Kind.LINES: _read_lines,
    Kind.CODE: _read_code,
    Kind.CODES: _read_codes,
    Kind.FLAG: _read_flag,
    Kind.NUMBER: _read_number,
    Kind.DAY: _read_day,
    Kind.INSTANT: _read_instant,
    Kind.PLACE: _read_place,
    Kind.COUNTRY: _read_country,
    Kind.PERSON: _read_person,
    Kind.PEOPLE: _read_people,
    Kind.CONTACTS: _read_contacts,
}
