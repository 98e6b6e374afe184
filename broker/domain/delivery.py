"""One agency's part of a referral: routed, leased, answered and shown. Frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from broker.domain.codes import DeliveryKind, Milestone, ReceiptResult, Role, Stage
from broker.domain.ids import DeliveryId, LeaseId, OrganisationCode, ReferralId
from broker.domain.outstanding import NOTHING, Outstanding
from broker.domain.states import DeliveryState
from schemas.immutable import immutable


@immutable
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
    """Why this agency, and each deadline in words (see ``broker.policy.routing.plan.Leg``)."""
    next_alarm_at: datetime | None = None
    """When the first warning of any of its deadlines is planned."""
    version: int = 1
    kind: DeliveryKind = DeliveryKind.REFERRAL
    follows: DeliveryId | None = None
    replaces: DeliveryId | None = None
    policy_version: str | None = None
    """Under which its view is rendered; None is the referral's."""
    hand_over_at: datetime | None = None
    """When it is next looked at whether another team has it from then on; None: never."""
    stands_in_for: OrganisationCode | None = None
    """The closed office whose part its team out of hours has."""


@immutable
class Lease:
    """A claim on a delivery that ends by itself."""

    id: LeaseId
    until: datetime


@immutable
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
    kind: DeliveryKind
    follows: DeliveryId | None
    stands: bool = True
    """Whether its referral stands: it was not recalled, and nothing has taken its place."""
    sendings: int = 0
    """How often it was sent on a pushed channel before."""
    deferrals: int = 0
    """How often in a row it could not be sent."""
    stands_in_for: OrganisationCode | None = None
    """The closed office whose part it is, where its agency is a team out of hours."""


@immutable
class ReceiptMessage:
    """A message of receipts from a queue, by which it is taken once."""

    key: str
    """The id of the key that signed it."""
    id: str
    signed_at: datetime


@immutable
class Receipt:
    """An agency's answer about one delivery."""

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
    views_considered: str | None = None
    """With ``decided``: whether the child's views were: ``yes``, ``no`` or ``not_applicable``."""
    child_told: str | None = None
    """With ``decided``: whether the child was told of it, ``yes``, ``no`` or ``not_yet``."""


@immutable
class Settled:
    """What became of one receipt."""

    delivery: DeliveryId
    result: ReceiptResult
    state: DeliveryState | None = None
    at: datetime | None = None
    """When the milestone was met, now or earlier."""
    referral: ReferralId | None = None
    """Where the receipt was recorded."""
    changed: bool = False
    """Whether it takes the place of an earlier decision, which stays in the history."""


@immutable
class Decision:
    """One decision of an agency; of several about a delivery, the last one stands."""

    outcome: str
    at: datetime
    by: str
    note: str | None = None
    views_considered: str | None = None
    child_told: str | None = None


@immutable
class Returned:
    """A delivery that was returned in this call, with what a redirect needs."""

    delivery: Offer
    reason: str
    area: str | None


@immutable
class DeliveryStatus:
    """One agency's part as its publisher and ops see it."""

    id: DeliveryId
    agency: OrganisationCode
    role: Role
    row: str
    view: str
    state: DeliveryState
    attempt: int
    available_at: datetime | None
    """None while it is held until a person releases it."""
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
    kind: DeliveryKind = DeliveryKind.REFERRAL
    follows: DeliveryId | None = None
    views_considered: str | None = None
    child_told: str | None = None
    decisions: tuple[Decision, ...] = ()
    """Every decision, the one that stands last."""
    outstanding: Outstanding = NOTHING


@immutable
class OpenWork:
    """One agency's open deliveries, in counts and instants.

    Both ages matter, and neither of them alone is the age of the queue.
    """

    agency: OrganisationCode
    open: int = 0
    held: int = 0
    available: int = 0
    leased: int = 0
    collected: int = 0
    acknowledged: int = 0
    undeliverable: int = 0
    parked: int = 0
    """Available, but waiting for a retry."""
    paused: int = 0
    overdue: int = 0
    oldest_claimable_at: datetime | None = None
    """When the oldest delivery that could be taken now became available."""
    oldest_unacknowledged_at: datetime | None = None
    """When the clock began of the oldest delivery that no person has taken."""
    next_due_at: datetime | None = None
    """The nearest deadline that is not met, passed or not."""


@immutable
class Redirectable:
    """A delivery that is to be redirected, and what the next agency gets of its referral."""

    offer: Offer
    latest: Offer
    """The latest version of this part that the agency was given."""
    newest: bytes
    """The newest version: whom it forbids to tell counts before it is routed."""


@immutable
class RedirectPreview:
    """Who would get a delivery that is redirected, what they would see, and by when."""

    delivery: DeliveryId
    reference: str
    agency: OrganisationCode
    name: str
    kind: str
    because: str
    """Why it is this organisation."""
    role: Role
    view: str
    sentence: str
    """What the view is for."""
    shows: tuple[str, ...]
    """Each part of the referral that the view shows, in words."""
    children: tuple[str, ...]
    """Local ids of the children that it would see."""
    persons: tuple[str, ...]
    due: Mapping[Milestone, datetime]
    words: Mapping[Milestone, str]
    """How each deadline is reckoned."""
