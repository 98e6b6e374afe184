"""A span of time as people type it: ``90s``, ``15m``, ``4h``, ``2d``."""

from __future__ import annotations

import re
from datetime import timedelta

import click

_FORM = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration(text: str) -> timedelta:
    """Return the span. Raises UsageError for anything else."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise click.UsageError("Write a time as 90s, 15m, 4h or 2d.")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
