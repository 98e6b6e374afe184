"""What an escalation's picture shows: its policy's steps, and the alerts that were asked for."""

from __future__ import annotations

from collections.abc import Iterator
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
from broker.policy.published.policy import Policy

_CONTACTS = {"duty": "duty contact", "manager": "manager", "supervisor": "supervisor"}


def picture_of(context: Context, escalation: Escalation, *, now: datetime) -> EscalationPicture:
    """Return the picture of an escalation, by the policy that it began under.

    Where that policy cannot be read, it has no steps but those that were taken.
    """
    alerts = context.ledger.pictures.escalation_alerts(escalation.id)
    return escalation_steps(escalation, list(_steps(context, escalation)), alerts, now=now)


def _steps(context: Context, escalation: Escalation) -> Iterator[PlannedStep]:
    version = context.ledger.pictures.escalation_policy(escalation.id)
    if version is None:
        return
    try:
        policy = context.policies.version(version)
        in_force = context.policies.latest()
    except PolicyError:
        return
    ladder = policy.alarms.escalation_policies.get(escalation.ladder)
    if ladder is None:
        return
    calendar = policy.directory.calendar_of(escalation.organisation) or policy.calendars["ENG"]
    for number, step in enumerate(ladder.steps):
        at = alarms.next_step_at(ladder, number, since=escalation.began_at, calendar=calendar)
        if number == escalation.step and escalation.next_step_at:
            at = escalation.next_step_at
        who = _who(in_force, escalation, step)
        yield PlannedStep(who, [str(channel) for channel in step.by], at)


def _who(policy: Policy, escalation: Escalation, step: alarms.Step) -> str:
    publisher = escalation.publisher or escalation.organisation
    recipient = recipient_of(step, policy, agency=escalation.organisation, publisher=publisher)
    name = recipient.name if recipient else str(step.to)
    return f"{name}, {_CONTACTS.get(step.contact, step.contact)}"
