"""What an alarm is about, and that it has fired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from broker.domain.ids import DeliveryId, EscalationId, OrganisationCode, ReferralId, TaskId
from broker.policy.monitoring.alarms import Ring, RunningClock


@dataclass(frozen=True, slots=True)
class Watched:
    """A delivery, an unroutable referral or a task with an alarm that is due."""

    referral: ReferralId | None
    """None for a body that was refused and not kept."""
    delivery: DeliveryId | None
    agency: OrganisationCode | None
    publisher: OrganisationCode
    state: str
    policy_version: str
    effective_grade: str | None
    clocks: Sequence[RunningClock]
    """The deadlines that are not met and whose clocks run."""
    fired: frozenset[tuple[str, int, datetime]]
    """Each alarm that rang before: milestone, percent, planned instant."""
    task: TaskId | None = None
    stands_in_for: OrganisationCode | None = None
    """The closed office whose part it is, where its agency is a team out of hours."""
    escalated_since: Mapping[str, datetime] = field(default_factory=dict)
    """Since when each milestone was escalated at the team before, and nobody took it on."""

    @property
    def subject(self) -> UUID:
        """What the alarm is about: a task, a delivery or a referral."""
        subject = self.task or self.delivery or self.referral
        assert subject is not None
        return subject


@dataclass(frozen=True, slots=True)
class FiredAlarm:
    """An alarm that rings now; a breach with the escalation that it starts, if there is one."""

    of: Watched
    ring: Ring
    escalation: EscalationId | None = None
    owner: OrganisationCode | None = None
    """Whose breach it is: the agency's, or that of ops."""
    ladder: str | None = None
    next_step_at: datetime | None = None
    began_at: datetime | None = None
    """From when the steps count: the breach, also where it was at the team before."""
