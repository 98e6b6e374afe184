"""Other shapes of a document, and other spellings of its names, read as what they mean.

Converters write a list of one as its only item, and a list of many under the name of an item
(``{"children": {"child": [...]}}``); other systems spell a name ``dateOfBirth``, or give a text
where an object has one field that matters, or use a name of their own (schemas/other_names.py). A
shape depends on the document and the schema alone, so that it is the same whenever it is read. What
fits already is not touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from schemas import child, concern, handling, online, other_names, person
from schemas import fields as kinds
from schemas.loading import Record, escape
from schemas.spellings import says_no, says_nothing

MOST_PLACES = 20
"""So many changed places are named."""
_DEPTH = 12
_POSTCODE = re.compile(r"\b([A-Za-z]{1,2}[0-9][A-Za-z0-9]? ?[0-9][A-Za-z]{2})\W*\Z", re.ASCII)
_LINE_ENDS = re.compile(r"\s*[,;\r\n]+\s*")
_SCALARS = (kinds.Flag, kinds.Whole, fields.String, fields.Date, fields.DateTime)
_VALUE = frozenset({"value", "code", "text", "#text", "_text", "$", "_"})
"""Names under which converters write what an element holds."""
_MAIN: Mapping[type[Record[Any]], str] = {
    child.ChildSchema: "given_name",
    child.AddressSchema: "lines",
    child.EthnicitySchema: "code",
    child.OpenCaseSchema: "area",
    child.SchoolSchema: "name",
    child.HealthSchema: "details",
    child.MissingSchema: "status",
    child.VoiceSchema: "said",
    person.HouseholdMemberSchema: "given_name",
    person.PersonPosingRiskSchema: "given_name",
    person.WorkRoleSchema: "title",
    person.ManagementSchema: "status",
    concern.ConcernSchema: "summary",
    concern.ObservedFactSchema: "text",
    concern.ThirdPartyReportSchema: "text",
    concern.JudgementSchema: "text",
    concern.IntelligenceSchema: "text",
    concern.PartSummarySchema: "text",
    handling.ReferrerSchema: "name",
    handling.HandlingSchema: "instructions",
    handling.EmbargoSchema: "reason",
    handling.CallFirstSchema: "name",
    handling.ParentsInformedSchema: "informed",
    handling.GradeSchema: "level",
    handling.ActionTakenSchema: "action",
    online.PlatformSchema: "name",
    online.IdentitySchema: "username",
    online.IpEventSchema: "address",
}
"""What a text means that stands in place of an object."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """A document in the shape of the schema.

    At most ``MOST_PLACES`` of each kind are named, by their pointers in ``document``.
    """

    document: dict[str, Any]
    places: list[str]
    """What had another shape, or another spelling of its name."""
    renamed: list[str]
    """What had another name, or stood beside the part to which it belongs."""


def shaped(document: Mapping[str, Any], root: Record[Any], *, renames: bool = True) -> Shaped:
    """Return a document in the shape of the schema.

    Without ``renames`` fields under other names stay what they are: so it was judged before these
    were read.
    """
    shaping = _Shaping(renames=renames)
    value: dict[str, Any] = shaping.record(dict(document), root, "", _DEPTH)
    return Shaped(value, shaping.places, shaping.renamed)


class _Shaping:
    """The shaping of one document, and where it changed anything."""

    def __init__(self, *, renames: bool) -> None:
        self.renames = renames
        self.places: list[str] = []
        self.renamed: list[str] = []

    def note(self, pointer: str) -> None:
        _add(self.places, pointer)

    def value(self, value: Any, kind: fields.Field[Any], pointer: str, depth: int) -> Any:
        """Return a value in the shape of its field."""
        if value is None or depth == 0:
            return value
        if isinstance(kind, kinds.Knowable) and not _is_reason(value):
            kind = kind.inner
        if isinstance(kind, kinds.One):
            return self.one(value, kind.record, pointer, depth)
        if isinstance(kind, kinds.Many):
            return self.many(value, kind, pointer, depth)
        if isinstance(kind, _SCALARS):
            return self.scalar(value, kind, pointer)
        return value

    def one(self, value: Any, record: Record[Any], pointer: str, depth: int) -> Any:
        """Return an object: the only item of a list, or the main field of a text."""
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            self.note(pointer)
            value = value[0]
        elif not isinstance(value, dict):
            value = self.around(value, record, pointer)
        return self.record(value, record, pointer, depth) if isinstance(value, dict) else value

    def around(self, value: Any, record: Record[Any], pointer: str) -> Any:
        """Return an object in which a bare value is the field that matters."""
        main = _MAIN.get(type(record))
        is_text = isinstance(value, str) and not says_nothing(value)
        is_code = main in {"status", "level", "code"} and isinstance(value, list) and bool(value)
        is_flag = isinstance(value, bool) and main in {"status", "informed"}
        if isinstance(record, child.SchoolSchema) and str(value).strip().isdecimal():
            self.note(pointer)
            return {"urn": str(value).strip()}
        if isinstance(record, child.HealthSchema) and isinstance(value, list):
            self.note(pointer)
            return {"needs": value}
        if main is None or not (is_text or is_code or is_flag or _is_lines(value, main)):
            return value
        if isinstance(record, handling.EmbargoSchema) and says_no(value):
            return value
        self.note(pointer)
        return _address(value) if isinstance(record, child.AddressSchema) else {main: value}

    def record(
        self, value: dict[str, Any], record: Record[Any], pointer: str, depth: int
    ) -> dict[str, Any]:
        """Return an object whose names are spelt as the schema has them, and its fields shaped."""
        known = record.load_fields
        if self.renames:
            value = self.named(value, record, pointer)
        names = {other_names.fold(name): name for name in known}
        shaped: dict[str, Any] = {}
        for written, item in value.items():
            name = written if written in known else names.get(other_names.fold(written), written)
            if name != written and (name in value or name in shaped):
                name = written
            if name != written:
                self.note(f"{pointer}/{escape(name)}")
            inner = known.get(name)
            place = f"{pointer}/{escape(name)}"
            shaped[name] = item if inner is None else self.value(item, inner, place, depth - 1)
        return shaped

    def named(self, value: dict[str, Any], record: Record[Any], pointer: str) -> dict[str, Any]:
        """Return an object with each field under its own name, and in the part it belongs to."""
        known = record.load_fields
        spelt = {other_names.fold(name) for name in known}
        present = {other_names.fold(name) for name in value}
        named: dict[str, Any] = {}
        beside: list[tuple[str, tuple[str, str]]] = []
        for written, item in value.items():
            is_spelt = other_names.fold(written) in spelt
            name = None if is_spelt else other_names.field_of(written, known)
            if name is not None and name not in named and other_names.fold(name) not in present:
                _add(self.renamed, f"{pointer}/{escape(name)}")
                named[name] = item
                continue
            named[written] = item
            if not is_spelt and (place := other_names.part_of(written, known)):
                beside.append((written, place))
        for written, place in beside:
            self.move(named, written, place, pointer)
        return self.lines(named, pointer) if isinstance(record, child.AddressSchema) else named

    def move(
        self, named: dict[str, Any], written: str, place: tuple[str, str], pointer: str
    ) -> None:
        """Put a field into the part that it belongs to, unless that part has one."""
        part, name = place
        key = next((key for key in named if other_names.fold(key) == other_names.fold(part)), part)
        there = named.get(key, {})
        if not isinstance(there, dict):
            return
        # A status says already whether a child is missing: what may contradict it is for people.
        taken = {other_names.fold(name), "unknown", "status"}
        if not taken.isdisjoint(map(other_names.fold, there)):
            return
        _add(self.renamed, f"{pointer}/{part}/{name}")
        named[key] = {**there, name: named.pop(written)}

    def lines(self, address: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return an address with its lines in a list, if each stands under a name of its own."""
        parts = list(other_names.address_lines(address))
        if not parts or "lines" in map(other_names.fold, address):
            return address
        _add(self.renamed, f"{pointer}/lines")
        lines = [line for name in parts if (line := address[name].strip())]
        return {
            "lines": [*lines[:5], ", ".join(lines[5:])][: len(lines)],
            **{name: item for name, item in address.items() if name not in parts},
        }

    def many(self, value: Any, kind: kinds.Many, pointer: str, depth: int) -> Any:
        """Return a list: of one object, of the objects in an object, of what a list holds."""
        record = kind.inner.record if isinstance(kind.inner, kinds.One) else None
        items = value
        if isinstance(value, dict):
            items = _items_of(value, record)
        elif record is not None and isinstance(value, str) and value.strip():
            items = [value]
        elif record is not None and isinstance(value, list):
            items = _flat(value)
        if not isinstance(items, list):
            return value
        if items is not value:
            self.note(pointer)
        return [
            self.value(item, kind.inner, f"{pointer}/{place}", depth - 1)
            for place, item in enumerate(items)
        ]

    def scalar(self, value: Any, kind: fields.Field[Any], pointer: str) -> Any:
        """Return what a converter wrapped: the only value of an object or a list, lines of text."""
        inner = value
        if isinstance(value, dict) and len(value) == 1 and _VALUE.issuperset(value):
            (inner,) = value.values()
        elif isinstance(value, list) and len(value) == 1:
            (inner,) = value
        elif isinstance(value, list) and isinstance(kind, kinds.Text) and _are_texts(value):
            inner = "\n".join(value)
        if inner is value or isinstance(inner, dict | list | None):
            return value
        self.note(pointer)
        return inner


