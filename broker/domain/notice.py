"""A notice to a contact, and the result of sending it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from broker.domain.codes import Contact, NoticeChannel
from broker.domain.ids import DeliveryId, EscalationId, NoticeId, OrganisationCode, ReferralId


class NoticeState(StrEnum):
    """What became of a notice."""

    SENT = "sent"
    DUE = "due"
    """It failed for now and is due again at ``next_attempt_at``."""
    FAILED = "failed"
    VOID = "void"
    """There is nothing to tell any more, or nobody to tell."""


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice that is to be sent to a contact."""

    id: NoticeId
    kind: str
    """The event that it reports, such as ``delivery.breached``."""
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
    """The result of sending a notice."""

    id: NoticeId
    state: NoticeState
    next_attempt_at: datetime | None = None
    code: str | None = None
