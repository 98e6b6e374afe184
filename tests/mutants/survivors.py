"""The list of mutants that no test notices. It only becomes shorter."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_REASON = "  # "
"""Between the name of a mutant and why nobody can notice it."""


@dataclass(frozen=True, slots=True)
class Survivors:
    """The lines of the list: the name of each mutant, and a reason where it changes nothing."""

    head: tuple[str, ...]
    """The comment at its beginning."""
    reasons: dict[str, str]
    """By name; empty where a test should notice it and none does."""

    @classmethod
    def read(cls, path: Path) -> Survivors:
        """Read the list."""
        lines = path.read_text(encoding="utf-8").splitlines()
        head = tuple(line for line in lines if line.startswith("#"))
        listed = [line.partition(_REASON) for line in lines if line and not line.startswith("#")]
        return cls(head, {name: reason for name, _, reason in listed})

    def write(self, path: Path) -> None:
        """Write the list."""
        path.write_text(self.text(), encoding="utf-8")

    def text(self) -> str:
        """Return the list as it is written: sorted, one a line."""
        lines = [
            f"{name}{_REASON}{reason}" if reason else name
            for name, reason in sorted(self.reasons.items())
        ]
        return "\n".join([*self.head, *lines, ""])

    def fallen(self, noticed: Collection[str]) -> list[str]:
        """Return those of the list that a test notices now."""
        return sorted(name for name in self.reasons if name in noticed)

    def fresh(self, survived: Collection[str]) -> list[str]:
        """Return those that survived and are not in the list."""
        return sorted(name for name in survived if name not in self.reasons)

    def without(self, names: Collection[str]) -> Survivors:
        """Return the list without some."""
        kept = {name: why for name, why in self.reasons.items() if name not in names}
        return Survivors(self.head, kept)
