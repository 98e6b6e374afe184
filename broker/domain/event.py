"""One line of the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId


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
class WrittenEvent:
    """A line of the history that a rehearsal wrote, and that was rolled back."""

    kind: str
    referral: ReferralId | None
    delivery: DeliveryId | None
    agency: OrganisationCode | None
    data: Mapping[str, Any]
