"""What is told to a contact, and what came of telling it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.domain.codes import Contact, NoticeChannel
from broker.domain.ids import DeliveryId, EscalationId, NoticeId, OrganisationCode, ReferralId


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
