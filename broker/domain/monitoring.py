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


@dataclass(frozen=True, slots=True)
class UrgentDelivery:
    """An open delivery that is late or due soon."""

    delivery: DeliveryId
    referral: ReferralId
    reference: str
    grade: str | None
    state: str
    milestone: str
    due_at: datetime
    collected_at: datetime | None
    is_late: bool
    owner: str | None
    """Who deals with it, where somebody has taken each of its escalations on."""


@dataclass(frozen=True, slots=True)
class UrgentAgency:
    """What is late or due soon at one agency."""

    agency: OrganisationCode
    late: int
    soon: int
    unowned: int
    """How many of the late deliveries nobody deals with."""
    escalated: int
    """How many of these people are alerted about, so that a person can take them on."""
    first_due_at: datetime
    """The deadline that passed first, or comes first where nothing is late."""
    first_soon_at: datetime | None
    owners: Sequence[str]
    """Who deals with what is late, as the history names them."""
    taken_at: datetime | None
    taken_until: datetime | None
    """Until when the first of them does."""
    next_step_at: datetime | None
    """When the next person is alerted about what nobody deals with."""
    deliveries: Sequence[UrgentDelivery]
    """The first few of them, soonest first."""


@dataclass(frozen=True, slots=True)
class UrgentWork:
    """What is late or due soon, by agency: the worst agencies, and how many there are."""

    agencies: Sequence[UrgentAgency]
    count: int = 0
    """Agencies that have something late or due soon, listed here or not."""
    late: int = 0
    """Agencies that have something late."""
    soon: int = 0
    """Agencies that have something due soon."""
    first_soon_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AgencySearch:
    """Which organisations are listed: all, unless it says otherwise."""

    text: str = ""
    """In lower case: what their name has in it."""
    codes: list[str] | None = None
    """Those that are listed whatever their name; with None the text is not looked at."""
    kind: str | None = None
    show: str = ""
    """``late``, ``soon`` (or late), ``silent``, ``suspended``, ``retrying``; or all."""


@dataclass(frozen=True, slots=True)
class AgencySummary:
    """An organisation in the list of all, with what is not as usual there."""

    agency: OrganisationCode
    name: str
    kind: str
    channel: str
    open: int
    late: int
    soon: int
    first_due_at: datetime | None
    retrying: int
    """Deliveries whose last attempt failed and that are tried again."""
    retry_at: datetime | None
    silent_since: datetime | None
    stopped_at: datetime | None
    stopped_by: str | None
    stopped_because: str | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class AgencyPage:
    """A page of organisations, and how many of all that match are not as usual."""

    agencies: Sequence[AgencySummary]
    shown: int
    """How many there are in the part that is asked for, on this page or not."""
    all: int
    late: int
    silent: int
    suspended: int
    retrying: int
    unusual: int
    """How many are late, silent, suspended or being tried again."""


@dataclass(frozen=True, slots=True)
class WaitingCounts:
    """How much waits for people of ops, list by list."""

    needs_you: int
    """Referrals and deliveries that no agency deals with, and open tasks."""
    needs_you_late: int
    needs_you_by: datetime | None
    escalations: int
    """Escalations that nobody deals with."""
    taken_on: int
    """Escalations that somebody deals with."""
    late_agencies: int
    notices_failed: int
    """Alerts that failed within a day."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came in and what came through within a day, and when each was last done."""

    accepted: int
    routed: int
    """How many of the accepted referrals are routed."""
    slowest: timedelta | None
    """The longest that routing one of them took."""
    last_accepted_at: datetime | None
    last_routed_at: datetime | None
    """None where none was routed within the day."""
    notices_sent: int
    last_notice_at: datetime | None


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
    return _cause_at_agency(row)


def _cause_at_agency(row: Mapping[str, Any]) -> Cause:
    """Return the first step that an agency did not take before the deadline."""
    for done, cause in (
        ("collected_at", Cause.NOT_COLLECTED),
        ("acknowledged_at", Cause.NOT_ACKNOWLEDGED),
    ):
        if row[done] is None or row[done] > row["due_at"]:
            return cause
    return Cause.NOT_DECIDED
