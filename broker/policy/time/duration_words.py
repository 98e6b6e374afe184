"""Lengths of time in words."""

from __future__ import annotations

from math import isfinite

MINUTE, HOUR, DAY = 60, 3600, 86_400


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units; never a negative one."""
    if seconds is None or not isfinite(seconds):
        return "–"
    if seconds < 0:
        return "clock differs"
    if seconds < HOUR:
        return _of_minutes(seconds)
    large, small = ((HOUR, "h"), (MINUTE, "min")) if seconds < DAY else ((DAY, "d"), (HOUR, "h"))
    rest = int(seconds % large[0] // small[0])
    return f"{int(seconds // large[0])} {large[1]}" + (f" {rest} {small[1]}" if rest else "")


def _of_minutes(seconds: float) -> str:
    """Return a duration under an hour in its largest unit."""
    if seconds >= MINUTE:
        return f"{int(seconds // MINUTE)} min"
    if 0 < seconds < 1:
        return "under a second"
    return f"{seconds:.1f} s" if 0 < seconds < 10 else f"{seconds:.0f} s"


def seconds_words(seconds: float) -> str:
    """Return seconds to a tenth, for what is quick."""
    return "under 0.1 seconds" if seconds < 0.1 else f"{seconds:.1f} seconds"


def how_many(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
