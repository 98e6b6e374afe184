"""One small change to what the broker does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed statement or function."""

    place: str
    """A statement, ``deliveries/release``, or a function, ``broker/flow/answer.py:redirect``."""
    change: str
    """What was changed, in words that stay the same when lines move."""
    text: str
    """The whole file with the change."""

    @property
    def name(self) -> str:
        """How the list of survivors names it."""
        return f"{self.place}: {self.change}"


def numbered(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """Yield mutants; of several that read alike the second is called so, and so on."""
    counts: dict[str, int] = {}
    for mutant in mutants:
        counts[mutant.name] = number = counts.get(mutant.name, 0) + 1
        change = mutant.change if number == 1 else f"{mutant.change} (place {number})"
        yield Mutant(mutant.place, change, mutant.text)
