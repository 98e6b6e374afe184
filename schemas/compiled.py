"""The short way through a document that is right: one function for each schema, written from it.

Such a function accepts only what the schema accepts, makes the same objects, and knows nothing of
errors: on any doubt it gives up, and the schema itself is asked, which stays the only judge. Its
text is one straight line of the checks of every field, so nothing is looked up and nothing called
but what has to be. What a kind of field checks that is not written here is asked of the field.
``tests/unit/schemas/test_compiled.py`` holds it against the schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from marshmallow import ValidationError
from marshmallow.fields import Field

from schemas import formats
from schemas.fields import Code, Flag, Knowable, Many, One, Text, Whole
from schemas.formats import Day, Formed, Instant, PlaceCode, Surroundings
from schemas.loading import Record, loader

T = TypeVar("T")
Reader = Callable[[Any, date, date, Container[str] | None], Any]
"""Takes a value, today, the last day that may have been, and the areas that exist."""
_SURROUNDINGS = "today, latest, areas"


class Doubt(Exception):
    """The value may be wrong, so the schema must judge it."""


def read(schema: Record[T], value: object, around: Surroundings) -> T | None:
    """Return the object that a value loads into, or None where the schema must judge it."""
    today = around.today
    latest = today + formats.GRACE if today <= date.max - formats.GRACE else date.max
    try:
        record: T = reader(schema)(value, today, latest, around.areas)
    except (Doubt, ValidationError, ValueError, OverflowError):
        return None
    return record


@cache
def reader(schema: Record[Any]) -> Reader:
    """Return the function for a schema. It raises Doubt, or an error of what it calls."""
    source = _Source()
    source.write(0, f"def read(data, {_SURROUNDINGS}):")
    names = source.value(frozenset(_keys(schema)))
    source.write(1, f"if type(data) is not dict or not {names}.issuperset(data): raise Doubt")
    if schema.checks or not _is_positional(schema):
        _write_by_name(source, schema)
    else:
        _write_by_position(source, schema)
    return source.function()


class _Source:
    """The text of a function while it is written, and the values that it names."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._values: dict[str, Any] = {"Doubt": Doubt, "UTC": UTC}

    def write(self, depth: int, line: str) -> None:
        self._lines.append(f"{'    ' * depth}{line}")

    def value(self, value: Any) -> str:
        """Return the name under which the function finds a value."""
        name = f"c{len(self._values)}"
        self._values[name] = value
        return name

    def function(self) -> Reader:
        # The text holds names and numbers from our own schemas, and nothing from any document.
        exec("\n".join(self._lines), self._values)  # noqa: S102
        made: Reader = self._values["read"]
        return made


Writer = Callable[[_Source, Any, str, int], None]
"""Writes the checks of a field for the value under a name, so deep inside the function."""


def _keys(schema: Record[Any]) -> dict[str, tuple[str, Field[Any]]]:
    """Return the fields of a schema with the names of their attributes, by their names in JSON."""
    return {
        field.data_key or name: (field.attribute or name, field)
        for name, field in schema.load_fields.items()
    }


def _is_positional(schema: Record[Any]) -> bool:
    """Tell whether an object is the fields of its schema, in their order, and nothing else."""
    attributes = [attribute for attribute, _ in _keys(schema).values()]
    is_plain = not hasattr(schema.record, "__post_init__")
    return is_plain and attributes == [part.name for part in fields(schema.record)]


def _write_by_position(source: _Source, schema: Record[Any]) -> None:
    """Write the fields straight into an object, which has one slot for each of them."""
    parts = {part.name: part for part in fields(schema.record)}
    made = source.value(schema.record)
    source.write(1, f"made = {source.value(object.__new__)}({made})")
    for key, (attribute, field) in _keys(schema).items():
        source.write(1, f"if {key!r} in data:")
        source.write(2, f"v = data[{key!r}]")
        _write_field(source, field, "v", 2)
        source.write(2, f"made.{attribute} = v")
        part = parts[attribute]
        if field.required:
            absent = "raise Doubt"
        elif part.default_factory is not MISSING:
            absent = f"made.{attribute} = {source.value(part.default_factory)}()"
        else:
            absent = f"made.{attribute} = {source.value(part.default)}"
        source.write(1, f"else: {absent}")
    source.write(1, "return made")


def _write_by_name(source: _Source, schema: Record[Any]) -> None:
    """Write the fields that are there as a dictionary, which the rules over several fields take."""
    source.write(1, "loaded = {}")
    for key, (attribute, field) in _keys(schema).items():
        source.write(1, f"if {key!r} in data:")
        source.write(2, f"v = data[{key!r}]")
        _write_field(source, field, "v", 2)
        source.write(2, f"loaded[{attribute!r}] = v")
        if field.required:
            source.write(1, "else: raise Doubt")
    for check, with_original in schema.checks:
        arguments = "loaded, data" if with_original else "loaded"
        source.write(1, f"{source.value(check)}({arguments})")
    source.write(1, f"return {source.value(schema.record)}(**loaded)")


