"""Which fault strikes when: a pure function of a seed, so that a run can be had again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

APART_SECONDS = (0.4, 2.4)
"""Between the beginnings of two strikes; shorter than many last, so that they overlap."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault: when it begins, how long it lasts, and dice for whatever else it must choose."""

    at: float
    """Seconds after the calm."""
    name: str
    seconds: float
    seed: int


def plan(
    seed: int, seconds: float, lengths: Mapping[str, tuple[float, float]]
) -> tuple[Strike, ...]:
    """Return the strikes of a run: every fault once before any comes again.

    ``lengths`` says of each fault how many seconds it may last, at least and at most.
    """
    dice = Random(seed)
    strikes: list[Strike] = []
    deck: list[str] = []
    at = dice.uniform(0, 1)
    while at < seconds:
        if not deck:
            deck = sorted(lengths)
            dice.shuffle(deck)
        name = deck.pop()
        lasts = min(dice.uniform(*lengths[name]), max(0.5, seconds - at))
        strikes.append(Strike(round(at, 3), name, round(lasts, 3), dice.getrandbits(32)))
        at += dice.uniform(*APART_SECONDS)
    return tuple(strikes)
