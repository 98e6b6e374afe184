"""The values that go into the ledger and come out of it: frozen, and without behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from broker.domain.codes import Contact, Kind, Milestone, NoticeChannel, Role, Stage
from broker.domain.ids import (
    CredentialId,
    DeliveryId,
    EscalationId,
    LeaseId,
    NoticeId,
    OrganisationCode,
    ReferralId,
)
from broker.domain.states import DeliveryState, ReferralState
from broker.errors import Fault
from broker.policy.alarms import Ring, RunningClock
from broker.policy.earlier import Changed, Earlier
from broker.policy.recurrence import Recurring, Sighting


@dataclass(frozen=True, slots=True)
class NewReferral:
    """What accept writes: one referral as received."""

    id: ReferralId
    publisher: OrganisationCode
    reference: str
    idempotency_key: str | None
    digest: bytes
    """SHA-256 of the canonical form of the document: equal content, equal digest."""
    body: bytes
    """The document as received."""
    accepted_at: datetime
    actor: str
    """The credential that submitted it, for the event log."""
    occurrence: str | None = None
    """The force's occurrence reference, in capitals and without blanks."""
    traceparent: str | None = None
    """The span of the publisher's in which it was handed in; for traces alone, never written."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The receipt's facts: the referral that the ledger holds for this submission."""

    id: ReferralId
    reference: str
    digest: bytes
    state: ReferralState
    accepted_at: datetime
    duplicate: bool
    """True when the ledger had it already; nothing was written."""
    version: int = 1


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The ledger holds other content under this reference or key; nothing was written."""

    id: ReferralId
    """The referral that holds the reference or key."""
    key: str
    """Which of ``reference`` and ``idempotency_key`` is taken."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A correction as received: the whole document again."""

    referral: ReferralId
    publisher: OrganisationCode
    idempotency_key: str | None
    digest: bytes
    body: bytes
    accepted_at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A publisher's word that a referral is taken back."""

    referral: ReferralId
    publisher: OrganisationCode
    reason: str
    """A code of ``broker.domain.codes.RecallReason``."""
    by: str
    """The person who took it back."""
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the ledger holds of a recall; the first one stands."""

    id: ReferralId
    reference: str
    state: ReferralState
    recalled_at: datetime
    reason: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A correction or a recall that the state of its referral does not allow; nothing changed."""

    why: str
    """``unknown``, ``rejected``, ``superseded``, ``recalled``, ``too_many``, ``other_reason``, or
    ``idempotency_key`` when that names other content."""


@dataclass(frozen=True, slots=True)
class Unrouted:
    """A claimed referral that waits for routing."""

    id: ReferralId
    publisher: OrganisationCode
    reference: str
    body: bytes
    accepted_at: datetime
    attempt: int
    begun: int
    """Attempts that were written down beforehand, and of which nothing came."""
    due_at: datetime
    """Since when it could be routed."""
    areas: Mapping[str, str]
    """Areas given afterwards by ops or the publisher: local child or person id to area code."""
    state: ReferralState
    """``accepted``; ``unroutable`` when an area was given since; ``routed`` when there is a new
    version, or a recall."""
    version: int = 1
    received_at: datetime | None = None
    """When the publisher handed in this version; ``accepted_at`` is that of the first one."""
    grade: str | None = None
    effective_grade: str | None = None
    """Those of the version that was routed last."""
    recall_reason: str | None = None
    earlier: Sequence[Earlier] = ()
    """What agencies were given before, in the order of its ids."""
    bodies: Mapping[int, bytes] = field(default_factory=dict)
    """The versions that agencies have."""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One agency's part of a referral, as routing decided it."""

    id: DeliveryId
    agency: OrganisationCode
    channel: str
    role: Role
    row: str
    """The policy row that made it."""
    view: str
    scope: Mapping[str, Sequence[str]]
    """Which children and persons this agency may see, by local id."""
    state: DeliveryState
    """``available``, or ``held`` under an embargo."""
    available_at: datetime
    """When it may be offered: now, or the embargo's end."""
    clock_start: datetime
    due: Mapping[Milestone, datetime]
    explanation: Mapping[str, Any]
    """Why this agency, and each deadline in words (see ``broker.policy.routing.Leg``)."""
    next_alarm_at: datetime | None = None
    """When the first warning of any of its deadlines is planned."""
    version: int = 1
    kind: Kind = Kind.REFERRAL
    follows: DeliveryId | None = None
    replaces: DeliveryId | None = None
    policy_version: str | None = None
    """Under which its view is rendered; None is the referral's."""


@dataclass(frozen=True, slots=True)
class Routed:
    """The decision about one referral: who gets it."""

    id: ReferralId
    grade: str
    effective_grade: str
    first_known_at: datetime | None
    policy_version: str
    directory_version: str
    deliveries: Sequence[NewDelivery]
    defects: Sequence[Fault] = ()
    warnings: Sequence[Fault] = ()
    version: int = 1
    sightings: Sequence[Sighting] = ()
    """Its children, where its grade is one that is counted."""
    recurring: Sequence[Recurring] = ()
    """Which of them were referred too often."""


