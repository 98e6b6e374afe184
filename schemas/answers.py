"""The kinds of field in what the broker answers: always there, and null where there is nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import fields

from schemas.fields import described
from schemas.loading import Answer


def text(description: str = "", *, nullable: bool = False) -> fields.String:
    """Return a text."""
    return fields.String(required=True, allow_none=nullable, metadata=described(description))


def code(codes: Iterable[str], description: str = "", *, nullable: bool = False) -> fields.String:
    """Return a word from a closed list."""
    listed: list[str | None] = [*map(str, codes), *([None] if nullable else [])]
    metadata = described(description, enum=listed)
    return fields.String(required=True, allow_none=nullable, metadata=metadata)


def identifier(description: str = "", *, nullable: bool = False) -> fields.UUID:
    """Return an id that the broker gave."""
    return fields.UUID(required=True, allow_none=nullable, metadata=described(description))


def instant(description: str = "", *, nullable: bool = False) -> fields.AwareDateTime:
    """Return a moment with its offset from UTC."""
    return fields.AwareDateTime(required=True, allow_none=nullable, metadata=described(description))


def count(description: str = "", *, nullable: bool = False) -> fields.Integer:
    """Return a whole number from nought."""
    metadata = described(description, minimum=0)
    return fields.Integer(required=True, allow_none=nullable, strict=True, metadata=metadata)


def flag(description: str = "") -> fields.Boolean:
    """Return true or false."""
    return fields.Boolean(required=True, metadata=described(description))


def one(schema: Answer, description: str = "", *, nullable: bool = False) -> fields.Nested:
    """Return an object of another schema."""
    metadata = described(description)
    return fields.Nested(schema, required=True, allow_none=nullable, metadata=metadata)


def many(item: fields.Field[Any], description: str = "") -> fields.List[Any]:
    """Return a list."""
    return fields.List(item, required=True, metadata=described(description))


def anything(description: str) -> fields.Dict:
    """Return an object whose names depend on what it is about."""
    return fields.Dict(required=True, metadata=described(description))
