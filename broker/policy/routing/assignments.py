"""One leg of a plan: what one agency gets, why, and by when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from broker.domain.codes import Grade, Milestone, Role
from broker.domain.ids import OrganisationCode
from broker.errors import BeyondCalendar
from broker.policy.language.directory import Organisation
from broker.policy.language.rules import Clock, Row
from broker.policy.monitoring.alarms import RunningClock, first_ring
from broker.policy.time.deadlines import Deadline, Within, compute

STAND_IN = timedelta(hours=24)
"""What an agency has when the calendar data ends too soon: strict, so that nothing is relaxed."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What one agency gets of a referral; instants are in UTC."""

    agency: OrganisationCode
    channel: str
    role: Role
    row: str
    view: str
    children: tuple[str, ...]
    """Local ids of the children that it may see."""
    persons: tuple[str, ...]
    held_until: datetime | None
    clock_start: datetime
    due: Mapping[Milestone, datetime]
    next_alarm_at: datetime | None
    """When the first warning of any of its deadlines is planned."""
    explanation: Mapping[str, Any]
    """JSON-ready: the row, its basis, because of which facts, the recipient, each deadline."""

    @property
    def scope(self) -> Mapping[str, Sequence[str]]:
        """Whom it shows, as a delivery keeps it."""
        return {"children": list(self.children), "persons": list(self.persons)}


@dataclass(slots=True)
class Draft:
    """A leg while it is being gathered."""

    row: Row
    organisation: Organisation
    recipient: str
    """Why this organisation, in words."""
    children: dict[str, None] = field(default_factory=dict)
    persons: dict[str, None] = field(default_factory=dict)
    because: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Start:
    """When a clock starts, and the embargo that put it off."""

    at: datetime
    known_at: datetime | None = None
    """When the police first knew, from which some deadlines count."""
    held_until: datetime | None = None
    reason: str | None = None

    def of(self, clock: Clock) -> tuple[datetime, str]:
        """Return when a deadline starts to count, and the word for it."""
        if self.held_until is not None:
            return self.at, "embargo_end"
        if clock.starts == "first_known" and self.known_at is not None:
            return min(self.known_at, self.at), clock.starts
        return self.at, "accepted"


@dataclass(frozen=True, slots=True)
class Counted:
    """One deadline of a leg, with the row of policy that it comes from."""

    milestone: Milestone
    clock: Clock
    start: datetime
    starts: str
    """What it starts with: ``accepted``, ``first_known`` or ``embargo_end``."""
    deadline: Deadline

    @property
    def running(self) -> RunningClock:
        """The clock as the watch sees it."""
        unit, due_at = self.clock.within.unit, self.deadline.due_at
        return RunningClock(str(self.milestone), unit, self.start, due_at)

    def said(self) -> dict[str, Any]:
        """Return the deadline as it is kept and shown."""
        return {
            "milestone": str(self.milestone),
            "rule": self.clock.id,
            "within": str(self.clock.within),
            "starts": self.starts,
            "start": self.start.isoformat(),
            "due_at": self.deadline.due_at.isoformat(),
            "may_pause": self.clock.may_pause,
            "words": self.deadline.words,
        }


def finish(draft: Draft, *, grade: Grade, start: Start, warn_at: Sequence[int]) -> Leg:
    """Return the leg with its deadlines, counted in the recipient's calendar, and its reasons."""
    row, organisation = draft.row, draft.organisation
    counted = _deadlines(row, grade, organisation, start)
    running = [one.running for one in counted]
    return Leg(
        agency=organisation.code,
        channel=organisation.channel,
        role=row.role,
        row=row.id,
        view=row.view,
        children=tuple(draft.children),
        persons=tuple(draft.persons),
        held_until=start.held_until,
        clock_start=start.at,
        due={one.milestone: one.deadline.due_at for one in counted},
        next_alarm_at=first_ring(running, warn_at=warn_at, calendar=organisation.calendar),
        explanation={
            "row": row.id,
            "sentence": row.sentence,
            "basis": row.basis,
            "source": row.source,
            "because": list(draft.because),
            "recipient": draft.recipient,
            "deadlines": [one.said() for one in counted],
            "hold": _hold(start),
        },
    )


def _deadlines(
    row: Row, grade: Grade, organisation: Organisation, start: Start
) -> Sequence[Counted]:
    found = []
    for milestone, clock in row.deadlines[grade].items():
        at, starts = start.of(clock)
        deadline = _deadline(clock.within, at, organisation)
        found.append(Counted(milestone, clock, at, starts, deadline))
    return found


def _deadline(within: Within, start: datetime, organisation: Organisation) -> Deadline:
    """Compute a deadline; past the end of the calendar data a day by the clock stands in.

    A referral must not wait for a calendar, and must not be without a deadline.
    """
    try:
        return compute(within, start=start, calendar=organisation.calendar)
    except BeyondCalendar as error:
        words = f"24 hours by the clock stand in for {within}. {error.message}"
        return Deadline(start + STAND_IN, words, ())


def _hold(start: Start) -> dict[str, str | None] | None:
    if start.held_until is None:
        return None
    return {"until": start.held_until.isoformat(), "reason": start.reason}
