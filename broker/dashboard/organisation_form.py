"""An organisation's entry as the fields of a form, and back. Values in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from broker.domain.codes import Contact
from broker.errors import Fault
from broker.policy.language.entry_edits import Edits, Entry, Path, value_at
from schemas.codes import Opening
from schemas.directory import WEEKDAYS

SHOWN = "shown-"
"""Before the name of a field: the text that a person was shown there."""
PARTS: Mapping[str, str] = {
    "email": "Email",
    "sms": "Mobile for text messages",
    "telephone": "Telephone",
    "hours": "When the telephone is answered",
}
"""What can be changed of each contact; the rest of it stays as it is."""
_OWN: Mapping[str, str] = {
    "channel": "Channel",
    "address": "Address of the channel",
    "hours": "Opening hours",
}
_WORDS = frozenset(map(str, Opening))
_DAYS = re.compile(r"([A-Za-z]{3})[a-z]*(?:(?:\s*[-–]\s*|\s+to\s+)([A-Za-z]{3})[a-z]*)?\s+(.+)")


@dataclass(frozen=True, slots=True)
class FormField:
    """One field: its name in the form, its label, and where its value stands in the entry."""

    name: str
    label: str
    path: Path

    @property
    def is_hours(self) -> bool:
        """Tell whether it holds hours, a line for days that have the same."""
        return self.path[-1] == "hours"

    @property
    def pointer(self) -> str:
        """Return where faults say that the value stands."""
        return "/" + "/".join(self.path)


FIELDS: Sequence[FormField] = (
    *(FormField(name, label, (name,)) for name, label in _OWN.items()),
    *(
        FormField(
            f"{contact}-{part}", f"{contact.capitalize()}: {label}", ("contacts", contact, part)
        )
        for contact in map(str, Contact)
        for part, label in PARTS.items()
    ),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that a change makes another one."""

    label: str
    before: str
    after: str


def values_of(entry: Entry) -> dict[str, str]:
    """Return the texts with which the form of an entry begins."""
    return {field.name: _text(field, value_at(entry, field.path)) for field in FIELDS}


def begun(entry: Entry) -> dict[str, str]:
    """Return the fields of a form that nobody has changed yet."""
    texts = values_of(entry)
    return texts | {f"{SHOWN}{name}": text for name, text in texts.items()}


def continued(entry: Entry, form: Mapping[str, str]) -> dict[str, str]:
    """Return a form for an entry that is another one by now: what was changed in it stays."""
    touched = {field.name: form[field.name] for field in _touched(form)}
    return {**form, **begun(entry), **touched}


def edits_of(entry: Entry, form: Mapping[str, str]) -> Edits:
    """Return what a form changes of an entry; an empty text takes its field out.

    A field that still has the text that was shown is not changed, whatever the entry says by now.
    Hours that cannot be read are as they were typed, so that the checks of the directory name them.
    """
    texts = values_of(entry)
    typed = {field: _lines(form[field.name]) for field in _touched(form)}
    return {
        field.path: (_read_hours(text) if field.is_hours else text) if text else None
        for field, text in typed.items()
        if text != texts[field.name]
    }


def _touched(form: Mapping[str, str]) -> Iterator[FormField]:
    for field in FIELDS:
        shown = form.get(f"{SHOWN}{field.name}")
        if field.name in form and (shown is None or _lines(form[field.name]) != _lines(shown)):
            yield field


def _lines(typed: str) -> str:
    return "\n".join(typed.strip().splitlines())  # a browser ends lines with CRLF


def differences(before: Entry, after: Entry) -> list[Difference]:
    """Return what is not the same in two entries, in the order of the form."""
    earlier, later = values_of(before), values_of(after)
    return [
        Difference(field.label, earlier[field.name], later[field.name])
        for field in FIELDS
        if earlier[field.name] != later[field.name]
    ]


def faults_by_field(faults: Sequence[Fault]) -> dict[str, str]:
    """Return what is wrong by the field that it is about; ``reason`` has what is about none."""
    messages: dict[str, str] = {}
    for fault in faults:
        name = next(
            (field.name for field in _longest_first() if field.pointer in fault.pointer), ""
        )
        name = name or {"/starts": "starts"}.get(fault.pointer, "reason")
        messages.setdefault(name, fault.message)
    return messages


def _longest_first() -> Iterator[FormField]:
    """Yield the fields of contacts first: ``/hours`` is a part of their pointers."""
    yield from sorted(FIELDS, key=lambda field: -len(field.path))


def _text(field: FormField, value: Any) -> str:
    if not field.is_hours or not isinstance(value, Mapping):
        return "" if value is None else str(value)
    lines = []
    windows_of = {day: _windows(value[day]) for day in WEEKDAYS if day in value}
    # Neighbouring days that have the same windows are one line: Mon-Fri 09:00-17:00.
    for windows, same in groupby(WEEKDAYS, key=windows_of.get):
        days = list(same)
        if windows is not None:
            name = days[0] if len(days) == 1 else f"{days[0]}-{days[-1]}"
            lines.append(f"{name} {windows}")
    return "\n".join(lines)


def _windows(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def _read_hours(typed: str) -> Any:
    """Return hours as the directory writes them; what cannot be read as it was typed."""
    if typed.lower() in _WORDS:
        return typed.lower()
    hours: dict[str, list[str]] = {}
    for line in filter(str.strip, typed.replace(";", "\n").splitlines()):
        match = _DAYS.fullmatch(line.strip())
        days = _days(match[1], match[2] or match[1]) if match else []
        if not match or not days:
            return typed
        windows = [window.strip().replace("–", "-") for window in match[3].split(",")]
        hours |= dict.fromkeys(days, windows)
    return hours


def _days(first: str, last: str) -> list[str]:
    names = [first.capitalize(), last.capitalize()]
    if not set(names) <= set(WEEKDAYS):
        return []
    begin, end = map(WEEKDAYS.index, names)
    return list(WEEKDAYS[begin : end + 1])