@dataclass(frozen=True, slots=True)
class Revised:
    """The decision about a new version of a referral that agencies have."""

    routed: Routed
    """Its deliveries are the new ones only."""
    changed: Sequence[Changed]
    """Deliveries that are changed where they stand."""
    grades: Mapping[str, str]
    """For the history: the grades before and now where they differ, else empty."""

    @property
    def id(self) -> ReferralId:
        """The referral."""
        return self.routed.id

    @property
    def deliveries(self) -> Sequence[NewDelivery]:
        """The new deliveries."""
        return self.routed.deliveries


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The decision about a referral that was taken back: who must destroy what they had."""

    id: ReferralId
    deliveries: Sequence[NewDelivery]


@dataclass(frozen=True, slots=True)
class Rejected:
    """The decision about one referral: it is invalid, for all these reasons."""

    id: ReferralId
    faults: Sequence[Fault]


@dataclass(frozen=True, slots=True)
class Stranded:
    """The decision about one referral: valid, but nobody can be worked out to get it."""

    id: ReferralId
    grade: str | None
    effective_grade: str | None
    first_known_at: datetime | None
    policy_version: str
    directory_version: str
    reason: str
    """A code: ``no_area``, ``no_recipient`` or ``fault``."""
    attend_by: datetime
    defects: Sequence[Fault] = ()
    warnings: Sequence[Fault] = ()
    next_alarm_at: datetime | None = None
    """When the first warning to ops is planned."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """Routing failed for a reason of our own; it is due again at ``next_attempt_at``."""

    id: ReferralId
    next_attempt_at: datetime
    code: str
    """The class of what went wrong; never its text."""


Decision = Routed | Revised | Withdrawn | Rejected | Stranded | Postponed


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim on a delivery that lapses by itself."""

    id: LeaseId
    until: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """A leased delivery with everything that is needed to render what its agency may see."""

    id: DeliveryId
    referral: ReferralId
    reference: str
    publisher: OrganisationCode
    agency: OrganisationCode
    channel: str
    state: DeliveryState
    attempt: int
    lease: Lease | None
    role: Role
    row: str
    view: str
    scope: Mapping[str, Sequence[str]]
    grade: str
    effective_grade: str
    policy_version: str
    accepted_at: datetime
    available_at: datetime
    clock_start: datetime
    due: Mapping[Milestone, datetime]
    met: Mapping[Milestone, datetime]
    explanation: Mapping[str, Any]
    defects: Sequence[Mapping[str, str]]
    warnings: Sequence[Mapping[str, str]]
    areas: Mapping[str, str]
    body: bytes
    version: int
    latest_version: int
    kind: Kind
    follows: DeliveryId | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an agency says about one delivery."""

    delivery: DeliveryId
    stage: Stage
    by: str
    """The person (or, for ``collected``, the software) at the agency."""
    lease: LeaseId | None = None
    outcome: str | None = None
    reason: str | None = None
    note: str | None = None
    area: str | None = None
    """With ``returned`` and ``wrong_area``: the area it belongs to, as far as the agency knows."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one receipt."""

    delivery: DeliveryId
    result: str
    """``recorded``, ``already`` (the same answer was given before), ``not_found``, ``lease_lost``,
    ``conflict`` (another outcome stands, or the step is illegal from ``state``), ``wrong_kind``
    (a delivery of this kind is not answered so)."""
    state: DeliveryState | None = None
    at: datetime | None = None
    """When the milestone was met, now or earlier."""
    referral: ReferralId | None = None
    """Where the receipt was recorded."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A delivery that was given back in this call, with what a re-route needs."""

    delivery: Offer
    reason: str
    area: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of pushing one leased delivery to its agency."""

    delivery: DeliveryId
    lease: LeaseId
    result: str
    """``sent`` (the lease lasts until ``until``), ``deferred`` (again then) or ``refused``."""
    until: datetime | None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history; ``data`` carries codes, ids and instants only."""

    cursor: str
    at: datetime
    kind: str
    referral: ReferralId | None
    """None where it is about an organisation alone."""
    reference: str | None
    delivery: DeliveryId | None
    agency: OrganisationCode | None
    actor: str
    data: Mapping[str, Any]
    reason: str | None = None
    """What a person who did it said; a feed has none."""


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """One agency's part as its publisher and ops see it."""

    id: DeliveryId
    agency: OrganisationCode
    role: Role
    row: str
    view: str
    state: DeliveryState
    attempt: int
    available_at: datetime
    clock_start: datetime
    due: Mapping[Milestone, datetime]
    met: Mapping[Milestone, datetime]
    returned_at: datetime | None
    paused_at: datetime | None
    outcome: str | None
    reason: str | None
    note: str | None
    answered_by: str | None
    replaces: DeliveryId | None
    explanation: Mapping[str, Any]
    version: int = 1
    kind: Kind = Kind.REFERRAL
    follows: DeliveryId | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a referral that its publisher handed in."""

    version: int
    digest: bytes
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class ReferralStatus:
    """A referral as its publisher and ops see it: no content, everything else."""

    id: ReferralId
    publisher: OrganisationCode
    reference: str
    state: ReferralState
    digest: bytes
    """Of the latest version."""
    accepted_at: datetime
    routed_at: datetime | None
    closed_at: datetime | None
    grade: str | None
    effective_grade: str | None
    policy_version: str | None
    directory_version: str | None
    reason: str | None
    attend_by: datetime | None
    faults: Sequence[Mapping[str, str]]
    defects: Sequence[Mapping[str, str]]
    warnings: Sequence[Mapping[str, str]]
    deliveries: Sequence[DeliveryStatus]
    version: int = 1
    versions: Sequence[Version] = ()
    recalled_at: datetime | None = None
    recall_reason: str | None = None
    recalled_by: str | None = None


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """The state of one agency's queue, in counts and ages only."""

    agency: OrganisationCode
    held: int
    available: int
    leased: int
    collected: int
    acknowledged: int
    undeliverable: int
    oldest_claimable_at: datetime | None
    oldest_unacknowledged_at: datetime | None
    next_due_at: datetime | None
    overdue: int


