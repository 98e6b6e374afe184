"""A part of a referral that may change hands because an office has opened or closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.states import DeliveryState


@dataclass(frozen=True, slots=True)
class DuePart:
    """A delivery of which it is due to look whether another team has it now."""

    id: DeliveryId
    referral: ReferralId
    publisher: OrganisationCode
    agency: OrganisationCode
    row: str
    """The rule that made it."""
    state: DeliveryState
    office: OrganisationCode | None
    """The closed office that its agency stands in for; None where the agency is the office."""
    grade: str | None
    """The one that deadlines follow."""
    is_paused: bool
    stands: bool
    """Whether nothing has ended it: no recall, and nothing that took its place."""
    return_reason: str | None


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What a team answered before it handed over."""

    stage: str
    at: datetime
    by: str
    outcome: str | None
    reason: str | None
    note: str | None
