"""Say in words what a plan is, and why."""

from __future__ import annotations

from collections.abc import Iterator

from broker.policy.routing.assignments import Leg
from broker.policy.routing.plan import Plan


def explain(plan: Plan) -> str:
    """Return a plan as a few lines for people."""
    return "\n".join([*_opening(plan), *(line for leg in plan.legs for line in _leg(leg))])


def _opening(plan: Plan) -> Iterator[str]:
    yield plan.raised_because or f"Grade: {plan.grade.replace('_', ' ')}."
    for warning in plan.warnings:
        yield f"Warning: {warning.message}"
    if plan.unroutable_reason:
        words = plan.unroutable_reason.replace("_", " ")
        yield f"Nobody can be worked out to get this: {words}. Ops attends: {plan.attend_words}."


def _leg(leg: Leg) -> Iterator[str]:
    said = leg.explanation
    yield f"{leg.agency} ({leg.role}): {said['sentence']}"
    yield f"  Basis: {said['basis']}, {said['source']}."
    yield f"  Recipient: {said['recipient']}."
    for because in said["because"]:
        yield f"  Because {because}."
    if leg.held_until:
        yield f"  Held until {said['hold']['until']}: {said['hold']['reason'] or 'embargo'}."
    for deadline in said["deadlines"]:
        yield f"  To {deadline['milestone']}: {deadline['words']}."
