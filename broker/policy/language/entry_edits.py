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
from itertools import pairwise
from typing import Any

Entry = Mapping[str, Any]
Path = tuple[str, ...]
Edits = Mapping[Path, Any]
"""What fields are to be, by where they stand; None takes a field out."""


@dataclass(frozen=True, slots=True)
class LaterEntry:
    """What an organisation is from an instant on."""

    version: int
    starts_at: datetime
    entry: Entry


@dataclass(frozen=True, slots=True)
class EntryCourse:
    """What an organisation is, and what it is set to be."""

    version: int
    """The last one, which need not be in force; 0 where the organisation is no row."""
    entry: Entry
    """What is in force."""
    in_force: int
    """The version that ``entry`` is; 0 where the policy's document says it."""
    later: Sequence[LaterEntry] = ()
    """What is set for later, in the order of the starts."""

    @property
    def tag(self) -> str:
        """Return what is another text as soon as anything of this is another: 4, or 4.3.

        The first number is the last version, the second one the version in force.
        """
        is_last = self.version == self.in_force
        return f"{self.version}" if is_last else f"{self.version}.{self.in_force}"

    def at(self, instant: datetime | None) -> Entry:
        """Return what the organisation is at an instant that has not come; None: what it is now."""
        starting = [] if instant is None else [o for o in self.later if o.starts_at <= instant]
        return starting[-1].entry if starting else self.entry

    def after(self, instant: datetime | None) -> Sequence[LaterEntry]:
        """Return what is set for after an instant; None: all that is set for later."""
        return [o for o in self.later if instant is None or o.starts_at > instant]

    def steps(self) -> list[list[str]]:
        """Return which fields each later version makes others, as JSON pointers.

        The fields are those in which it differs from what the organisation is before it starts.
        """
        entries = [self.entry, *(later.entry for later in self.later)]
        return [
            ["/" + "/".join(path) for path in edits_between(before, after)]
            for before, after in pairwise(entries)
        ]


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


def merged(entry: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry with a merge patch (RFC 7396); the entry itself is not changed."""
    result = copy.deepcopy(dict(entry)) if isinstance(entry, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            result[name] = merged(result.get(name), value)
        else:
            result[name] = value
    return result


def edits_between(before: Entry, after: Entry) -> dict[Path, Any]:
    """Return what is changed from one entry to another, each value by where it stands.

    Of what is a map in both, only what differs in it: another Monday is no change of Tuesday.
    """
    edits: dict[Path, Any] = {}
    for name in [*after, *(name for name in before if name not in after)]:
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            inner = edits_between(old, new)
            edits |= {(name, *path): value for path, value in inner.items()}
        elif old != new:
            edits[name,] = new
    return edits


def carried(course: EntryCourse, document: Entry, starts_at: datetime | None) -> list[LaterEntry]:
    """Return what is set for after a change, with the change; only what becomes another entry.

    ``document`` is what the organisation is to be from ``starts_at`` on. From the first later
    version on that gives a field another value, that field is left alone.
    """
    before = course.at(starts_at)
    rest: Edits = edits_between(before, document)
    changed = []
    for later in course.after(starts_at):
        rest = {path: rest[path] for path in rest if _is_same(later.entry, before, path)}
        if rest:
            changed.append(replace(later, entry=edited(later.entry, rest)))
    return changed


def _is_same(entry: Entry, other: Entry, path: Path) -> bool:
    """Tell whether two entries have the same at a place, and whether one could be set there."""
    above = [value_at(entry, path[:end]) for end in range(1, len(path))]
    can_be_set = all(value is None or isinstance(value, Mapping) for value in above)
    return can_be_set and value_at(entry, path) == value_at(other, path)


def _put(entry: dict[str, Any], path: Path, value: Any) -> None:
    """Set a value, or take it out for None, with every map that is empty then."""
    name, *rest = path
    if rest:
        inner = entry.get(name)
        inner = entry[name] = inner if isinstance(inner, dict) else {}
        _put(inner, tuple(rest), value)
        if not inner:
            del entry[name]
    elif value is None:
        entry.pop(name, None)
    else:
        entry[name] = value
