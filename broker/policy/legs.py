"""One leg of a plan: what one agency gets, why, and by when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from broker.domain.codes import Grade, Milestone, Role
from broker.domain.ids import OrganisationCode
from broker.errors import BeyondCalendar
from broker.policy.deadlines import Deadline, Within, compute
from broker.policy.directory import Organisation
from broker.policy.rows import Row

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
    explanation: Mapping[str, Any]
    """JSON-ready: the row, its basis, because of which facts, the recipient, each deadline."""


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
    held_until: datetime | None = None
    reason: str | None = None


def finish(draft: Draft, *, grade: Grade, start: Start) -> Leg:
    """Return the leg with its deadlines, counted in the recipient's calendar, and its reasons."""
    row, organisation = draft.row, draft.organisation
    counted = _deadlines(row, grade, organisation, start.at)
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
        due={milestone: deadline.due_at for milestone, _, deadline in counted},
        explanation={
            "row": row.id,
            "sentence": row.sentence,
            "basis": row.basis,
            "source": row.source,
            "because": list(draft.because),
            "recipient": draft.recipient,
            "deadlines": [_said(one, start.at) for one in counted],
            "hold": _hold(start),
        },
    )


def _deadlines(
    row: Row, grade: Grade, organisation: Organisation, start: datetime
) -> Sequence[tuple[Milestone, Within, Deadline]]:
    return [
        (milestone, within, _deadline(within, start, organisation))
        for milestone, within in row.deadlines[grade].items()
    ]


def _deadline(within: Within, start: datetime, organisation: Organisation) -> Deadline:
    """Compute a deadline; past the end of the calendar data a day by the clock stands in.

    A referral must not wait for a calendar, and must not be without a deadline.
    """
    try:
        return compute(within, start=start, calendar=organisation.calendar)
    except BeyondCalendar as error:
        words = f"24 hours by the clock stand in for {within}. {error.message}"
        return Deadline(start + STAND_IN, words, ())


def _said(counted: tuple[Milestone, Within, Deadline], start: datetime) -> dict[str, str]:
    milestone, within, deadline = counted
    return {
        "milestone": str(milestone),
        "within": str(within),
        "start": start.isoformat(),
        "due_at": deadline.due_at.isoformat(),
        "words": deadline.words,
    }


def _hold(start: Start) -> dict[str, str | None] | None:
    if start.held_until is None:
        return None
    return {"until": start.held_until.isoformat(), "reason": start.reason}
