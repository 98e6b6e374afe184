"""A mapping that never changes, and whose changed copies share what is the same.

A national directory has 25,000 organisations, of which one changes at a time. Copying it whole for
each change would cost milliseconds, and megabytes for each version that a process holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
LEAST_MERGED = 256
"""So many changes lie over the mapping below at least before both become one."""
SHARE = 16
"""They become one when the changes are more than this part of it."""


class Layered(Mapping[K, V], Generic[K, V]):
    """A mapping with its changes beside it. May be read from any thread."""

    __slots__ = ("_below", "_changes")

    def __init__(self, below: dict[K, V], changes: dict[K, V | None] | None = None) -> None:
        self._below = below
        self._changes = changes or {}
        """The value of each key that was changed since; None where it is no more."""

    def get(self, key: K, default: V | None = None) -> V | None:  # type: ignore[override]
        """Return the value of a key."""
        value = self._changes[key] if key in self._changes else self._below.get(key)
        return default if value is None else value

    def __getitem__(self, key: K) -> V:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None  # type: ignore[arg-type]  # any key may be looked up

    def __iter__(self) -> Iterator[K]:
        if not self._changes:
            return iter(self._below)
        return iter(self._merged())

    def __len__(self) -> int:
        return len(self._merged()) if self._changes else len(self._below)

    def with_changes(self, changes: Mapping[K, V | None]) -> Layered[K, V]:
        """Return a copy in which these keys have other values; None takes one away."""
        together = {**self._changes, **changes}
        if len(together) > max(LEAST_MERGED, len(self._below) // SHARE):
            return Layered(Layered(self._below, together)._merged())
        return Layered(self._below, together)

    def _merged(self) -> dict[K, V]:
        merged = {**self._below, **self._changes}
        return {key: value for key, value in merged.items() if value is not None}
