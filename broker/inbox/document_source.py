"""Read the content of a delivery field by field, and note what was read.

Whatever nobody asks for is still shown, under its own name, so that no field is ever lost. Defects
and warnings go to the deepest place that shows what they point at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from broker.domain.outstanding import NOTHING, Outstanding
from broker.inbox.document_values import Line, LineKind, Remark, Row
from broker.policy.places.gazetteer import installed
from schemas import labels
from schemas.shown_text import shown, shown_line

Json = Mapping[str, Any]
Words = Callable[[Any], "str | Line | Sequence[str | Line]"]
"""Puts a value into words: one line, or several."""

Placed = tuple[str, str, Remark]
"""A remark with its pointer and its code."""

UNKNOWN = "unknown"
ASK = "You can ask the police"
COMING: Mapping[str, str] = {
    "not_asked": ASK,
    "refused": "No",
    "not_yet_known": "Yes, the police will send a correction",
}
"""Whether what is not known will come, by why it is not known."""
NOT_RECORDED = Line(labels.NOT_RECORDED, LineKind.UNKNOWN, coming=ASK)
NOT_READ = Line("Could not be read as it was written", LineKind.UNKNOWN, coming=ASK)
_GAP = re.compile(r"missing-.+|.+-(?:not-asked|refused|not-yet-known)")
"""Codes of defects that say no more than that something is not known, and why."""
_SUBJECT = re.compile(r"\b(child|person) ([a-z][a-z0-9-]{0,31})(?=: )")
_AREA = re.compile(r"\b[ENSW][0-9]{8}\b")
_AREA_BESIDE_NAME = re.compile(r" \([ENSW][0-9]{8}\)")
_LEAST_DIGITS = 5
"""Of what can be dialled."""


@dataclass(slots=True)
class RemarkPool:
    """The defects and warnings of a delivery, by every place that is above what they point at."""

    places: dict[str, list[Placed]]

    @classmethod
    def of(cls, delivery: Json, people: Mapping[str, str]) -> RemarkPool:
        """Return the remarks of a rendered delivery; ``people`` are names by local ID."""
        pool = cls({})
        for name, is_warning in (("warnings", True), ("defects", False)):
            for fault in delivery.get(name, ()):
                pointer = str(fault["pointer"])
                entry = (pointer, str(fault["code"]), _remark(fault, people, is_warning=is_warning))
                steps = pointer.split("/")
                for end in range(1, len(steps) + 1):
                    pool.places.setdefault("/".join(steps[:end]), []).append(entry)
        return pool

    def take(self, pointer: str) -> list[Placed]:
        """Remove and return what is about a place or anything below it."""
        taken = self.places.pop(pointer, [])
        for entry in taken:
            steps = entry[0].split("/")
            for end in range(1, len(steps) + 1):
                above = self.places.get("/".join(steps[:end]), [])
                if entry in above:
                    above.remove(entry)
        return taken

    def concerns(self, pointer: str) -> bool:
        """Tell whether there is anything about a place or anything below it."""
        return bool(self.places.get(pointer))

    def rest_of(self, pointer: str, *, says_gap: bool = False) -> tuple[Remark, ...]:
        """Remove and return the remarks about a part, each with what it is about.

        ``says_gap``: the part says itself that it is not known, so no remark repeats it.
        """
        return tuple(
            _about(remark, below[len(pointer) :])
            for below, code, remark in self.take(pointer)
            if not (says_gap and below == pointer and _GAP.fullmatch(code))
        )


@dataclass(slots=True)
class Surroundings:
    """What is needed to put content into words."""

    now: datetime
    is_paper: bool
    organisations: Mapping[str, str]
    remarks: RemarkPool
    people: Mapping[str, str] = field(default_factory=dict)
    """The names of everybody who is shown, by local ID."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Of those who are more than a name in a sentence: that they may pose a risk, or kinship."""
    outstanding: Outstanding = NOTHING
    """What the recipient has to do still."""

    @property
    def clock(self) -> datetime | None:
        """The present for times in words; None on paper, which has dates in full."""
        return None if self.is_paper else self.now

    def names_of(self, ids: object, *, with_roles: bool = False) -> list[str]:
        """Return the names of people; those who are not shown are counted."""
        listed = [id_ for id_ in _items(ids) if isinstance(id_, str)]
        names = [
            f"{self.people[id_]}{self.roles.get(id_, '') if with_roles else ''}"
            for id_ in listed
            if id_ in self.people
        ]
        missing = len(listed) - len(names)
        if missing:
            people = "1 person who is" if missing == 1 else f"{missing} people who are"
            names.append(f"{people} not shown to you")
        return names