def _is_reason(value: Any) -> bool:
    """Tell whether a value says why the value itself is not known."""
    return isinstance(value, dict) and "unknown" in value


def _add(places: list[str], pointer: str) -> None:
    if len(places) < MOST_PLACES and pointer not in places:
        places.append(pointer)


def _items_of(value: dict[str, Any], record: Record[Any] | None) -> Any:
    """Return the list that an object stands for, or the object where it stands for none."""
    if record is None:
        are_flags = bool(value) and all(isinstance(item, bool) for item in value.values())
        return [name for name, item in value.items() if item] if are_flags else value
    names = {other_names.fold(name) for name in record.load_fields}
    if not value or names.intersection(map(other_names.fold, value)):
        return [value] if value else value
    (first, *others) = value.values()
    if not others and isinstance(first, list):
        return first
    if not all(isinstance(item, dict) for item in value.values()):
        return value
    has_id = "id" in record.load_fields
    return [{"id": name, **item} if has_id else item for name, item in value.items()]


def _flat(value: list[Any]) -> list[Any]:
    """Return a list without lists in it; the list itself where there is none."""
    if not any(isinstance(item, list) for item in value):
        return value
    return [inner for item in value for inner in (item if isinstance(item, list) else [item])]


def _are_texts(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(item, str) for item in value)


def _is_lines(value: Any, main: str) -> bool:
    return main == "lines" and isinstance(value, list) and _are_texts(value)


def _address(written: str | list[str]) -> dict[str, Any]:
    """Return an address that was written as one text or as its lines."""
    text = written if isinstance(written, str) else "\n".join(written)
    found = _POSTCODE.search(text)
    lines = [line for line in _LINE_ENDS.split(text[: found.start()] if found else text) if line]
    address: dict[str, Any] = {"lines": [*lines[:5], ", ".join(lines[5:])][: len(lines)]}
    return address | ({"postcode": found[1]} if found else {})
