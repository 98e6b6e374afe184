"""A referral as it is submitted, accepted, corrected, recalled and shown: frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broker.domain.delivery import DeliveryStatus
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.states import ReferralState


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
    """The span of the publisher's in which it was submitted; for traces alone, never written."""


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
    expected_version: int | None = None
    """The version that is corrected; None for whichever is the latest."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A publisher's request to recall a referral."""

    referral: ReferralId
    publisher: OrganisationCode
    reason: str
    """A code of ``broker.domain.codes.RecallReason``."""
    by: str
    """The person who recalls it."""
    at: datetime
    actor: str
    expected_version: int | None = None
    """The version that the person saw; None for whichever is the latest."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """A recall as the ledger holds it; the first one counts."""

    id: ReferralId
    reference: str
    state: ReferralState
    recalled_at: datetime
    reason: str
    duplicate: bool


class ChangeRefusal(StrEnum):
    """Why a referral can be neither corrected nor recalled."""

    UNKNOWN = "unknown"
    """Its publisher has no such referral."""
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    """A corrected referral took its place."""
    RECALLED = "recalled"
    NEWER_VERSION = "newer_version"
    """It has another version than the one that was to be corrected."""
    CORRECTED_SINCE = "corrected_since"
    """It has another version than the one that the person saw who recalls it."""
    TOO_MANY = "too_many"
    """It has as many versions as a referral may have."""
    OTHER_REASON = "other_reason"
    """It was recalled for another reason before."""
    IDEMPOTENCY_KEY = "idempotency_key"
    """The key names a correction with other content."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A correction or a recall that the state of its referral does not allow; nothing changed."""

    reason: ChangeRefusal


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a referral that its publisher submitted."""

    version: int
    digest: bytes
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class ReferralStatus:
    """A referral as its publisher and ops see it: everything but its content."""

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
class Waiting:
    """A referral or delivery that no agency will deal with: ops must."""

    kind: str
    """``unroutable``, ``undeliverable``, ``returned`` (and not redirected), or ``held`` until a
    person releases it."""
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
