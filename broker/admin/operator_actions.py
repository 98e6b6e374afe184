"""What operators do: each action needs a reason, names who took it and is an event of the history.

Nothing here deletes anything. An action on many deliveries goes through a plan: the ledger stores
its filter, and the worker that carries it out (``broker.flow.bulk``) evaluates it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from broker.admin import escalation_actions
from broker.admin.action_context import checked_reason, invalid, new_action
from broker.domain.delivery import RedirectPreview
from broker.domain.escalation import Escalation, TakenOn
from broker.domain.ids import DeliveryId, EscalationId, OrganisationCode, ReferralId, TaskId
from broker.domain.referral import ChangeRefusal, Refused
from broker.errors import BrokerError, Conflict, NotFound
from broker.flow import answer
from broker.flow.context import Context
from broker.flow.task_queues import DISPATCH
from broker.ledger.bulk_actions import NewPlan, PlanLine, Replay
from broker.ledger.operator_actions import ActionContext
from broker.policy.monitoring import alarms
from broker.policy.time.calendars import LONDON
from schemas import requests, tolerance
from schemas.shown_text import shown_document

PER_MINUTE = requests.PER_MINUTE
FASTEST = requests.FASTEST
TYPED_ABOVE = 50
"""A person who replays more than this must type the number."""
CAUSES = ("broker", "sent_on", "channel", "not_collected", "not_acknowledged", "not_decided")
JUDGED = 500
"""How many deliveries of a planned redirect are judged to show the plan."""
_TURNS = {
    "pause": (("running",), "paused"),
    "go_on": (("paused",), "running"),
    "stop": (("planned", "running", "paused"), "stopped"),
}


@dataclass(frozen=True, slots=True)
class RedirectLine:
    """What some deliveries of a planned redirect would come to at its receiver."""

    view: str | None
    """The view that it would get; None where they cannot go there."""
    shows: tuple[str, ...]
    """What that view shows, in words."""
    refused: str | None
    """Why they cannot go there, as a code."""
    message: str
    """What the view is for, or why they cannot go there."""
    count: int = 0


def replay(context: Context, delivery: DeliveryId, *, by: str, reason: str) -> None:
    """Put an undeliverable delivery back into its agency's queue.

    Raises Conflict when the delivery is not undeliverable.
    """
    if not context.ledger.operator_actions.replay_delivery(
        delivery, new_action(context, by, reason)
    ):
        raise Conflict("This delivery is not undeliverable any more. Nothing was changed.")
    context.wakeups.notify(DISPATCH)
    context.nudges.send()


def redirect(  # noqa: PLR0913  as a person's act has them
    context: Context,
    delivery: DeliveryId,
    *,
    area: str | None,
    agency: OrganisationCode | None,
    by: str,
    reason: str,
    expected_version: int | None = None,
) -> DeliveryId:
    """Redirect a returned or undeliverable delivery; see ``answer.redirect``."""
    action = new_action(context, by, reason, expected_version)
    return answer.redirect(context, delivery, action, area=area, agency=agency)


def preview_redirect(
    context: Context,
    delivery: DeliveryId,
    *,
    area: str | None,
    agency: OrganisationCode | None,
    reason: str,
    expected_version: int | None = None,
) -> RedirectPreview:
    """Return what a redirect would come to, before a person confirms it; change nothing.

    Raises what ``redirect`` raises, also Invalid for the reason.
    """
    checked_reason(reason)
    return answer.preview_redirect(
        context, delivery, area=area, agency=agency, expected_version=expected_version
    )


def give_areas(
    context: Context,
    referral: ReferralId,
    areas: Mapping[str, str],
    *,
    by: str,
    reason: str,
    expected_version: int | None = None,
) -> None:
    """Say where the people of an unroutable referral live; see ``answer.give_areas``."""
    why = new_action(context, by, reason, expected_version)
    answer.give_areas(context, referral, areas, actor=by, why=why)


def retry_routing(context: Context, referral: ReferralId, *, by: str, reason: str) -> None:
    """Route an unroutable referral again as it is; see ``answer.retry_routing``."""
    answer.retry_routing(context, referral, actor=by, why=new_action(context, by, reason))


def settle_task(context: Context, task: TaskId, *, by: str, reason: str) -> None:
    """Record that a person has dealt with a task; its escalation ends.

    Raises NotFound when there is no such open task.
    """
    if not context.ledger.tasks.settle(task, new_action(context, by, reason)):
        raise NotFound("There is no open task with this id. Nothing was changed.")


def acknowledge_for(
    context: Context,
    escalation: EscalationId,
    *,
    owner: str,
    actor: str,
    visible_to: OrganisationCode | None,
) -> Escalation:
    """Acknowledge an escalation in the name of ``owner``; repeating it is harmless.

    ``visible_to`` is the organisation that may do so, or None for ops. The owner deals with it for
    as long as policy says. An agency that is late stops only its own steps: the police and ops are
    told. No reason is asked for, so the action is kept with who took it on. Returns the escalation
    as it is afterwards. Raises NotFound.
    """
    action = ActionContext(context.new_id(), actor, f"Taken on by {owner}.", context.clock())
    offered = context.ledger.alarms.escalation(escalation) if visible_to is None else None
    outcome = context.ledger.alarms.acknowledge_escalation(
        escalation,
        action,
        TakenOn(
            escalation_actions.named(offered.offered_to, owner) if offered else owner,
            escalation_actions.taken_until(context, action.now),
            _own_until(context, action.now, visible_to),
        ),
        visible_to=visible_to,
    )
    if outcome is None:
        raise NotFound("There is no such escalation.")
    return outcome.escalation


def _own_until(context: Context, now: datetime, agency: OrganisationCode | None) -> datetime:
    """Return until when an agency's own acknowledgement counts, on its own calendar."""
    policy = context.policies.latest()
    organisation = policy.directory.organisation(agency) if agency else None
    calendar = organisation.calendar if organisation else policy.calendars["ENG"]
    return alarms.own_until(policy.alarms, since=now, calendar=calendar)


