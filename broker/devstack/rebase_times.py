"""Moves a shipped sample, which has fixed dates, to the present."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d\S*")


def rebase(sample: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """Return the sample with every instant moved so that it was submitted at ``now``.

    Dates move by whole days, so that ages stay the same.
    """
    times = sample["times"]
    submitted = datetime.fromisoformat(times.get("submitted_at") or times["first_known_at"])
    moved: dict[str, Any] = _moved(sample, now - submitted)
    return moved


def _moved(value: Any, by: timedelta) -> Any:
    if isinstance(value, dict):
        return {name: _moved(member, by) for name, member in value.items()}
    if isinstance(value, list):
        return [_moved(element, by) for element in value]
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return (datetime.fromisoformat(value) + by).isoformat(timespec="seconds")
    if isinstance(value, str) and _DATE.fullmatch(value):
        return (date.fromisoformat(value) + by).isoformat()
    return value
