"""Step 5, answer: record the receipts of agencies, and redirect what they return.

A delivery that is returned for the wrong area, with the right area named, is redirected in the same
transaction. No person has to act, and its clock keeps its start.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import orjson

from broker.domain.codes import DeliveryKind, Milestone, ReceiptResult, ReturnReason
from broker.domain.delivery import (
    NewDelivery,
    Receipt,
    ReceiptMessage,
    Redirectable,
    RedirectPreview,
    Returned,
    Settled,
)
from broker.domain.epoch import Epoch, was_lost
from broker.domain.ids import DeliveryId, NewId, OrganisationCode, ReferralId
from broker.domain.states import DeliveryState
from broker.errors import BrokerError, Conflict, Fault, Invalid, NotFound, PolicyError
from broker.failpoints import SETTLED
from broker.flow.activity_counter import ANSWERED
from broker.flow.clock_pause import end_returned
from broker.flow.context import Context
from broker.flow.policy_cache import HeldPolicies
from broker.flow.steps import step
from broker.flow.task_queues import DISPATCH, ROUTE
from broker.ledger.operator_actions import NO_REASON, ActionContext
from broker.ledger.receipts import SettleBatch
from broker.policy.decide import new_delivery
from broker.policy.published.policy import Policy
from broker.policy.revision.issued import Issued
from broker.policy.routing.assignments import RELEASED, Assignment
from broker.policy.routing.facts import WHOLE
from broker.policy.routing.redirect import redirected
from broker.telemetry import error_fields, logger
from broker.tracing import SpanPart
from schemas.tolerance import reload

_WAITS_FOR_NO_AREA = "This referral does not wait for an area. Nothing was changed."
_log = logger("answer")


def settle(
    context: Context,
    agency: OrganisationCode,
    receipts: Sequence[Receipt],
    *,
    actor: str,
    message: ReceiptMessage | None = None,
) -> list[Settled]:
    """Record an agency's receipts in order; return the result of each.

    ``message`` is what brought them from a queue. Raises Denied when it was taken before.
    """
    with step(context, "answer", _log) as this:
        # Read first: a second connection inside the transaction could be the last of the pool.
        now, epochs = this.begun_at, context.epochs.epochs()

        def record(held: HeldPolicies) -> list[Settled]:
            settling = context.ledger.receipts.settle(
                agency, receipts, now=now, actor=actor, message=message
            )
            with settling as batch:
                end_returned(batch, held, now)
                for returned in batch.returned:
                    if successor := _successor(context, batch, returned, held, now):
                        batch.redirect(returned.delivery.id, successor)
                return [_lost_or(epochs, result) for result in batch.results]

        results = context.policies.with_required(record)
        context.activity.note(agency, ANSWERED, len(receipts))
        context.hit(SETTLED)
        if any(result.state is DeliveryState.RETURNED for result in results):
            context.wakeups.notify(DISPATCH)
        if results:
            context.nudges.send()
            this.trace(results, partial(_span_part, agency))
            recorded = sum(result.result is ReceiptResult.RECORDED for result in results)
            this.log(agency=agency, count=len(results), recorded=recorded)
            this.log_single("delivery", results, lambda result: result.delivery)
    return results


def _lost_or(epochs: Sequence[Epoch], result: Settled) -> Settled:
    """Return a result; of a delivery that a restore lost it says so."""
    if result.result is ReceiptResult.NOT_FOUND and was_lost(result.delivery, epochs):
        return replace(result, result=ReceiptResult.LOST_IN_RESTORE)
    return result


def _span_part(agency: OrganisationCode, result: Settled) -> SpanPart | None:
    """Return what was recorded, for the trace of its referral; None for an unknown delivery."""
    if result.referral is None:
        return None
    attributes = {"delivery": str(result.delivery), "agency": agency, "state": str(result.state)}
    return SpanPart(result.referral, attributes)


def redirect(
    context: Context,
    delivery: DeliveryId,
    action: ActionContext,
    *,
    area: str | None,
    agency: OrganisationCode | None,
) -> DeliveryId:
    """Redirect a returned or undeliverable delivery to an agency, by its code or an area's.

    ``action`` has the reason of a person, and the version that they saw; see
    ``broker.admin.operator_actions``, and ``unexplained`` for a call that asks for no reason.
    Returns the new delivery's id. Raises NotFound; RedirectRefused when nobody there is responsible
    or that agency must not get it; Conflict when the delivery is neither returned nor
    undeliverable, was redirected before, or its referral was recalled, or corrected since the
    version that was seen.
    """
    # Read first: a second connection inside the transaction could be the last of the pool.
    policy = context.policies.latest()

    def successor(redirectable: Redirectable) -> NewDelivery:
        return _redirected(
            redirectable,
            policy,
            context.new_id,
            area=area,
            to=agency,
            now=action.now,
            is_by_hand=True,
        )[1]

    new = context.ledger.receipts.redirect(delivery, successor, action)
    if new is None:
        raise _not_redirectable(context, delivery)
    context.wakeups.notify(DISPATCH)
    context.nudges.send()
    return new.id


def preview_redirect(
    context: Context,
    delivery: DeliveryId,
    *,
    area: str | None,
    agency: OrganisationCode | None,
    expected_version: int | None = None,
) -> RedirectPreview:
    """Return who would get a delivery, what they would see and by when; change nothing.

    ``expected_version`` is the version that the person saw. Raises what ``redirect`` raises.
    """
    redirectable = context.ledger.receipts.redirectable(delivery, expected_version=expected_version)
    if redirectable is None:
        raise _not_redirectable(context, delivery)
    return _preview(context, redirectable, area=area, to=agency)


def preview_return(
    context: Context, agency: OrganisationCode, delivery: DeliveryId, *, area: str
) -> RedirectPreview:
    """Return who would get a delivery that its agency returned because of that area.

    Nothing is changed. Raises NotFound, and RedirectRefused when nobody there is responsible.
    """
    is_theirs = context.ledger.deliveries.delivery(agency, delivery) is not None
    redirectable = context.ledger.receipts.redirectable(delivery, is_to_be_returned=True)
    if not is_theirs or redirectable is None:
        raise NotFound("There is no such delivery in your queue.")
    return _preview(context, redirectable, area=area, to=None)


def judge_redirects(
    context: Context, deliveries: Sequence[DeliveryId], agency: OrganisationCode
) -> Iterator[tuple[DeliveryId, RedirectPreview | BrokerError]]:
    """Yield what each delivery would come to at an agency: a preview, or why it cannot go there."""
    for delivery in deliveries:
        try:
            yield delivery, preview_redirect(context, delivery, area=None, agency=agency)
        except (Conflict, NotFound, PolicyError) as error:
            yield delivery, error


def give_areas(
    context: Context,
    referral: ReferralId,
    areas: Mapping[str, str],
    *,
    actor: str,
    why: ActionContext | None = None,
    expected_version: int | None = None,
) -> None:
    """Set the areas where people of an unroutable referral live, and retry its routing.

    The key ``referral`` gives an area to the referral itself, when nobody is listed in it. ``why``
    is the action of a person, as for ``redirect``; without it ``actor`` acts through a call that
    asks for no reason, on ``expected_version`` if that is given.

    Raises Invalid for an area or a local id that is not known, and Conflict when the referral does
    not wait for an area, or was corrected since the version that was seen.
    """
    check = partial(_check_areas, areas, context.policies.latest().gazetteer)
    action = why or unexplained(context, actor, expected_version)
    if not context.ledger.routing.give_areas(referral, areas, action, check=check):
        raise Conflict(_WAITS_FOR_NO_AREA)
    context.wakeups.notify(ROUTE)


def _check_areas(areas: Mapping[str, str], known: Container[str], body: bytes | None) -> None:
    """Raise Invalid for an area that is not known, or a local id that a document does not have."""
    people = _people_of(body)
    faults = [
        Fault(f"/areas/{local}", "unknown-area", "There is no area with this code.")
        for local, code in areas.items()
        if code not in known
    ]
    # The history and the publisher's feed carry these: codes and local ids only.
    faults += [
        Fault(f"/areas/{local}", "unknown-person", "The referral has nobody with this local id.")
        for local in areas
        if local not in people and local != WHOLE
    ]
    if faults:
        raise Invalid("Some areas or local ids are not known.", faults=faults)


def retry_routing(
    context: Context, referral: ReferralId, *, actor: str, why: ActionContext | None = None
) -> None:
    """Route an unroutable or rejected referral again as it is, under the policy in force.

    Raises Conflict when the referral is neither.
    """
    action = why or unexplained(context, actor)
    if not context.ledger.routing.retry_routing(referral, action):
        raise Conflict("This referral is not unroutable or rejected. Nothing was changed.")
    context.wakeups.notify(ROUTE)


def unexplained(context: Context, actor: str, expected_version: int | None = None) -> ActionContext:
    """Return an action through a call that asks for no reason."""
    return ActionContext(context.new_id(), actor, NO_REASON, context.clock(), expected_version)


def _people_of(body: bytes | None) -> set[str]:
    """Return the local ids of everybody in a document. Raises Conflict where it was rejected."""
    try:
        return reload(orjson.loads(body)).people if body else set()
    except ValueError:
        raise Conflict(_WAITS_FOR_NO_AREA) from None


def _successor(
    context: Context,
    batch: SettleBatch,
    returned: Returned,
    held: HeldPolicies,
    now: datetime,
) -> NewDelivery | None:
    """Return the delivery that replaces a returned one, or None: then ops must decide."""
    if returned.reason != ReturnReason.WRONG_AREA or returned.area is None:
        return None
    offer = returned.delivery
    try:
        _, successor = _redirected(
            batch.redirectable(offer),
            held.in_force,
            context.new_id,
            area=returned.area,
            to=None,
            now=now,
        )
    except PolicyError as error:
        _log.warning("not redirected", delivery=str(offer.id), **error_fields(error))
        return None
    # Two agencies must not alternate.
    return None if batch.was_returned_by(offer.referral, successor.agency) else successor


def _not_redirectable(context: Context, delivery: DeliveryId) -> NotFound | Conflict:
    """Return why a delivery is not redirected."""
    offer = context.ledger.deliveries.delivery(None, delivery)
    if offer is None:
        return NotFound("There is no such delivery.")
    if not offer.stands:
        code, reason = "recalled", "The referral was recalled: nothing of it is sent on."
    else:
        code = "not-returned"
        reason = (
            f"This delivery is {offer.state} or was redirected before. Only a delivery that was "
            "returned or cannot be delivered is redirected, once."
        )
    message = f"{reason} Nothing was changed."
    return Conflict(message, faults=[Fault("", code, message)])


def _preview(
    context: Context, redirectable: Redirectable, *, area: str | None, to: OrganisationCode | None
) -> RedirectPreview:
    policy, now, offer = context.policies.latest(), context.clock(), redirectable.offer
    assignment, successor = _redirected(
        redirectable, policy, context.new_id, area=area, to=to, now=now, is_by_hand=True
    )
    recipient = policy.directory.organisation(assignment.agency)
    assert recipient is not None
    view = policy.views[assignment.view]
    return RedirectPreview(
        delivery=offer.id,
        reference=offer.reference,
        agency=recipient.code,
        name=recipient.name,
        kind=recipient.kind,
        because=assignment.explanation["recipient"],
        role=assignment.role,
        view=view.name,
        sentence=view.sentence,
        shows=view.in_words,
        children=assignment.children,
        persons=assignment.persons,
        due=successor.due,
        words={
            Milestone(deadline["milestone"]): deadline["words"]
            for deadline in assignment.explanation["deadlines"]
        },
    )


def _redirected(  # noqa: PLR0913 - each is a fact about the redirect
    redirectable: Redirectable,
    policy: Policy,
    new_id: NewId,
    *,
    area: str | None,
    to: OrganisationCode | None,
    now: datetime,
    is_by_hand: bool = False,
) -> tuple[Assignment, NewDelivery]:
    # The next agency gets the latest version, with the clock of the returned delivery.
    offer, latest = redirectable.offer, redirectable.latest
    assignment = redirected(
        row=offer.row,
        agency=offer.agency,
        scope=latest.scope,
        clock_start=offer.clock_start,
        effective_grade=offer.effective_grade,
        referral=reload(orjson.loads(redirectable.newest), received_at=latest.accepted_at),
        policy=policy,
        area=area,
        to=to,
        now=now,
        # What a person released for one agency does not go to another one without a person.
        is_released=is_by_hand and bool(offer.explanation.get(RELEASED)),
    )
    issued = Issued(assignment, DeliveryKind.REFERRAL)
    successor = new_delivery(
        issued, now, new_id, version=latest.version, policy_version=policy.version
    )
    return assignment, successor
