"""What people do: each act needs a reason, names who did it, and is an event of the history.

Nothing here deletes anything. Many at once go through a plan: its filter is kept in the ledger and
looked at again by the worker that carries it out, never by a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.errors import Conflict, Fault, Invalid, NotFound
from broker.flow import answer
from broker.flow.context import Context
from broker.flow.task_queues import DISPATCH
from broker.ledger.bulk_actions import PlanLine, Replay
from broker.ledger.operator_actions import ActionContext
from broker.policy.time.calendars import LONDON

LONGEST_REASON = 500
PER_MINUTE = 60
FASTEST = 6000
TYPED_ABOVE = 50
"""Whoever replays more than this types the number."""
CAUSES = ("broker", "sent_on", "channel", "not_collected", "not_acknowledged", "not_decided")
_TURNS = {
    "pause": (("running",), "paused"),
    "go_on": (("paused",), "running"),
    "stop": (("planned", "running", "paused"), "stopped"),
}


def replay(context: Context, delivery: DeliveryId, *, by: str, reason: str) -> None:
    """Put an undeliverable delivery back into its agency's queue. Raises Conflict if it is none."""
    if not context.ledger.operator_actions.replay_delivery(delivery, _doing(context, by, reason)):
        raise Conflict("This delivery is not undeliverable any more. Nothing was changed.")
    context.wakeups.notify(DISPATCH)


def redirect(
    context: Context,
    delivery: DeliveryId,
    *,
    area: str | None,
    agency: OrganisationCode | None,
    by: str,
    reason: str,
) -> DeliveryId:
    """Send a returned or undeliverable delivery on; see ``answer.redirect``."""
    why = _doing(context, by, reason)
    return answer.redirect(context, delivery, area=area, agency=agency, actor=by, why=why)


def give_areas(
    context: Context, referral: ReferralId, areas: Mapping[str, str], *, by: str, reason: str
) -> None:
    """Say where the people of an unroutable referral live; see ``answer.give_areas``."""
    answer.give_areas(context, referral, areas, actor=by, why=_doing(context, by, reason))


def retry_routing(context: Context, referral: ReferralId, *, by: str, reason: str) -> None:
    """Route an unroutable referral again as it is; see ``answer.retry_routing``."""
    answer.retry_routing(context, referral, actor=by, why=_doing(context, by, reason))


def acknowledge(context: Context, escalation: UUID, *, by: str, reason: str) -> None:
    """See to an escalation: its ladder is climbed no further. Raises Conflict if none is open."""
    if not context.ledger.operator_actions.see_to_escalation(
        escalation, _doing(context, by, reason)
    ):
        raise Conflict("This escalation is not open any more. Nothing was changed.")


def suspend_agency(context: Context, agency: OrganisationCode, *, by: str, reason: str) -> None:
    """Offer nothing to an agency; its deadlines run on. Raises Conflict if it is paused."""
    if not context.ledger.operator_actions.suspend_agency(agency, _doing(context, by, reason)):
        raise Conflict("Delivery to this agency is paused already, or there is no such agency.")


def resume_agency(context: Context, agency: OrganisationCode, *, by: str, reason: str) -> None:
    """Offer to an agency again. Raises Conflict if delivery to it is not paused."""
    if not context.ledger.operator_actions.resume_agency(agency, _doing(context, by, reason)):
        raise Conflict("Delivery to this agency is not paused. Nothing was changed.")
    context.wakeups.notify(DISPATCH)


def reveal(context: Context, referral: ReferralId, *, by: str, reason: str) -> dict[str, Any]:
    """Return the content of a referral, after it was written down who saw it and why.

    Raises NotFound.
    """
    doing = _doing(context, by, reason)
    content = context.ledger.queries.content(referral)
    kind = "referral.content_revealed"
    if content is None or not context.ledger.operator_actions.note_act(
        kind, doing, referral=referral
    ):
        raise NotFound("There is no such referral.")
    document: dict[str, Any] = orjson.loads(content)
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
    """Say what a breach is really put down to; what the broker found stays in the history.

    Raises Invalid for an unknown cause, and where the deadline was not missed.
    """
    if cause not in CAUSES:
        raise _invalid("cause", "unknown-word", f"Use one of {', '.join(CAUSES)}.")
    doing = _doing(context, by, reason)
    found = context.ledger.operator_actions.cause_found(delivery, milestone, now=doing.now)
    if found is None:
        raise _invalid("milestone", "not-missed", "This delivery has not missed this deadline.")
    data = {"milestone": milestone, "cause": cause, "found": found}
    context.ledger.operator_actions.note_act(
        "delivery.cause_corrected", doing, delivery=delivery, data=data
    )


