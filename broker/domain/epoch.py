"""Epochs of a ledger, and places in its feeds: a cursor names both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from broker.domain.codes import EpochReason

_CURSOR = re.compile(r"(e[0-9a-f]{9})-([0-9]{1,18})")
_OLD_CURSOR = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
OLD_BEGINNING = "0-0"
"""The beginning in the old form, as the feed of a publisher without events had it."""


class Gone(StrEnum):
    """Why a feed cannot be read on from a cursor."""

    RESTORED = "restored"
    BEYOND_END = "beyond-end"
    OLD_FORM = "old-form"


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch of a ledger's life without a restore."""

    id: str
    reason: EpochReason
    began_at: datetime
    began_by: str
    last_number: int
    """The last number in the feeds when it began; up to there the one before was the same."""
    restored_to: datetime | None
    """What was committed after it may be missing; None where nothing can be."""
    confirmed_at: datetime | None
    confirmed_by: str | None

    @property
    def is_restore(self) -> bool:
        """Whether recalls and other changes may have been undone."""
        return self.reason.is_restore

    @property
    def in_quarantine(self) -> bool:
        """Whether older referrals are kept back until somebody confirms the restore."""
        return self.is_restore and self.confirmed_at is None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the feeds, as a cursor names it."""

    epoch: str
    number: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A place from which a feed cannot be read on."""

    reason: Gone
    since: datetime | None
    """What was committed after it may be missing; None where nothing is."""
    read_on: int
    """The number after which the feed goes on without skipping anything."""


def cursor_of(epoch: str, number: int) -> str:
    """Return the cursor of a place."""
    return f"{epoch}-{number}"


def place_of(text: str) -> Place | None:
    """Return the place that a cursor names; None for a text that is no cursor."""
    match = _CURSOR.fullmatch(text)
    return Place(match[1], int(match[2])) if match else None


def old_place_of(text: str) -> tuple[str, int] | None:
    """Return transaction and event of a cursor in the old form; None when it is none."""
    match = _OLD_CURSOR.fullmatch(text)
    return (match[1], int(match[2])) if match else None


def number_now(place: Place, epochs: Sequence[Epoch], last_number: int) -> int | Lost:
    """Return the number of a place in the present epoch, or why there is none.

    ``epochs`` are all of the ledger, the first one first; ``last_number`` is the last in the feeds.
    Over a promotion a place stays what it was, unless it is beyond what the new primary had.
    """
    ids = [epoch.id for epoch in epochs]
    if place.epoch not in ids:
        return Lost(Gone.RESTORED, _earliest(epochs), read_on=0)
    later = epochs[ids.index(place.epoch) + 1 :]
    read_on = min([place.number, last_number, *(epoch.last_number for epoch in later)])
    if any(epoch.is_restore for epoch in later):
        return Lost(Gone.RESTORED, _earliest(later), read_on)
    if read_on < place.number:
        return Lost(Gone.BEYOND_END, _earliest(later), read_on)
    return place.number


def was_lost(id_: UUID, epochs: Sequence[Epoch]) -> bool:
    """Tell whether an id that the ledger does not know was given out before a restore.

    Ids are UUIDs of version 7 (RFC 9562), which begin with their time in milliseconds.
    """
    if id_.version != 7:
        return False
    made = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=id_.int >> 80)
    return any(
        epoch.is_restore and epoch.restored_to and epoch.restored_to <= made < epoch.began_at
        for epoch in epochs
    )


def _earliest(epochs: Sequence[Epoch]) -> datetime | None:
    """Return the instant up to which everything is there for certain."""
    return min((epoch.restored_to for epoch in epochs if epoch.restored_to), default=None)
