"""A mapping of very few keys, in half the memory of a dict: what is held 25,000 times over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Few(Mapping[K, V], Generic[K, V]):
    """Never changes, and is equal to a dict with the same items."""

    __slots__ = ("_flat",)

    def __init__(self, items: Iterable[tuple[K, V]]) -> None:
        self._flat: tuple[K | V, ...] = tuple(part for item in items for part in item)
        """Each key, followed by its value."""

    def __getitem__(self, key: K) -> V:
        for place in range(0, len(self._flat), 2):
            if self._flat[place] == key:
                return self._flat[place + 1]  # type: ignore[return-value]  # a value is there
        raise KeyError(key)

    def __iter__(self) -> Iterator[K]:
        return iter(self._flat[::2])  # type: ignore[arg-type]  # keys are there

    def __len__(self) -> int:
        return len(self._flat) // 2

    def __repr__(self) -> str:
        return f"Few({dict(self)!r})"
