"""What people decide about held deliveries: release one, hold it for longer, keep it held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from broker.admin.action_context import invalid, new_action
from broker.domain.codes import DeliveryKind, Grade
from broker.domain.delivery import Offer
from broker.domain.ids import DeliveryId
from broker.errors import Conflict, NotFound, PolicyError
from broker.flow.context import Context
from broker.flow.task_queues import DISPATCH
from broker.ledger.holds import Recounted
from broker.ledger.operator_actions import ActionContext
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import RELEASED, UNTIL_RELEASED, Start, count


def release_hold(
    context: Context,
    delivery: DeliveryId,
    *,
    by: str,
    reason: str,
    expected_version: int | None = None,
) -> None:
    """Offer a held delivery before its time; its clock starts now, under the policy in force.

    ``expected_version`` is the version of its referral that the person saw. Raises NotFound;
    Conflict when it is not held, or the referral was corrected since; PolicyError when the policy
    has no rule or no organisation for it any more.
    """
    write_release(context, delivery, new_action(context, by, reason, expected_version))
    context.wakeups.notify(DISPATCH)
    context.nudges.send()


def write_release(context: Context, delivery: DeliveryId, action: ActionContext) -> None:
    """Write a release into the ledger, and nothing anywhere else; see ``release_hold``."""
    released = partial(_released, context.policies.latest(), action.now)
    if not context.ledger.holds.release(delivery, action, released):
        raise _not_held(context, delivery)


def extend_hold(
    context: Context,
    delivery: DeliveryId,
    *,
    until: datetime,
    by: str,
    reason: str,
    expected_version: int | None = None,
) -> None:
    """Hold a held delivery until a later instant; its clock starts then.

    One that waits for a person has an end from now on. A correction that repeats the embargo as it
    was given does not shorten it. Raises NotFound; Conflict and PolicyError as ``release_hold``
    does; Invalid when ``until`` is not later than now and than the end that it has.
    """
    action = new_action(context, by, reason, expected_version)
    extended = partial(_extended, context.policies.latest(), action.now, until)
    if not context.ledger.holds.extend(delivery, action, extended, until=until):
        raise _not_held(context, delivery)


def keep_hold(
    context: Context,
    delivery: DeliveryId,
    *,
    by: str,
    reason: str,
    expected_version: int | None = None,
) -> None:
    """Record that a person looked at a held delivery and keeps it held.

    Raises NotFound and Conflict as ``release_hold`` does.
    """
    action = new_action(context, by, reason, expected_version)
    if not context.ledger.holds.keep(delivery, action):
        raise _not_held(context, delivery)


def _not_held(context: Context, delivery: DeliveryId) -> NotFound | Conflict:
    """Return why nothing was decided about a delivery."""
    if context.ledger.deliveries.delivery(None, delivery) is None:
        return NotFound("There is no such delivery.")
    return Conflict("This delivery is not held any more. Nothing was changed.")


def _released(policy: Policy, now: datetime, offer: Offer) -> Recounted:
    explained = {"hold": None, RELEASED: offer.explanation["hold"]}
    return _recounted(policy, offer, Start(now), explained)


def _extended(policy: Policy, now: datetime, until: datetime, offer: Offer) -> Recounted:
    """Return a held delivery as it is until then. Raises Invalid where that is no later."""
    hold = offer.explanation["hold"] or {}
    ends_at = None if offer.available_at == UNTIL_RELEASED else offer.available_at
    if until <= max(ends_at or now, now) or until >= UNTIL_RELEASED:
        raise invalid("until", "out-of-range", "Give an instant after the end that it has now.")
    given = hold.get("given", hold.get("until"))
    longer = {**hold, "until": until.isoformat(), "given": given}
    return _recounted(policy, offer, Start(until, None, until), {"hold": longer})


def _recounted(
    policy: Policy, offer: Offer, start: Start, explained: Mapping[str, Any]
) -> Recounted:
    """Count a held delivery's deadlines from another start. Raises PolicyError.

    ``explained`` is what its explanation says of the hold from now on.
    """
    rule = next((rule for rule in policy.routing_rules if rule.id == offer.row), None)
    calendar = policy.directory.calendar_of(offer.agency, offer.stands_in_for)
    if rule is None or calendar is None:
        raise PolicyError("The policy in force has no rule, or no agency, for this delivery.")
    clocks = (
        rule.deadlines[Grade(offer.effective_grade)]
        if offer.kind is DeliveryKind.REFERRAL
        else policy.version_rules[offer.kind].deadlines
    )
    deadlines = count(clocks, start, calendar)
    counted = [deadline.explanation() for deadline in deadlines]
    return Recounted(
        {deadline.milestone: deadline.deadline.due_at for deadline in deadlines},
        {**offer.explanation, "deadlines": counted, **explained},
    )
