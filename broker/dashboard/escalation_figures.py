"""What an escalation's picture shows: its policy's steps, and the alerts that were asked for."""

from __future__ import annotations

from datetime import datetime

from broker.dashboard.pictures.escalation_steps import (
    EscalationPicture,
    PlannedStep,
    escalation_steps,
)
from broker.domain.escalation import Escalation
from broker.errors import PolicyError
from broker.flow.context import Context
from broker.flow.notice_recipients import recipient_of
from broker.policy.monitoring import alarms
from broker.policy.monitoring.alarms import EscalationPolicy
from broker.policy.published.policy import Policy
from broker.policy.time.calendars import WorkingCalendar

_CONTACTS = {"duty": "duty contact", "manager": "manager", "supervisor": "supervisor"}


def picture_of(context: Context, escalation: Escalation, *, now: datetime) -> EscalationPicture:
    """Return the picture of an escalation, by the policy that it began under.

    Where that policy cannot be read, it has no steps but those that were taken.
    """
    alerts = context.ledger.pictures.escalation_alerts(escalation.id)
    return escalation_steps(escalation, _planned_steps(context, escalation), alerts, now=now)


def _planned_steps(context: Context, escalation: Escalation) -> list[PlannedStep]:
    """Return every step of the policy under which an escalation began, taken or not.

    None where that policy, or the one in force, which names the recipients, cannot be read.
    """
    version = context.ledger.pictures.escalation_policy(escalation.id)
    if version is None:
        return []
    try:
        policy = context.policies.version(version)
        in_force = context.policies.latest()
    except PolicyError:
        return []
    ladder = policy.alarms.escalation_policies.get(escalation.ladder)
    if ladder is None:
        return []
    calendar = policy.directory.calendar_of(escalation.organisation) or policy.calendars["ENG"]
    return [
        PlannedStep(
            _who(in_force, escalation, step),
            [str(channel) for channel in step.by],
            _step_at(escalation, ladder, place, calendar),
        )
        for place, step in enumerate(ladder.steps)
    ]


def _step_at(
    escalation: Escalation, ladder: EscalationPolicy, place: int, calendar: WorkingCalendar
) -> datetime | None:
    """Return when a step is due; one that is not taken yet never before the one that is next."""
    following = escalation.next_step_at
    if following is not None and place == escalation.step:
        return following
    at = alarms.next_step_at(ladder, place, since=escalation.began_at, calendar=calendar)
    is_ahead = place > escalation.step
    return max(at, following) if at and following and is_ahead else at


def _who(policy: Policy, escalation: Escalation, step: alarms.Step) -> str:
    publisher = escalation.publisher or escalation.organisation
    recipient = recipient_of(step, policy, agency=escalation.organisation, publisher=publisher)
    name = recipient.name if recipient else str(step.to)
    return f"{name}, {_CONTACTS.get(step.contact, step.contact)}"