def _write_field(source: _Source, field: Field[Any], name: str, depth: int) -> None:
    """Write what turns the value under a name into what the field loads, or gives up."""
    write: Writer = _WRITERS.get(type(field)._deserialize, _write_call)
    write(source, field, name, depth)


def _write_call(source: _Source, field: Field[Any], name: str, depth: int) -> None:
    source.write(depth, f"if {name} is None: raise Doubt")
    source.write(depth, f"{name} = {source.value(loader(field))}({name})")


def _write_text(source: _Source, field: Text, name: str, depth: int) -> None:
    source.write(depth, f"if type({name}) is not str or len({name}) > {field.limit}: raise Doubt")
    blank = "raise Doubt" if field.required else f"{name} = None"
    source.write(depth, f"if not {name} or {name}.isspace(): {blank}")


def _write_code(source: _Source, field: Code, name: str, depth: int) -> None:
    codes = source.value(field.codes)
    source.write(depth, f"{name} = {codes}.get({name}) if type({name}) is str else None")
    source.write(depth, f"if {name} is None: raise Doubt")


def _write_flag(source: _Source, _: Flag, name: str, depth: int) -> None:
    source.write(depth, f"if type({name}) is not bool: raise Doubt")


def _write_whole(source: _Source, field: Whole, name: str, depth: int) -> None:
    bounds = f"{field.least} <= {name} <= {field.most}"
    source.write(depth, f"if type({name}) is not int or not {bounds}: raise Doubt")


def _write_formed(source: _Source, field: Formed, name: str, depth: int) -> None:
    matches = source.value(field.matches)
    source.write(depth, f"if type({name}) is not str or not {matches}({name}): raise Doubt")


def _write_place_code(source: _Source, field: Formed, name: str, depth: int) -> None:
    _write_formed(source, field, name, depth)
    source.write(depth, f"{name} = {name}.strip().upper()")
    source.write(depth, f"if areas is not None and {name} not in areas: raise Doubt")


def _write_dated(
    source: _Source, form: Any, read: Callable[[str], date], name: str, depth: int
) -> None:
    matches, reads = source.value(form.match), source.value(read)
    source.write(depth, f"if type({name}) is not str or not {matches}({name}): raise Doubt")
    source.write(depth, f"{name} = {reads}({name})")


def _write_years(source: _Source, name: str, depth: int) -> None:
    years = formats.YEARS
    source.write(depth, f"if not {years[0]} <= {name}.year <= {years[-1]}: raise Doubt")


def _write_instant(source: _Source, field: Instant, name: str, depth: int) -> None:
    _write_dated(source, formats.INSTANT_SHAPE, datetime.fromisoformat, name, depth)
    source.write(depth, f"if {name}.tzinfo is not UTC: {name} = {name}.astimezone(UTC)")
    _write_years(source, name, depth)
    if field.past:
        source.write(depth, f"if {name}.date() > latest: raise Doubt")


def _write_day(source: _Source, field: Day, name: str, depth: int) -> None:
    _write_dated(source, formats.DAY_SHAPE, date.fromisoformat, name, depth)
    _write_years(source, name, depth)
    ahead = source.value(timedelta(days=formats.UNBORN_DAYS if field.expected else 0))
    source.write(depth, f"if {name} - today > {ahead}: raise Doubt")


def _write_one(source: _Source, field: One, name: str, depth: int) -> None:
    inner = source.value(reader(field.record))
    source.write(depth, f"{name} = {inner}({name}, {_SURROUNDINGS})")


def _write_many(source: _Source, field: Many, name: str, depth: int) -> None:
    length = f"{field.least} <= len({name}) <= {field.limit}"
    source.write(depth, f"if type({name}) is not list or not {length}: raise Doubt")
    source.write(depth, f"{name}_items = []")
    source.write(depth, f"for {name}_item in {name}:")
    _write_field(source, field.inner, f"{name}_item", depth + 1)
    source.write(depth + 1, f"{name}_items.append({name}_item)")
    source.write(depth, f"{name} = tuple({name}_items)")


def _write_knowable(source: _Source, field: Knowable, name: str, depth: int) -> None:
    reason = source.value(loader(field))
    source.write(
        depth, f"if type({name}) is dict and 'unknown' in {name}: {name} = {reason}({name})"
    )
    source.write(depth, "else:")
    _write_field(source, field.inner, name, depth + 1)


_WRITERS: dict[Any, Writer] = {
    Text._deserialize: _write_text,
    Code._deserialize: _write_code,
    Flag._deserialize: _write_flag,
    Whole._deserialize: _write_whole,
    Formed._deserialize: _write_formed,
    PlaceCode._deserialize: _write_place_code,
    Instant._deserialize: _write_instant,
    Day._deserialize: _write_day,
    One._deserialize: _write_one,
    Many._deserialize: _write_many,
    Knowable._deserialize: _write_knowable,
}
"""What each kind of field checks, by the method that checks it in the schema."""