def plan_replay(
    context: Context, *, agency: str | None, cause: str | None, per_minute: int, by: str
) -> UUID:
    """Plan the replay of everything undeliverable, or of one agency or cause; return its id."""
    id_ = context.new_id()
    told = {"agency": agency or None, "cause": cause or None, "per_minute": _pace(per_minute)}
    context.ledger.bulk_actions.plan_replay(id_, by=by, now=context.clock(), **told)  # type: ignore[arg-type]
    return id_


def plan_redirect(
    context: Context,
    *,
    receiver: str,
    agency: str | None,
    cause: str | None,
    per_minute: int,
    by: str,
) -> UUID:
    """Plan to send everything on that came back or cannot be delivered, or of one agency or cause.

    Unroutable referrals are not among it: each needs an area of its own. Returns the plan's id.
    """
    found = context.policies.latest().directory.organisation(receiver)
    if found is None or not found.is_in_effect(context.clock().astimezone(LONDON).date()):
        raise _invalid("receiver", "unknown-agency", "The directory has no such agency now.")
    id_ = context.new_id()
    context.ledger.bulk_actions.plan_redirect(
        id_,
        receiver=receiver,
        agency=agency or None,
        cause=cause or None,
        per_minute=_pace(per_minute),
        by=by,
        now=context.clock(),
    )
    return id_


def lines(context: Context, plan: Replay) -> list[PlanLine]:
    """Return what a replay or sending on would take now."""
    return context.ledger.bulk_actions.replay_plan(plan.id, now=context.clock(), kind=plan.kind)


def planned(context: Context, id_: UUID) -> Replay:
    """Return a replay. Raises NotFound."""
    found = context.ledger.bulk_actions.replays(id_=id_)
    if not found:
        raise NotFound("There is no such replay.")
    return found[0]


def start_replay(
    context: Context,
    id_: UUID,
    *,
    reason: str,
    typed: str,
    by: str | None = None,
    per_minute: int | None = None,
) -> None:
    """Let a planned replay begin; the history names ``by``, or else whoever planned it.

    ``per_minute`` is another pace than the plan's. Raises Conflict, or Invalid without a reason or
    the number, or for a pace out of bounds.
    """
    plan = planned(context, id_)
    if plan.planned > TYPED_ABOVE and typed.strip() != str(plan.planned):
        raise _invalid("typed", "not-the-number", f"Type {plan.planned} to confirm.")
    begun = context.ledger.bulk_actions.turn_replay(
        id_,
        frm=("planned",),
        to="running",
        by=by or plan.planned_by,
        reason=_reason(reason),
        per_minute=None if per_minute is None else _pace(per_minute),
        now=context.clock(),
    )
    if not begun:
        raise Conflict("This replay was started before. Nothing was changed.")


def turn_replay(context: Context, id_: UUID, turn: str, *, by: str) -> None:
    """``pause``, ``go_on`` with or ``stop`` a replay. Raises Conflict where it is no step."""
    if turn not in _TURNS:
        raise _invalid("turn", "unknown-word", f"Use one of {', '.join(_TURNS)}.")
    frm, to = _TURNS[turn]
    if not context.ledger.bulk_actions.turn_replay(id_, frm=frm, to=to, by=by, now=context.clock()):
        raise Conflict("This replay is not at that point any more. Nothing was changed.")


def _doing(context: Context, by: str, reason: str) -> ActionContext:
    return ActionContext(context.new_id(), by, _reason(reason), context.clock())


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason:
        raise _invalid("reason", "missing", "Say why: others will read it.")
    if len(reason) > LONGEST_REASON:
        raise _invalid("reason", "too-long", f"Use at most {LONGEST_REASON} characters.")
    return reason


def _pace(per_minute: int) -> int:
    if not 1 <= per_minute <= FASTEST:
        raise _invalid("per_minute", "out-of-range", f"Use a whole number from 1 to {FASTEST}.")
    return per_minute


def _invalid(name: str, code: str, message: str) -> Invalid:
    return Invalid(message, faults=[Fault(f"/{name}", code, message)])
