"""What those who watch the deadlines are shown: frozen values, in counts and instants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from broker.domain.codes import Cause
from broker.domain.ids import DeliveryId, EscalationId, OrganisationCode, ReferralId

SECOND = timedelta(seconds=1)
LONGEST_LEAD = timedelta(minutes=1)
"""No lead of the sweep ends later than this: it is renewed every second, for a few seconds."""


@dataclass(frozen=True, slots=True)
class DeadlineStats:
    """How many deadlines came due in a stretch of time, and how many were met in time."""

    due: int
    in_time: int

    @property
    def share(self) -> float | None:
        """The part that was met in time, 0 to 1; None when nothing was due."""
        return self.in_time / self.due if self.due else None


@dataclass(frozen=True, slots=True)
class HeatmapRow:
    """One agency's slots: when each began, and how its deadlines were met."""

    agency: OrganisationCode
    slots: Mapping[datetime, DeadlineStats]


@dataclass(frozen=True, slots=True)
class OrganisationStatus:
    """An organisation, when it last used its key, and whether delivery to it is suspended."""

    agency: OrganisationCode
    name: str
    kind: str
    channel: str
    seen_at: datetime | None
    stopped_at: datetime | None
    stopped_by: str | None
    stopped_because: str | None


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A delivery, or an unroutable referral, that is late or may become so."""

    referral: ReferralId
    reference: str
    publisher: OrganisationCode
    delivery: DeliveryId | None
    agency: OrganisationCode | None
    """None: ops must find one."""
    state: str
    attempt: int
    clock_start: datetime
    trouble: str | None
    """A code: why its last attempt failed."""
    milestone: str
    due_at: datetime
    why: str
    """``breached``, ``soon`` (within 15 minutes), ``trouble``, ``usual`` (less time is left than
    its agency usually takes, p95 over seven days), ``silent`` (its agency has stopped collecting);
    or just ``open``."""
    grade: str | None
    escalation: EscalationId | None
    escalation_state: str | None
    owner: str | None
    """Who has taken the escalation on."""


@dataclass(frozen=True, slots=True)
class Notified:
    """A contact whom an escalation reached."""

    contact: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Breach:
    """A deadline that was missed."""

    referral: ReferralId
    reference: str
    delivery: DeliveryId | None
    agency: OrganisationCode | None
    """Neither: no agency was found for the referral."""
    milestone: str
    due_at: datetime
    ended_at: datetime | None
    """When it was met late, or ended otherwise; None while it lasts."""
    met_at: datetime | None
    state: str
    grade: str | None
    cause: Cause
    corrected: bool
    """Whether a person gave another cause than the broker worked out."""
    notified: Sequence[Notified]
    """Whom its escalation has reached, in that order."""


@dataclass(frozen=True, slots=True)
class Breaches:
    """How many deadlines were missed, how many of them are still not met, and the latest."""

    count: int
    lasting: int
    latest: Sequence[Breach]


@dataclass(frozen=True, slots=True)
class PipelineStatus:
    """What waits in the broker itself, and which of its workers run."""

    inbox: int
    inbox_oldest_at: datetime | None
    retries: int
    next_retry_at: datetime | None
    unroutable: int
    escalations: int
    notices_due: int
    notices_failed: int
    notices_deferred: int
    """Notices that could not be sent yet, and are tried again."""
    workers: int
    """Workers that have reported within the last seconds."""
    sweep_until: datetime | None
    sweeper: str | None
    gateways: int
    """Gateways that have reported within a minute."""

    def seconds_unswept(self, now: datetime) -> float:
        """Return the seconds since a worker led the sweep.

        Below zero while one leads, and infinite where none ever did. A lead that would last longer
        than any that is given counts as none: a clock that was wrong took it.
        """
        if self.sweep_until is None:
            return inf
        left = self.sweep_until - now
        return abs(left / SECOND) if left > LONGEST_LEAD else -left / SECOND


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Deliveries that cannot be made, of one cause and agency."""

    cause: str | None
    agency: OrganisationCode
    count: int
    oldest_at: datetime
    latest_at: datetime
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class RiskCounts:
    """How much is open, late or due soon; and the last event's number, which changes with anything.

    A referral that is not routed counts: its clock runs, and no agency has it.
    """

    open: int
    breached: int
    due_soon: int
    unrouted: int
    last_event: int


def cause_of(row: Mapping[str, Any]) -> Cause:
    """Return what a breach is put down to, from what happened before its deadline.

    ``row`` has the delivery's columns and the deadline; see ``ledger/sql/monitoring/breaches.sql``.
    """
    allowed = row["due_at"] - row["clock_start"]
    if row["delivery"] is None:
        return Cause.NO_OWNER
    if row["state"] == "undeliverable":
        return Cause.CHANNEL
    if row["available_at"] - row["clock_start"] > allowed / 2:
        return Cause.SENT_ON if row["sent_on"] else Cause.BROKER
    if row["collected_at"] is None or row["collected_at"] > row["due_at"]:
        return Cause.NOT_COLLECTED
    if row["acknowledged_at"] is None or row["acknowledged_at"] > row["due_at"]:
        return Cause.NOT_ACKNOWLEDGED
    return Cause.NOT_DECIDED
