"""Lengths of time as people type and read them: ``15m`` and ``2 h 05 min``."""

from __future__ import annotations

import re
from datetime import timedelta

import click

_FORM = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration(text: str) -> timedelta:
    """Read ``90s``, ``15m``, ``4h`` or ``2d``. Raises UsageError for anything else."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise click.UsageError("Write a time as 90s, 15m, 4h or 2d.")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def format_duration(seconds: float) -> str:
    """Return a length of time in the two largest units: ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24} h"
