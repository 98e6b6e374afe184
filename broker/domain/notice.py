"""A notice to a contact, and the result of sending it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.domain.codes import Contact, NoticeChannel, NoticeState
from broker.domain.ids import DeliveryId, EscalationId, NoticeId, OrganisationCode, ReferralId


@dataclass(frozen=True, slots=True)
class NoticePayload:
    """What a notice reports, to each contact alike."""

    kind: str
    """The event, such as ``delivery.breached``."""
    referral: ReferralId | None
    delivery: DeliveryId | None
    data: Mapping[str, Any]
    """Codes, ids and instants only."""
    escalation: EscalationId | None = None


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
    member: UUID | None = None
    """The member of the organisation whom it goes to, instead of the contact."""


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
    member: UUID | None = None
    email: str | None = None
    """The member's address; None where they may no longer sign in."""
    mobile: str | None = field(default=None, repr=False)
    """The member's mobile; None where they gave none, or may no longer sign in."""
    has_inbox: bool = False
    """Whether people of the organisation may sign in to an inbox."""


@dataclass(frozen=True, slots=True)
class NoticeJudgement:
    """Whether a notice has anything to tell still, when it is about to be sent."""

    over_because: str | None
    """A code: why there is nothing to tell any more. None: there is."""
    is_offered: bool
    """Whether a member's agency is offered what it is about now, so that they can open it."""
    due_at: datetime | None
    """The next deadline, as it is now, of what the agency is offered; None where none runs."""
    milestone: str | None


@dataclass(frozen=True, slots=True)
class NoticeResult:
    """The result of sending a notice."""

    id: NoticeId
    state: NoticeState
    next_attempt_at: datetime | None = None
    code: str | None = None
    """Why it was not sent; None for one that was, or was put back untried."""


@dataclass(frozen=True, slots=True)
class ListedNotice:
    """A notice as it stands: whom it was for, about what, and what became of it."""

    id: NoticeId
    kind: str
    state: NoticeState
    organisation: OrganisationCode
    contact: Contact
    channel: NoticeChannel
    code: str | None
    """Why it failed, or why it is due again."""
    attempts: int
    asked_at: datetime
    ended_at: datetime | None
    next_attempt_at: datetime | None
    referral: ReferralId | None
    reference: str | None
    delivery: DeliveryId | None
    escalation: EscalationId | None
    about: OrganisationCode
    """The organisation that is late or silent."""
