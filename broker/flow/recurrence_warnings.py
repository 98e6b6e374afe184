"""Part of step 2, route: count low referrals for one child, and tell one too many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import orjson

from broker.domain.codes import Grade
from broker.errors import Fault
from broker.ledger.routing import RouteBatch
from broker.policy.decision import (
    Decision,
    Routed,
    Unrouted,
)
from broker.policy.monitoring.recurrence import (
    CODE,
    Recurrence,
    Recurring,
    Sighting,
    recurring,
    sightings,
)
from broker.policy.published.policy import Policy
from broker.telemetry import error_fields, logger

_log = logger("route")


def with_recurrence_warnings(
    batch: RouteBatch, decisions: Sequence[Decision], *, book: Policy, key: bytes | None
) -> list[Decision]:
    """Return the decisions with who was seen in them, and a warning for who was seen too often.

    Without a key, or where the policy counts no grade, nothing is added.
    """
    rule = book.recurrence
    if rule is None or key is None:
        return list(decisions)
    referrals = {referral.id: referral for referral in batch.referrals}
    seen: dict[UUID, list[Sighting]] = {
        decision.id: _sightings(referrals[decision.id], rule, key)
        for decision in decisions
        if isinstance(decision, Routed) and decision.grade == rule.grade
    }
    every = [sighting for found in seen.values() for sighting in found]
    told = recurring(every, batch.earlier(every, rule), rule)
    return [_with(decision, seen, told, rule) for decision in decisions]


def _sightings(referral: Unrouted, rule: Recurrence, key: bytes) -> list[Sighting]:
    """Return who is in a referral; what goes wrong with one must not hold up the others."""
    try:
        return sightings(
            orjson.loads(referral.body),
            referral=referral.id,
            publisher=referral.publisher,
            grade=Grade(rule.grade),
            at=referral.accepted_at,
            key=key,
        )
    except Exception as error:
        _log.error("counting failed", referral=str(referral.id), **error_fields(error))
        return []


def _with(
    decision: Decision,
    seen: Mapping[UUID, Sequence[Sighting]],
    told: Sequence[Recurring],
    rule: Recurrence,
) -> Decision:
    if not isinstance(decision, Routed) or decision.id not in seen:
        return decision
    own = [other for other in told if other.sighting.referral == decision.id]
    warnings = [Fault(other.sighting.pointer, CODE, other.words(rule)) for other in own]
    return replace(
        decision,
        sightings=seen[decision.id],
        recurring=own,
        warnings=[*decision.warnings, *warnings],
    )
