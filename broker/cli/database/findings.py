"""What a check of ``broker doctor`` comes to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check."""

    check: str
    ok: bool
    detail: str
    next_step: str | None = None
    warning: bool = False
    """Nothing is wrong yet, but it will be; ``next_step`` prevents it."""


class Failed(Exception):
    """A check failed: what is wrong, and what to do."""

    def __init__(self, detail: str, next_step: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.next_step = next_step


class Warned(Failed):
    """Nothing is wrong yet, but it will be unless somebody acts."""
