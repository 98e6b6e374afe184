"""What a person in ops must settle about a referral."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """Something in a referral that a person in ops must settle; the rest of it goes on."""

    code: str
    """That of the warning which says the same to the publisher and the agencies."""
    pointer: str
    message: str