@dataclass(slots=True)
class Source:
    """One object of the content, and which of its fields have been shown."""

    value: Json
    pointer: str
    around: Surroundings
    read: set[str] = field(default_factory=set)

    def take(self, name: str) -> Any:
        """Return a field, None where it is absent or blank; it counts as shown from then on."""
        self.read.add(name)
        value = self.value.get(name)
        return None if isinstance(value, str) and not value.strip() else value

    def text(self, name: str) -> str:
        """Return a field as text, empty where it is absent."""
        value = self.take(name)
        return "" if value is None else plain(value)

    def below(self, name: str) -> Source:
        """Return an object within; an empty one where there is none."""
        value = self.take(name)
        return Source(value if isinstance(value, Mapping) else {}, self.place(name), self.around)

    def each(self, name: str) -> list[Source]:
        """Return the objects of a list."""
        place = self.place(name)
        return [
            Source(item, f"{place}/{number}", self.around)
            for number, item in enumerate(_items(self.take(name)))
            if isinstance(item, Mapping)
        ]

    def place(self, name: str) -> str:
        """Return the pointer of a field."""
        return f"{self.pointer}/{name.replace('~', '~0').replace('/', '~1')}"

    def row(self, label: str, name: str, words: Words | None = None) -> Iterator[Row]:
        """Yield the row of a field: its value, that it is not known, or what was wrong with it."""
        value, place = self.take(name), self.place(name)
        lines = _lines(value, words or plain)
        entries = self.around.remarks.take(place)
        remarks = [
            _about(remark, pointer[len(place) :])
            for pointer, code, remark in entries
            if not (pointer == place and _GAP.fullmatch(code) and _is_gap(lines))
        ]
        if not lines and entries:
            lines = (NOT_READ if remarks else NOT_RECORDED,)
        if lines:
            yield Row(label, lines, tuple(remarks), (place,))

    def rest(self) -> Iterator[Row]:
        """Yield a row for each field that nobody asked for, under its own name."""
        for name, value in self.value.items():
            if name not in self.read:
                self.read.add(name)
                for path, line in flat(value):
                    label = as_label(" ".join([name, *path]))
                    yield Row(label, (Line(line),), pointers=(self.place(name),), is_other=True)


def flat(value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each text within a value, with the names that lead to it."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            for path, text in flat(item):
                yield (str(name), *path), text
    elif isinstance(value, list):
        for item in value:
            yield from flat(item)
    else:
        yield (), plain(value)


def plain(value: Any) -> str:
    """Return a value as text for people."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if value is None:
        return "No value"
    return shown(value) if isinstance(value, str) else str(value)


def as_label(name: str) -> str:
    """Return the name of a field as a label: ``found_area`` is ``Found area``."""
    text = shown_line(name.replace("_", " "))
    return f"{text[:1].upper()}{text[1:]}"


def coded(names: Mapping[str, str]) -> Words:
    """Return what puts a code, or a list of codes, into words."""

    def label(code: Any) -> str:
        return names.get(str(code)) or as_label(str(code))

    return lambda value: (
        [label(code) for code in value] if isinstance(value, list) else label(value)
    )


def for_people(text: str, people: Mapping[str, str]) -> str:
    """Return a sentence of the broker with names in place of local IDs and codes of areas."""

    def name(match: re.Match[str]) -> str:
        known = people.get(match[2])
        return f"{known[:1].upper()}{known[1:]}" if known else f"A {match[1]}"

    named = _SUBJECT.sub(name, shown(text))
    return _AREA.sub(lambda match: area(match[0]), _AREA_BESIDE_NAME.sub("", named))


def area(code: Any) -> str:
    """Return the name of a council area or country, or the code of one that is not known."""
    place = installed().place(str(code).strip().upper())
    return place.name if place else str(code)


def telephone(number: Any) -> Line:
    """Return a telephone number as a link, where it can be dialled."""
    text = shown_line(str(number))
    dialled = re.match(r"[+(]?[0-9][0-9() .-]*", text)
    digits = re.sub(r"[^+0-9]", "", dialled[0]) if dialled else ""
    if len(digits) < _LEAST_DIGITS:
        return Line(text)
    # A number that is broken over two lines is misread.
    return Line(text.replace(" ", "\N{NO-BREAK SPACE}"), LineKind.LINK, f"tel:{digits}")


def email(address: Any) -> Line:
    """Return an email address as a link."""
    text = shown_line(str(address))
    return Line(text, LineKind.LINK, f"mailto:{text}")


def joined(names: Sequence[str]) -> str:
    """Return names in one phrase: ``Isolde, Ivor and Lucian``."""
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)


def _items(value: object) -> Collection[Any]:
    return value if isinstance(value, list) else ()


def _lines(value: Any, words: Words) -> tuple[Line, ...]:
    if value is None or (isinstance(value, Mapping) and not value):
        return ()
    if isinstance(value, Mapping) and UNKNOWN in value:
        why = str(value[UNKNOWN])
        return (
            Line(labels.UNKNOWN_NAMES.get(why, why), LineKind.UNKNOWN, coming=COMING.get(why, ASK)),
        )
    said = words(value)
    parts: Iterable[str | Line] = [said] if isinstance(said, str | Line) else said
    return tuple(part if isinstance(part, Line) else Line(part) for part in parts if part)


def _is_gap(lines: tuple[Line, ...]) -> bool:
    """Tell whether lines say themselves that something is not known."""
    return not lines or any(line.kind is LineKind.UNKNOWN for line in lines)


def _remark(fault: Json, people: Mapping[str, str], *, is_warning: bool) -> Remark:
    original = fault.get("original")
    return Remark(
        for_people(str(fault["message"]), people),
        shown(str(original)) if original is not None else "",
        is_warning=is_warning,
    )


def _about(remark: Remark, below: str) -> Remark:
    """Return a remark with the names of the fields that lead to what it is about."""
    names = [
        step.replace("~1", "/").replace("~0", "~")
        for step in below.split("/")[1:]
        if not step.isdecimal()
    ]
    if not names:
        return remark
    about = as_label(" ".join(names))
    return Remark(remark.text, remark.original, about, is_warning=remark.is_warning)
