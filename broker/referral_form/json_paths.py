"""Read and write a JSON document by the way to a field; what has another shape is left alone."""

from __future__ import annotations

from enum import Enum
from itertools import pairwise
from typing import Any

from broker.referral_form.questions import Path


class Absent(Enum):
    """Stands for a value that is not there, since a JSON value may be null or false."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


def get(value: Any, path: Path) -> Any:
    """Return what stands at a path, ABSENT where nothing does."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return ABSENT
        elif not isinstance(value, dict) or step not in value:
            return ABSENT
        value = value[step]
    return value


def put(value: Any, path: Path, new: Any) -> None:
    """Write a value at a path, and make the objects and lists on the way to it."""
    for step, after in pairwise(path):
        below = get(value, (step,))
        if not isinstance(below, list if isinstance(after, int) else dict):
            below = [] if isinstance(after, int) else {}
            _set(value, step, below)
        value = below
    _set(value, path[-1], new)


def remove(value: Any, path: Path) -> None:
    """Remove what stands at a path, and what is empty around it."""
    above = get(value, path[:-1]) if len(path) > 1 else value
    if get(above, path[-1:]) is ABSENT:
        return
    del above[path[-1]]
    if not above and len(path) > 1:
        remove(value, path[:-1])


def _set(value: Any, step: str | int, new: Any) -> None:
    if isinstance(step, int):
        value.extend({} for _ in range(step + 1 - len(value)))
    value[step] = new


def tidy(value: Any, path: Path) -> None:
    """Remove the empty objects of a list, which stand for items that nobody filled in."""
    items = get(value, path)
    if isinstance(items, list):
        items[:] = [item for item in items if item != {}]
        if not items:
            remove(value, path)
