"""Who would get a referral that is not routed yet, so that a person can telephone them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from broker.domain.ids import OrganisationCode
from broker.domain.monitoring import AtRisk
from broker.errors import BrokerError
from broker.flow import accept
from broker.flow.context import Context
from broker.policy.routing.assignments import Assignment

_LATEST = datetime.max.replace(tzinfo=UTC)
LOOKED_AT = 200
"""How much that is at risk is looked through for referrals that are not routed."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """An agency that would get a referral under the policy in force, and by when it must act."""

    agency: OrganisationCode
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Expected:
    """A referral that is not routed, and who would get it."""

    risk: AtRisk
    recipients: Sequence[Recipient]
    """Soonest deadline first, without those from whom it would be held; empty where no agency
    would get it, or nobody can tell."""


def expected(context: Context, *, now: datetime, limit: int) -> list[Expected]:
    """Return the referrals that wait to be routed, longest waiting first, with who would get them.

    It names agencies and instants alone, and nothing of what a referral says.
    """
    risks = context.ledger.monitoring.at_risk(now=now, limit=LOOKED_AT, within=timedelta(0))
    unrouted = [risk for risk in risks if risk.state == "accepted"]
    return [Expected(risk, _recipients(context, risk)) for risk in unrouted[:limit]]


def _recipients(context: Context, risk: AtRisk) -> list[Recipient]:
    body = context.ledger.queries.content(risk.referral)
    if body is None:
        return []
    try:
        checked = accept.check(context, risk.publisher, body, accepted_at=risk.clock_start)
    except BrokerError:  # routing says what is wrong with it; here nobody is named
        return []
    if checked.plan is None:
        return []
    recipients = {
        assignment.agency: Recipient(assignment.agency, _first_due(assignment))
        for assignment in checked.plan.assignments
        if assignment.held_until is None
    }
    return sorted(recipients.values(), key=lambda recipient: recipient.due_at or _LATEST)


def _first_due(assignment: Assignment) -> datetime | None:
    return min(assignment.due.values(), default=None)
