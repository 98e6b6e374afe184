"""Questions of the form, made from the fields of the published schemas.

What a question asks for, how long an answer may be and which answers there are is the schema's;
label and hint are those of ``question_wording``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from broker.referral_form.question_wording import HINTS, LABELS
from schemas import labels
from schemas.fields import ENUM_DESCRIPTIONS, Code, Flag, Knowable, Many, One, Text, Whole
from schemas.formats import Area, Country, Day, Instant, LocalId
from schemas.immutable import immutable
from schemas.loading import Record
from schemas.referral import REFERRAL

Path = tuple[str | int, ...]
"""The way to a field: names of fields, and places in lists."""
SHORT = 300
"""A text of at most so many characters is typed in one line."""
LONG = 4000
"""A text of more characters gets a larger box."""
_ANSWERS: Mapping[str, labels.Labels] = {
    "grade.level": {**labels.GRADE_NAMES, "immediate": "Immediate: a child is in danger now"},
    "concern.intelligence.source_evaluation": labels.SOURCE_EVALUATIONS,
    "handling.marking": {code: f"{code}: {text}" for code, text in labels.MARKINGS.items()},
    "online.reports.source": {**labels.REPORT_SOURCES, "other": "Somebody else"},
}
"""Answers whose words differ from those of the schema, or that are numbers there, by field."""


_SPACED = "govuk-input--extra-letter-spacing"
NARROW = "govuk-input--width-10"
_WIDE = "govuk-input--width-30"
_NOT_HELD = {"autocomplete": "off", "spellcheck": False}
"""For what is about other people: the browser keeps none of it, and sends none to a speller."""
_INPUTS: Mapping[str, Mapping[str, Any]] = {
    "email": {"type": "email"},
    "telephone": {"type": "tel", "classes": "govuk-input--width-20"},
    "postcode": {"classes": NARROW},
    "nhs_number": {"inputmode": "numeric", "classes": f"{NARROW} {_SPACED}"},
    "urn": {"inputmode": "numeric", "classes": NARROW},
    "upn": {"classes": NARROW},
    "username": {"autocapitalize": "none"},
}
"""How a text of a fixed form is typed, by the last word of its field."""
_OWN_DETAILS: Mapping[str, str] = {
    "referrer.name": "name",
    "referrer.role": "organization-title",
    "referrer.telephone": "tel",
    "referrer.email": "email",
}
"""What people write of themselves, as the browser knows it (WCAG 2.2, 1.3.5)."""


class Kind(StrEnum):
    """How a question is answered."""

    LINE = "line"
    TEXT = "text"
    """A text of several lines."""
    LINES = "lines"
    """Several texts, one on each line."""
    CODE = "code"
    """One of a list of codes."""
    CODES = "codes"
    """Any of a list of codes."""
    FLAG = "flag"
    NUMBER = "number"
    DAY = "day"
    INSTANT = "instant"
    PLACE = "place"
    """A council, by its name or a postcode in it."""
    COUNTRY = "country"
    PERSON = "person"
    """One person of the document."""
    PEOPLE = "people"
    """Any of the people of the document."""
    CONTACTS = "contacts"
    """What contact somebody has with each child of the document."""
    GROUP = "group"
    """An object whose fields are asked together."""


@immutable
class Question:
    """One question of a page."""

    path: Path
    """Where its answer stands in the object of the page."""
    key: str
    """The name of the field over all places in lists: ``children.address.postcode``."""
    kind: Kind
    label: str
    hint: str = ""
    options: Mapping[str, str] | None = None
    """The answers that there are, by code."""
    limit: int | None = None
    """In characters."""
    is_required: bool = False
    is_knowable: bool = False
    """Whether the answer may be why it is not known."""
    parts: tuple[Question, ...] = ()
    """The questions of a group."""

    @property
    def typed(self) -> Mapping[str, Any]:
        """How it is typed: what the component for an input or a text area takes.

        The keyboard of a telephone fits, and browsers keep nothing of what is about other people.
        """
        usual = {**_NOT_HELD, "classes": _WIDE}
        own = {"autocomplete": _OWN_DETAILS[self.key]} if self.key in _OWN_DETAILS else {}
        if self.kind is Kind.NUMBER:
            return {**usual, "inputmode": "numeric", "classes": "govuk-input--width-4"}
        if self.kind in (Kind.TEXT, Kind.LINES):
            rows = 5 if self.limit and self.limit > LONG else 3
            return {**_NOT_HELD, "rows": rows}
        fixed = dict(_INPUTS.get(str(self.path[-1]), {}))
        capitals = fixed.pop("autocapitalize", None)
        attributes = {"attributes": {"autocapitalize": capitals}} if capitals else {}
        return {**usual, **fixed, **attributes, **own}

    @property
    def name(self) -> str:
        """Its name in forms, and the id of its first input."""
        return "-".join(map(str, self.path))


def ask(base: Path, *steps: str | int) -> Question:
    """Return the question about a field; ``base`` is the way to the object of the page."""
    schema = record_at(base)
    fields = list(_fields(schema, steps))
    field, is_knowable = fields[-1], False
    if isinstance(field, Knowable):
        field, is_knowable = field.inner, True
    key = key_of((*base, *steps))
    kind, options = _kind(key, field)
    return Question(
        path=steps,
        key=key,
        kind=kind,
        label=LABELS[key],
        hint=HINTS.get(key, ""),
        options=options,
        limit=getattr(field, "limit", None) if kind in (Kind.LINE, Kind.TEXT) else None,
        is_required=all(step.required for step in fields),
        is_knowable=is_knowable,
        parts=_parts(base, steps, field) if kind is Kind.GROUP else (),
    )


def _parts(base: Path, steps: Path, field: Any) -> tuple[Question, ...]:
    """Return a question for each field of an object that has a label."""
    names = [name for name in field.record.fields if key_of((*base, *steps, name)) in LABELS]
    return tuple(ask(base, *steps, name) for name in names)


def key_of(path: Path) -> str:
    """Return the name of a field over all places in lists: ``children.address.postcode``."""
    return ".".join(step for step in path if isinstance(step, str))


def record_at(path: Path) -> Record[Any]:
    """Return the schema of an object of a referral."""
    schema: Record[Any] = REFERRAL
    for field in _fields(REFERRAL, path):
        inner = _inner(field)
        if isinstance(inner, One):
            schema = inner.record
    return schema


def leaves(schema: Record[Any] = REFERRAL, path: Path = ()) -> Iterator[str]:
    """Yield the key of every field of a referral that holds a value and no object."""
    for name, field in schema.fields.items():
        inner = _inner(field)
        if isinstance(inner, One):
            yield from leaves(inner.record, (*path, name))
        else:
            yield key_of((*path, name))


def _fields(schema: Record[Any], path: Path) -> Iterator[Any]:
    """Yield each field on the way along a path."""
    for step in path:
        if isinstance(step, int):
            continue
        field = schema.fields[step]
        yield field
        inner = _inner(field)
        if isinstance(inner, One):
            schema = inner.record


def _inner(field: Any) -> Any:
    """Return the field of a value, or of one item of a list."""
    if isinstance(field, Knowable):
        field = field.inner
    return field.inner if isinstance(field, Many) else field


def _kind(key: str, field: Any) -> tuple[Kind, Mapping[str, str] | None]:
    """Return how a field is asked, and the answers that there are."""
    if key in _ANSWERS:
        return Kind.CODE, _ANSWERS[key]
    if key.endswith(".contact"):
        return Kind.CONTACTS, labels.CONTACT_NATURES
    if isinstance(field, Many):
        return _kind_of_list(field.inner)
    if isinstance(field, Code):
        return Kind.CODE, field.metadata[ENUM_DESCRIPTIONS]
    return _plain_kind(field), None


def _kind_of_list(item: Any) -> tuple[Kind, Mapping[str, str] | None]:
    if isinstance(item, Code):
        return Kind.CODES, item.metadata[ENUM_DESCRIPTIONS]
    return (Kind.PEOPLE if isinstance(item, LocalId) else Kind.LINES), None


def _plain_kind(field: Any) -> Kind:
    if isinstance(field, Text):
        return Kind.LINE if field.limit <= SHORT else Kind.TEXT
    return _PLAIN.get(type(field), Kind.LINE)


_PLAIN: Mapping[type[Any], Kind] = {
    One: Kind.GROUP,
    Flag: Kind.FLAG,
    Whole: Kind.NUMBER,
    Day: Kind.DAY,
    Instant: Kind.INSTANT,
    Area: Kind.PLACE,
    Country: Kind.COUNTRY,
    LocalId: Kind.PERSON,
}
"""Fields that are asked in one way each; texts of a fixed form are typed in one line."""