def suspend_agency(context: Context, agency: OrganisationCode, *, by: str, reason: str) -> None:
    """Suspend delivery to an agency; its deadlines continue. May be repeated.

    Raises Conflict when somebody else, or another reason, has suspended it already.
    """
    action = new_action(context, by, reason)
    if context.ledger.operator_actions.suspend_agency(agency, action):
        return
    if not _is_repeated(context, "organisation.delivery_paused", agency, action):
        raise Conflict("Delivery to this agency is suspended already, or there is no such agency.")


def resume_agency(context: Context, agency: OrganisationCode, *, by: str, reason: str) -> None:
    """Resume delivery to an agency. May be repeated. Raises Conflict when it is not suspended."""
    action = new_action(context, by, reason)
    if context.ledger.operator_actions.resume_agency(agency, action):
        context.wakeups.notify(DISPATCH)
        context.nudges.send()
    elif not _is_repeated(context, "organisation.delivery_resumed", agency, action):
        raise Conflict("Delivery to this agency is not suspended. Nothing was changed.")


def _is_repeated(
    context: Context, kind: str, agency: OrganisationCode, action: ActionContext
) -> bool:
    """Return whether the last thing done about an agency was this, by the same person."""
    return [(kind, action.by, action.reason)] == [
        (act.kind, act.by, act.reason)
        for act in context.ledger.operator_actions.acts_of_agency(agency, limit=1)
    ]


def reveal(
    context: Context,
    referral: ReferralId,
    *,
    by: str,
    reason: str,
    may_see_recalled: bool = False,
) -> dict[str, Any]:
    """Record who sees a referral and why, then return its content.

    ``may_see_recalled`` is whether the person has the right to see what was recalled. Raises
    NotFound, or Conflict without that right where the referral was recalled.
    """
    action = new_action(context, by, reason)
    content = context.ledger.operator_actions.reveal(
        referral, action, may_see_recalled=may_see_recalled
    )
    if content == Refused(ChangeRefusal.RECALLED):
        raise Conflict(
            "This referral was recalled. Its content is shown only to people with the right "
            "'reveal-recalled'."
        )
    if isinstance(content, Refused):
        raise NotFound("There is no such referral.")
    document: dict[str, Any] = shown_document(tolerance.struck(orjson.loads(content)))
    return document


def correct_cause(
    context: Context,
    delivery: DeliveryId,
    *,
    milestone: str,
    cause: str,
    by: str,
    reason: str,
) -> None:
    """Correct the cause of a breach; the cause that the broker computed stays in the history.

    Raises Invalid for an unknown cause, and when the deadline was not missed.
    """
    if cause not in CAUSES:
        raise invalid("cause", "unknown-word", f"Use one of {', '.join(CAUSES)}.")
    action = new_action(context, by, reason)
    computed = context.ledger.monitoring.breach_cause(delivery, milestone, now=action.now)
    if computed is None:
        raise invalid("milestone", "not-missed", "This delivery has not missed this deadline.")
    data = {"milestone": milestone, "cause": cause, "found": computed}
    context.ledger.operator_actions.note_act(
        "delivery.cause_corrected", action, delivery=delivery, data=data
    )


def plan_replay(
    context: Context,
    *,
    agency: str | None,
    cause: str | None,
    per_minute: int,
    by: str,
    id_: UUID | None = None,
) -> UUID:
    """Plan the replay of all undeliverable deliveries, or those of an agency or cause.

    Returns the plan's id, which is ``id_`` if given; a plan with this id stays as it is.
    """
    new = _new_plan(context, id_, agency, cause, per_minute, by)
    context.ledger.bulk_actions.plan_replay(new, now=context.clock())
    return new.id


