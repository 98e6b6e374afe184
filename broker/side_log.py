"""The side log: what a restore of the ledger must not undo, as codes and ids in a file of its own.

Each recall, correction and end of a key is added after its commit. The file belongs on another disk
than the ledger: ``broker restore begin --side-log FILE`` applies it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from broker.telemetry import error_fields, logger

_log = logger("side-log")


class Change(StrEnum):
    """What is written there."""

    RECALL = "recall"
    CORRECTION = "correction"
    KEY_ENDED = "key-ended"
    AGENCY_KEY_ENDED = "agency-key-ended"
    PERSON_DISABLED = "person-disabled"
    MEMBER_DISABLED = "member-disabled"


@dataclass(frozen=True, slots=True)
class SideEntry:
    """One line of the file."""

    at: datetime
    change: Change
    ids: Mapping[str, str]
    """Such as ``referral``, ``reference``, ``publisher`` and ``reason`` of a recall."""

    @property
    def referral(self) -> UUID:
        """The id of the referral that a recall or a correction is about."""
        return UUID(self.ids["referral"])


class UnreadableSideLog(Exception):
    """A line of the file is none of ours; the text names the file and the line."""


class SideLog:
    """Adds lines to the file; without a file it does nothing. Each thread may use it."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def note(self, change: Change, *, at: datetime, **ids: object) -> bool:
        """Add a line and wait for the disk; False if it cannot be written.

        The change is committed already, so nothing is raised.
        """
        if self._file is None:
            return True
        fields = {name: str(value) for name, value in ids.items()}
        entry = {"at": at.isoformat(), "change": str(change), **fields}
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        try:
            _append(self._file, line)
        except OSError as error:
            _log.error("not written", change=str(change), **fields, **error_fields(error))
            return False
        return True


def read(files: Iterable[Path]) -> list[SideEntry]:
    """Return what several files hold, the oldest first.

    Raises OSError, and UnreadableSideLog; a last line that was cut off is left out.
    """
    entries = [entry for file in files for entry in _entries(file)]
    return sorted(entries, key=lambda entry: entry.at)


def _append(file: Path, line: bytes) -> None:
    """Write a line whole, after whatever other processes have written."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        if os.write(handle, line) < len(line):
            raise OSError("the line was written in part")
        os.fsync(handle)
    finally:
        os.close(handle)


def _entries(file: Path) -> Iterator[SideEntry]:
    lines = file.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            yield _entry(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableSideLog(f"{file}, line {number}") from error


def _entry(value: dict[str, Any]) -> SideEntry:
    at, change = datetime.fromisoformat(value.pop("at")), Change(value.pop("change"))
    return SideEntry(at, change, value)
