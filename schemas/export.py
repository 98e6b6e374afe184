"""JSON Schema 2020-12 and OpenAPI 3.1 components, made from the schemas and never by hand."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from schemas import labels
from schemas.catalogue import KINDS
from schemas.fields import ENUM_DESCRIPTIONS, Either, Knowable, Mapped
from schemas.loading import Record
from schemas.unknown import Unknown

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_COMPONENTS = "#/components/schemas/"
_OF_A_NAME = ("pattern", "enum", "maxLength")
_UNKNOWN = {
    "type": "object",
    "description": "The fact is not known, and why.",
    "properties": {
        "unknown": {
            "type": "string",
            "description": "Why it is not known.",
            "enum": [reason.value for reason in Unknown],
            ENUM_DESCRIPTIONS: dict(labels.UNKNOWN),
        }
    },
    "required": ["unknown"],
    "additionalProperties": False,
}


def kinds() -> list[str]:
    """Return the names of all kinds of document."""
    return sorted(KINDS)


def component(kind: str) -> str:
    """Return the name of a kind's schema among the components."""
    return _name(KINDS[kind])


def components(*, channels: Collection[str] = ()) -> dict[str, Any]:
    """Return the OpenAPI 3.1 ``components.schemas`` of all kinds.

    ``channels`` are those that a directory may name; without them any name is one.
    """
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(title="", version="", openapi_version="3.1.0", plugins=[plugin])
    converter = cast(Any, plugin.converter)
    _teach(converter)
    spec.components.schema("Unknown", _UNKNOWN)
    for schema in KINDS.values():
        converter.resolve_nested_schema(schema)
    exported = cast(dict[str, Any], spec.to_dict()["components"]["schemas"])
    for name, schema_class in _classes(KINDS.values()).items():
        exported[name] |= _of_the_whole(schema_class)
    if channels:
        exported["OrganisationEntry"]["properties"]["channel"]["enum"] = list(channels)
    return exported


def json_schema(kind: str, *, channels: Collection[str] = ()) -> dict[str, Any]:
    """Return the JSON Schema of one kind, with all that it refers to in ``$defs``."""
    everything = components(channels=channels)
    root = component(kind)
    needed = _reachable(root, everything)
    definitions = {name: _relocated(everything[name]) for name in sorted(needed - {root})}
    return {"$schema": _DIALECT, "title": root, **_relocated(everything[root])} | (
        {"$defs": definitions} if definitions else {}
    )


def _teach(converter: Any) -> None:
    """Tell apispec what our own kinds of field are in JSON Schema."""

    def options(self: Any, field: Any, **_: Any) -> dict[str, Any]:
        if isinstance(field, Knowable):
            unknown = {"$ref": f"{_COMPONENTS}Unknown"}
            return {"anyOf": [self.field2property(field.inner), unknown]}
        if isinstance(field, Either):
            return {"anyOf": [self.field2property(option) for option in field.options]}
        return {}

    def names(_: Any, field: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(field, Mapped):
            return {}
        bounds = field.names.metadata
        return {"propertyNames": {key: bounds[key] for key in _OF_A_NAME if key in bounds}}

    converter.add_attribute_function(options)
    converter.add_attribute_function(names)


def _name(schema: Any) -> str:
    schema_class = schema if isinstance(schema, type) else type(schema)
    return str(schema_class.__name__).removesuffix("Schema")


def _classes(schemas: Any) -> dict[str, type[Schema]]:
    classes: dict[str, type[Schema]] = {}
    waiting = list(schemas)
    while waiting:
        schema = waiting.pop()
        if _name(schema) not in classes:
            classes[_name(schema)] = type(schema)
            waiting += [nested for field in schema.fields.values() for nested in _nested(field)]
    return classes


def _nested(field: Any) -> list[Schema]:
    if isinstance(field, fields.Nested):
        return [field.schema]
    return [schema for part in _parts(field) for schema in _nested(part)]


def _parts(field: Any) -> list[Any]:
    if isinstance(field, fields.List | Knowable):
        return [field.inner]
    if isinstance(field, Mapped):
        return [field.values]
    return list(field.options) if isinstance(field, Either) else []


def _of_the_whole(schema_class: type[Schema]) -> dict[str, Any]:
    described = {"description": " ".join((schema_class.__doc__ or "").split())}
    if not issubclass(schema_class, Record):
        return described
    return described | schema_class.rules


def _reachable(root: str, everything: dict[str, Any]) -> set[str]:
    reachable: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in reachable:
            reachable.add(name)
            waiting += _references(everything[name])
    return reachable


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"].removeprefix(_COMPONENTS)] if "$ref" in value else []
        return own + [name for item in value.values() for name in _references(item)]
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    return []


def _relocated(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: item.replace(_COMPONENTS, "#/$defs/") if key == "$ref" else _relocated(item)
            for key, item in value.items()
        }
    return [_relocated(item) for item in value] if isinstance(value, list) else value