def plan_redirect(  # noqa: PLR0913
    context: Context,
    *,
    receiver: str,
    agency: str | None,
    cause: str | None,
    per_minute: int,
    by: str,
    id_: UUID | None = None,
) -> UUID:
    """Plan to redirect all returned or undeliverable deliveries, or those of an agency or cause.

    Unroutable referrals are not included: each needs an area of its own. Returns the plan's id, as
    ``plan_replay`` does.
    """
    organisation = context.policies.latest().directory.organisation(receiver)
    if organisation is None or not organisation.is_in_effect(
        context.clock().astimezone(LONDON).date()
    ):
        raise invalid("receiver", "unknown-agency", "The directory has no such agency now.")
    new = _new_plan(context, id_, agency, cause, per_minute, by)
    context.ledger.bulk_actions.plan_redirect(new, receiver=receiver, now=context.clock())
    return new.id


def _new_plan(
    context: Context,
    id_: UUID | None,
    agency: str | None,
    cause: str | None,
    per_minute: int,
    by: str,
) -> NewPlan:
    """Return a plan to write. Raises Invalid for an unknown agency or a pace out of bounds."""
    if agency and OrganisationCode(agency) not in context.ledger.monitoring.organisation_status():
        raise invalid("agency", "unknown-agency", "There is no agency with this code.")
    return NewPlan(
        id=id_ or context.new_id(),
        agency=agency or None,
        cause=cause or None,
        per_minute=_pace(per_minute),
        by=by,
    )


def lines(context: Context, plan: Replay) -> list[PlanLine]:
    """Return what a planned replay or redirect would take now, by agency and cause."""
    bulk_actions, now = context.ledger.bulk_actions, context.clock()
    if plan.kind == "send_on":
        return bulk_actions.redirect_plan(plan.id, now=now)
    return bulk_actions.replay_plan(plan.id, now=now)


def redirect_lines(context: Context, plan: Replay) -> list[RedirectLine]:
    """Return what the next deliveries of a planned redirect would come to, each judged by itself.

    The same is judged again when the plan is carried out; of a plan that has started nothing is.
    """
    if plan.kind != "send_on" or plan.receiver is None or plan.state != "planned":
        return []
    candidates = context.ledger.bulk_actions.redirect_candidates(plan.id, limit=JUDGED)
    counts: Counter[RedirectLine] = Counter()
    for _, outcome in answer.judge_redirects(context, candidates, plan.receiver):
        counts[_redirect_line(outcome)] += 1
    return [replace(line, count=count) for line, count in counts.most_common()]


def _redirect_line(outcome: RedirectPreview | BrokerError) -> RedirectLine:
    if isinstance(outcome, BrokerError):
        code = outcome.faults[0].code if outcome.faults else outcome.code
        return RedirectLine(None, (), code, outcome.message)
    return RedirectLine(outcome.view, outcome.shows, None, outcome.sentence)


def planned(context: Context, id_: UUID) -> Replay:
    """Return a planned replay or redirect. Raises NotFound."""
    plans = context.ledger.bulk_actions.replays(id_=id_)
    if not plans:
        raise NotFound("There is no such replay.")
    return plans[0]


def start_replay(
    context: Context,
    id_: UUID,
    *,
    reason: str,
    typed: str,
    by: str | None = None,
    per_minute: int | None = None,
) -> None:
    """Start a planned replay; the history names ``by``, or else the person who planned it.

    May be repeated. ``per_minute`` replaces the plan's pace, in deliveries a minute. Raises
    Conflict when somebody else, or for another reason, started it before; Invalid without a reason
    or the number, or for a pace out of bounds.
    """
    plan = planned(context, id_)
    if plan.planned > TYPED_ABOVE and typed.strip() != str(plan.planned):
        raise invalid("typed", "not-the-number", f"Type {plan.planned} to confirm.")
    why = checked_reason(reason)
    begun = context.ledger.bulk_actions.turn_replay(
        id_,
        frm=("planned",),
        to="running",
        by=by or plan.planned_by,
        reason=why,
        per_minute=None if per_minute is None else _pace(per_minute),
        now=context.clock(),
    )
    stored = plan if begun else planned(context, id_)
    if not begun and (stored.started_by, stored.reason) != (by or plan.planned_by, why):
        raise Conflict("This replay was started before. Nothing was changed.")


def turn_replay(context: Context, id_: UUID, turn: str, *, by: str) -> None:
    """``pause``, ``go_on`` (resume) or ``stop`` a replay.

    Raises Conflict when its state does not allow that.
    """
    if turn not in _TURNS:
        raise invalid("turn", "unknown-word", f"Use one of {', '.join(_TURNS)}.")
    frm, to = _TURNS[turn]
    if not context.ledger.bulk_actions.turn_replay(id_, frm=frm, to=to, by=by, now=context.clock()):
        raise Conflict("This replay has changed its state. Nothing was changed.")


def _pace(per_minute: int) -> int:
    if not 1 <= per_minute <= FASTEST:
        raise invalid("per_minute", "out-of-range", f"Use a whole number from 1 to {FASTEST}.")
    return per_minute