@dataclass(frozen=True, slots=True)
class Credential:
    """A key to the gateway. Only the SHA-256 of its secret is kept."""

    id: CredentialId
    organisation: OrganisationCode
    scopes: frozenset[str]
    secret_sha256: bytes
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that no agency will do by itself: ops must see to it."""

    kind: str
    """``unroutable``, ``undeliverable`` or ``returned`` (and not sent on)."""
    referral: ReferralId
    reference: str
    publisher: OrganisationCode
    delivery: DeliveryId | None
    agency: OrganisationCode | None
    reason: str | None
    """A code: why it cannot be routed, or why it came back."""
    since: datetime
    due_at: datetime | None
    effective_grade: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A body that was refused and not kept."""

    publisher: OrganisationCode
    digest: bytes
    size: int
    """In bytes."""
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Watched:
    """A delivery, or an unroutable referral, with an alarm that is due."""

    referral: ReferralId
    delivery: DeliveryId | None
    agency: OrganisationCode | None
    publisher: OrganisationCode
    state: str
    policy_version: str
    effective_grade: str | None
    clocks: Sequence[RunningClock]
    """The deadlines that are not met and whose clocks run."""
    rung: frozenset[tuple[str, int, datetime]]
    """Each alarm that rang before: milestone, percent, planned instant."""


@dataclass(frozen=True, slots=True)
class Rung:
    """An alarm that rings now; a breach with the escalation that it starts, if there is one."""

    of: Watched
    ring: Ring
    escalation: EscalationId | None = None
    owner: OrganisationCode | None = None
    """Whose breach it is: the agency's, or that of ops."""
    ladder: str | None = None
    next_step_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueStep:
    """An escalation whose next step is due."""

    id: EscalationId
    ladder: str
    policy_version: str
    milestone: str
    referral: ReferralId | None
    delivery: DeliveryId | None
    organisation: OrganisationCode
    due_at: datetime
    began_at: datetime
    step: int
    """How many steps were taken."""
    publisher: OrganisationCode | None
    effective_grade: str | None
    is_met: bool
    """There is nothing left to escalate."""


@dataclass(frozen=True, slots=True)
class Climbed:
    """A step of a ladder that is taken now."""

    of: DueStep
    next_step_at: datetime | None
    data: Mapping[str, Any]
    """Who was told and how: codes only."""


@dataclass(frozen=True, slots=True)
class NewNotice:
    """Something to be told to a contact."""

    id: NoticeId
    kind: str
    """The event that it tells of, such as ``delivery.breached``."""
    organisation: OrganisationCode
    contact: Contact
    channel: NoticeChannel
    referral: ReferralId | None
    delivery: DeliveryId | None
    escalation: EscalationId | None
    data: Mapping[str, Any]
    """Codes, ids and instants only."""


@dataclass(frozen=True, slots=True)
class DueNotice:
    """A notice that this process alone may send, for as long as its lease lasts."""

    id: NoticeId
    kind: str
    organisation: OrganisationCode
    contact: Contact
    channel: NoticeChannel
    referral: ReferralId | None
    delivery: DeliveryId | None
    escalation: EscalationId | None
    data: Mapping[str, Any]
    attempt: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NoticeResult:
    """What came of sending a notice."""

    id: NoticeId
    state: str
    """``sent``, ``due`` (again at ``next_attempt_at``), ``failed`` or ``void``."""
    next_attempt_at: datetime | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """A ladder that is being climbed, or was."""

    id: EscalationId
    milestone: str
    state: str
    referral: ReferralId | None
    reference: str | None
    delivery: DeliveryId | None
    organisation: OrganisationCode
    publisher: OrganisationCode | None
    ladder: str
    step: int
    due_at: datetime
    began_at: datetime
    next_step_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    ended_at: datetime | None
    ended_because: str | None
