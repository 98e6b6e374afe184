"""Part of step 2, route: warn when a child was referred too often at a low grade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from broker.errors import Fault
from broker.ledger.routing import RouteBatch
from broker.policy.decision import Decision, Routed
from broker.policy.monitoring.recurrence import CODE, Recurrence, Recurring, recurring
from broker.policy.published.policy import Policy


def with_recurrence_warnings(
    batch: RouteBatch, decisions: Sequence[Decision], *, policy: Policy
) -> list[Decision]:
    """Return the decisions, with a warning for each child that was referred too often.

    Where the policy counts no grade, nothing is added.
    """
    rule = policy.recurrence
    if rule is None:
        return list(decisions)
    every = [
        occurrence
        for decision in decisions
        if isinstance(decision, Routed)
        for occurrence in decision.occurrences
    ]
    flagged = recurring(every, batch.earlier_occurrences(every, rule), rule)
    return [_with(decision, flagged, rule) for decision in decisions]


def _with(decision: Decision, flagged: Sequence[Recurring], rule: Recurrence) -> Decision:
    if not isinstance(decision, Routed) or not decision.occurrences:
        return decision
    own = [child for child in flagged if child.occurrence.referral == decision.id]
    warnings = [Fault(child.occurrence.pointer, CODE, child.words(rule)) for child in own]
    verdict = decision.verdict
    return replace(
        decision,
        recurring=own,
        verdict=replace(verdict, warnings=[*verdict.warnings, *warnings]),
    )
