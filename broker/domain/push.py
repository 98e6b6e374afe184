"""What comes of sending deliveries to their agencies: values, each with what it means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.domain.ids import DeliveryId, LeaseId


@dataclass(frozen=True, slots=True)
class Sent:
    """The delivery is on its way; its lease lasts until the agency must have said ``collected``."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Collected:
    """The agency's own software has the delivery, and said so in its answer."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """The delivery could not be sent for now, and is due again at ``until``; ``code`` says why."""

    until: datetime
    code: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The delivery can never be sent as it stands, and goes to ops; ``code`` says why."""

    code: str


PushOutcome = Sent | Collected | Deferred | Refused


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of sending one leased delivery."""

    delivery: DeliveryId
    lease: LeaseId
    """The lease that was held while it was sent; when it is lost, the outcome changes nothing."""
    outcome: PushOutcome
