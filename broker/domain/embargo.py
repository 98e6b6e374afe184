"""A delivery that is held, as the register of embargoes lists it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.domain.codes import Role
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId


@dataclass(frozen=True, slots=True)
class HeldDelivery:
    """What is held, until when and why."""

    delivery: DeliveryId
    referral: ReferralId
    reference: str
    publisher: OrganisationCode
    agency: OrganisationCode
    """From whom it is kept until then."""
    role: Role
    until: datetime | None
    """None where a person, and no time, releases it."""
    since: datetime
    acknowledge_by: datetime | None
    effective_grade: str | None
    warned_at: datetime | None
    """When its publisher was last told of it."""


@dataclass(frozen=True, slots=True)
class EmbargoWarning:
    """That an embargo ends soon, or lasts long, as its publisher is told."""

    delivery: DeliveryId
    referral: ReferralId
    agency: OrganisationCode
    publisher: OrganisationCode
    is_ending: bool
    until: datetime | None
