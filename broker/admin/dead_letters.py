"""Dead letters through the API: a plan, what it would take, and its start; each may be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from broker.admin import operator_actions
from broker.admin.operator_actions import RedirectLine
from broker.errors import Conflict, Fault, Invalid
from broker.flow.context import Context
from broker.ledger.bulk_actions import PlanLine, Replay
from schemas.requests import PlanReplay, StartReplay


@dataclass(frozen=True, slots=True)
class DetailedPlan:
    """A plan, what it would take now by agency and cause, and what a redirect would show."""

    plan: Replay
    lines: list[PlanLine]
    views: list[RedirectLine]


def make_plan(context: Context, request: PlanReplay, *, by: str) -> DetailedPlan:
    """Plan to replay or redirect dead letters; nothing changes yet. May be repeated with its id.

    ``by`` is who plans it, as the history names them. Raises Invalid for an unknown agency;
    Conflict when another plan has the id.
    """
    chosen: dict[str, Any] = {
        "agency": request.agency,
        "cause": request.cause,
        "per_minute": request.per_minute,
        "by": by,
        "id_": request.id,
    }
    if request.receiver is None:
        id_ = operator_actions.plan_replay(context, **chosen)
    else:
        id_ = operator_actions.plan_redirect(context, receiver=request.receiver, **chosen)
    detailed = detailed_plan(context, id_)
    plan = detailed.plan
    stored = (plan.agency, plan.cause, plan.receiver, plan.per_minute, plan.planned_by)
    if stored != (request.agency, request.cause, request.receiver, request.per_minute, by):
        raise Conflict("Another plan has this ID. Nothing was changed.")
    return detailed


def detailed_plan(context: Context, id_: UUID) -> DetailedPlan:
    """Return a plan and what it would take now. Raises NotFound."""
    plan = operator_actions.planned(context, id_)
    lines = operator_actions.lines(context, plan)
    return DetailedPlan(plan, lines, operator_actions.redirect_lines(context, plan))


def start_plan(context: Context, id_: UUID, request: StartReplay, *, by: str) -> DetailedPlan:
    """Start a plan; workers carry it out at its pace. May be repeated.

    ``by`` is who starts it, as the history names them. Raises NotFound; Invalid when ``count`` is
    not the number in the plan; Conflict when it was started before by somebody else or for another
    reason.
    """
    plan = operator_actions.planned(context, id_)
    if request.count != plan.planned:
        message = f"The plan has {plan.planned} deliveries, not {request.count}."
        raise Invalid(message, faults=[Fault("/count", "not-the-number", message)])
    operator_actions.start_replay(
        context,
        id_,
        reason=request.reason,
        typed=str(request.count),
        by=by,
    )
    return detailed_plan(context, id_)
