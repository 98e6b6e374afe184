"""What is still to be done with a delivery, by when: as the ledger judges it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from broker.domain.codes import Milestone
from schemas.immutable import immutable


def is_past(due_at: datetime | None, now: datetime) -> bool:
    """Tell whether a deadline that runs has passed; where none runs, none has."""
    return due_at is not None and due_at < now


@immutable
class Outstanding:
    """The deadlines of what an agency has to do still. None where it has nothing to do.

    It has nothing to do with what ended, what was answered in full, and what is held.
    """

    running: Mapping[Milestone, datetime]
    """Those whose clock runs, and those that had passed before their clock was paused."""
    paused: frozenset[Milestone]
    """The milestones whose clock is paused."""

    @property
    def next(self) -> tuple[Milestone, datetime] | None:
        """The next deadline that runs, passed or not; None where none does."""
        return min(self.running.items(), key=lambda running: running[1], default=None)

    def late(self, now: datetime) -> list[Milestone]:
        """Return the milestones whose deadline has passed."""
        return [milestone for milestone, due in self.running.items() if is_past(due, now)]


NOTHING = Outstanding({}, frozenset())


def outstanding_in(row: Mapping[str, Any]) -> Outstanding:
    """Return what is still to be done, from the columns ``running`` and ``paused`` of a row."""
    running = {
        Milestone(milestone): datetime.fromisoformat(due)
        for milestone, due in row["running"].items()
    }
    return Outstanding(running, frozenset(map(Milestone, row["paused"])))
