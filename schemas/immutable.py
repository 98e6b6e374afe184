"""Immutable value classes that are made at the cost of ordinary ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def immutable(cls: type[T]) -> type[T]:
    """Make a dataclass with slots whose objects never change once they are made.

    The type checker enforces that. ``dataclass(frozen=True)`` would enforce it while the broker
    runs as well, and takes three to four times as long for each object: a fifth of the time that
    deciding about a referral takes. Equality and hash are those of the fields.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
