"""The figures that pictures are drawn from: frozen values, in counts and instants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from broker.domain.codes import DeliveryKind, Milestone, Role
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.domain.states import DeliveryState


@dataclass(frozen=True, slots=True)
class RowDeadline:
    """One deadline of a delivery and what became of it."""

    milestone: Milestone
    due_at: datetime
    met_at: datetime | None
    verdict: str
    """As ``deadline_verdict`` says: ``in_time``, ``late``, ``open``, ``overdue`` or ``ended``; or
    ``paused`` while its clock is stopped, and ``held`` while its delivery is."""


@dataclass(frozen=True, slots=True)
class RowPause:
    """A time in which a delivery's clock was stopped; without an end, it still is."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One delivery of a referral, as a row of its timeline."""

    number: int
    """Its place among all deliveries of the referral, from 1."""
    delivery: DeliveryId
    agency: OrganisationCode
    name: str
    role: Role
    kind: DeliveryKind
    version: int
    state: DeliveryState
    made_at: datetime
    available_at: datetime | None
    """None while it is held until a person releases it."""
    collected_at: datetime | None
    acknowledged_at: datetime | None
    decided_at: datetime | None
    ended_at: datetime | None
    """When it was returned, recalled, handed over or refused by its channel."""
    is_open: bool
    is_late: bool
    deadlines: Sequence[RowDeadline]
    pauses: Sequence[RowPause]
    alerts: Sequence[datetime]
    """When an alert about it reached somebody: the first 20."""
    failed_alerts: Sequence[datetime]
    """When an alert about it failed for good: the first 20."""


@dataclass(frozen=True, slots=True)
class ReferralTimeline:
    """The deliveries of a referral that need attention first, and how many there are of all."""

    rows: Sequence[TimelineRow]
    """In the order in which they were made."""
    states: Mapping[DeliveryState, int]
    """How many deliveries there are of each state, with those that are not among ``rows``."""
    late: int
    """How many of all are late now."""


@dataclass(frozen=True, slots=True)
class HourOfDeadlines:
    """How much open work has its next deadline in one hour, by grade."""

    begins_at: datetime | None
    """None: what is late already."""
    urgent: int
    """Graded immediate or very high."""
    other: int

    @property
    def count(self) -> int:
        """All of it."""
        return self.urgent + self.other


@dataclass(frozen=True, slots=True)
class DayOfDeadlines:
    """How many of an agency's deadlines fell on one local day, and how many were missed."""

    day: date
    due: int
    late: int


@dataclass(frozen=True, slots=True)
class AreaState:
    """The open work of the agencies that serve an area."""

    area: str
    open: int
    late: int
    due_soon: int
    next_due_at: datetime | None
    """The nearest deadline, passed or not; None where nothing with a deadline is open."""


@dataclass(frozen=True, slots=True)
class EscalationAlert:
    """An alert that a step of an escalation asked for, and what became of it."""

    step: int
    organisation: OrganisationCode
    name: str
    contact: str
    channel: str
    state: str
    asked_at: datetime
    ended_at: datetime | None
    code: str | None
    """Why it failed, or is tried again."""


@dataclass(frozen=True, slots=True)
class Flow:
    """How many deliveries went from a police force to an agency; None is all others together."""

    publisher: OrganisationCode | None
    agency: OrganisationCode | None
    count: int


@dataclass(frozen=True, slots=True)
class MonthFlows:
    """Who sent to whom in a month, the most first."""

    flows: Sequence[Flow]
    publishers: int
    """Forces of which something went to an agency."""
    agencies: int
    """Agencies that got something."""

    @property
    def total(self) -> int:
        """How many deliveries there were."""
        return sum(flow.count for flow in self.flows)

    @property
    def other_publishers(self) -> int:
        """How many forces have no name of their own here."""
        return self.publishers - len({flow.publisher for flow in self.flows} - {None})

    @property
    def other_agencies(self) -> int:
        """How many agencies have no name of their own here."""
        return self.agencies - len({flow.agency for flow in self.flows} - {None})
