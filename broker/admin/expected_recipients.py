"""Who would get a referral that is not routed yet, so that a person can telephone them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.monitoring import AtRisk
from broker.errors import BrokerError, NotFound
from broker.flow import accept
from broker.flow.context import Context
from broker.policy.routing.assignments import Assignment
from schemas.tolerance import reload

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
    return [
        Expected(risk, _recipients(context, risk.referral, risk.publisher, risk.clock_start, {}))
        for risk in unrouted[:limit]
    ]


def with_areas(context: Context, referral: ReferralId, areas: Mapping[str, str]) -> list[Recipient]:
    """Return who would get a referral if its people lived in these areas, by local id."""
    status = context.ledger.queries.referral(None, id=referral)
    if status is None:
        raise NotFound("No referral has this ID.")
    return _recipients(context, referral, status.publisher, status.accepted_at, areas)


def people_of(context: Context, referral: ReferralId) -> list[str]:
    """Return the local ids of everybody in a referral, in their order; no name of anybody."""
    body = context.ledger.queries.content(referral)
    try:
        return sorted(reload(orjson.loads(body)).people) if body else []
    except ValueError:
        return []


def _recipients(
    context: Context,
    referral: ReferralId,
    publisher: OrganisationCode,
    accepted_at: datetime,
    areas: Mapping[str, str],
) -> list[Recipient]:
    body = context.ledger.queries.content(referral)
    if body is None:
        return []
    try:
        checked = accept.check(context, publisher, body, accepted_at=accepted_at, areas=areas)
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
