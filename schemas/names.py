"""The names of fields as documents write them, taken from the records themselves.

What reads a document as JSON (before it is validated, or to show a part of it) names its fields
by these, so that renaming a field fails the type check, and the import, wherever it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar, cast

T = TypeVar("T")


def name_of(record: type[T], field: Callable[[T], object]) -> str:
    """Return a field's name: ``name_of(Child, lambda child: child.area)`` is ``area``.

    Raises AttributeError when the record has no such field.
    """
    name = cast(str, field(cast(T, _Recorder())))
    if name not in {known.name for known in fields(cast(Any, record))}:
        raise AttributeError(f"{record.__name__} has no field {name!r}.")
    return name


class _Recorder:
    """Answers each attribute with the attribute's own name."""

    def __getattr__(self, name: str) -> str:
        return name
