"""A missed deadline that is escalated, step by step, until a person takes it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.domain.ids import DeliveryId, EscalationId, OrganisationCode, ReferralId, TaskId


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
    own_until: datetime | None
    """Until when the late agency itself is not told, because a person there has taken it on."""
    publisher: OrganisationCode | None
    effective_grade: str | None
    is_met: bool
    """There is nothing left to escalate."""
    task: TaskId | None = None
    stands_in_for: OrganisationCode | None = None
    """The closed office whose part it is, where the late agency is a team out of hours."""


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """A step of a ladder that is taken now."""

    of: DueStep
    next_step_at: datetime | None
    data: Mapping[str, Any]
    """Who was told and how: codes only."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """A missed deadline whose contacts are alerted step by step, as it is now."""

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
    taken_until: datetime | None
    """Until when that person deals with it; then people are alerted again. None: until it ends."""
    offered_to: str | None
    """Who was asked to take it over, as the history names them."""
    own_acknowledged_by: str | None
    """The person at the late agency itself who has taken it on; others are told all the same."""
    own_until: datetime | None
    """Until when the steps that address the late agency itself are left out."""
    ended_at: datetime | None
    ended_because: str | None


@dataclass(frozen=True, slots=True)
class TakenOn:
    """Who deals with an escalation, and until when."""

    owner: str
    until: datetime
    """When it is over, people are alerted again; for people of ops and of the publisher."""
    own_until: datetime
    """The same for a person at the late agency itself, whose own alerts alone are stopped."""
    extends: bool = False
    """Whether the owner, who deals with it already, goes on until the later instant."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What came of acknowledging an escalation."""

    escalation: Escalation
    """As it is afterwards."""
    is_first: bool
    """False where it was acknowledged or had ended before; nothing was changed then."""
