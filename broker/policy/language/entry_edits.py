"""Change single fields of an organisation's entry, also in what is set for a later time.

A version of an organisation says all of it. One that was set for later was written before what is
changed meanwhile, and would undo it on its day: so each change is made to what is set for later
too, but for a field that the later version gives another value.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

Entry = Mapping[str, Any]
Path = tuple[str, ...]
Edits = Mapping[Path, Any]
"""What fields are to be, by where they stand; a field that is empty is taken out."""


@dataclass(frozen=True, slots=True)
class LaterEntry:
    """What an organisation is from an instant on."""

    starts_at: datetime
    entry: Entry


@dataclass(frozen=True, slots=True)
class EntryCourse:
    """What an organisation is, and what it is set to be."""

    version: int
    """The last one, which need not be in force; 0 where the organisation is no row."""
    entry: Entry
    """What is in force."""
    later: Sequence[LaterEntry] = ()
    """What is set for later, in the order of the starts."""

    def at(self, instant: datetime | None) -> Entry:
        """Return what the organisation is at an instant that has not come; None: what it is now."""
        starting = [] if instant is None else [o for o in self.later if o.starts_at <= instant]
        return starting[-1].entry if starting else self.entry

    def after(self, instant: datetime | None) -> Sequence[LaterEntry]:
        """Return what is set for after an instant; None: all that is set for later."""
        return [o for o in self.later if instant is None or o.starts_at > instant]


def value_at(entry: Entry, path: Path) -> Any:
    """Return what stands at a place; None where nothing does."""
    value: Any = entry
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def edited(entry: Entry, edits: Edits) -> dict[str, Any]:
    """Return the entry with fields that are others; the entry itself is not changed."""
    changed = copy.deepcopy(dict(entry))
    for path, value in edits.items():
        _put(changed, path, value)
    return changed


def carried(course: EntryCourse, edits: Edits, starts_at: datetime | None) -> list[LaterEntry]:
    """Return what is set for after a change, with the change; only what becomes another entry.

    From the first later version on that gives a field another value, that field is left alone.
    """
    before = course.at(starts_at)
    rest = {path: value for path, value in edits.items() if value_at(before, path) != value}
    changed = []
    for later in course.after(starts_at):
        rest = {
            path: value
            for path, value in rest.items()
            if value_at(later.entry, path) == value_at(before, path)
        }
        if rest:
            changed.append(replace(later, entry=edited(later.entry, rest)))
    return changed


def _put(entry: dict[str, Any], path: Path, value: Any) -> None:
    """Set a value, or take it out where it is empty, with every map that is empty then."""
    name, *rest = path
    if rest:
        inner = entry.setdefault(name, {})
        _put(inner, tuple(rest), value)
        if not inner:
            del entry[name]
    elif value:
        entry[name] = value
    else:
        entry.pop(name, None)
