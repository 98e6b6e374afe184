"""What people do with a referral: take it on, decide, return it, hand it over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from broker.admin import inbox_actions, operator_actions
from broker.domain.codes import ReturnReason
from broker.domain.delivery import RedirectPreview
from broker.domain.ids import EscalationId
from broker.errors import BrokerError, Conflict, Invalid, NotFound
from broker.flow.inbox_notices import INBOX
from broker.inbox import wording
from broker.inbox.access import Visit
from broker.inbox.item import delivery_id, values_of
from broker.inbox.rendering import page

Form = Mapping[str, str]


async def take_on(visit: Visit, _: Form) -> Response:
    """Acknowledge a referral in the person's name."""
    id_ = delivery_id(visit)
    await visit.inboxes.run(inbox_actions.take_on, visit.context, visit.person, id_)
    return _back(visit, "taken-on")


async def ask_decision(visit: Visit) -> Response:
    """Show what can be decided."""
    return await _decision_page(visit, _earlier(await _opened(visit)), None)


async def decide(visit: Visit, form: Form) -> Response:
    """Show the answers to check; record them once they are confirmed."""
    if "change" in form:
        return await _decision_page(visit, form, None)
    try:
        decision = inbox_actions.check_decision(visit.person, delivery_id(visit), form)
        opened = await _opened(visit)
        _check_child(opened, form)
    except Invalid as error:
        return await _decision_page(visit, form, error)
    version = str(opened.view["latest_version"])
    if form.get("confirmed") != version:
        is_newer = "confirmed" in form
        values = values_of(visit, opened)
        return page(
            "check_decision",
            visit=visit,
            form=form,
            version=version,
            is_newer=is_newer,
            **values,
        )
    await visit.inboxes.run(inbox_actions.decide, visit.context, visit.person, decision)
    return _back(visit, "decided")


def _check_child(opened: inbox_actions.OpenedDelivery, form: Form) -> None:
    """Raise Invalid where the child's views were shown and nothing is said of them."""
    missing = [name for name, is_asked in opened.view["asks"].items() if is_asked]
    faults = [
        inbox_actions.field_fault(name, "required", "Choose an answer.")
        for name in missing
        if not form.get(name)
    ]
    if faults:
        raise Invalid("Check what you entered.", faults=faults)


async def ask_return(visit: Visit) -> Response:
    """Show why a referral can be returned."""
    return await _return_page(visit, {}, None)


async def return_(visit: Visit, form: Form) -> Response:
    """Show who gets it, and by when; return it once that is confirmed."""
    if "change" in form:
        return await _return_page(visit, form, None)
    try:
        receipt, place, preview = await visit.inboxes.run(
            inbox_actions.check_return, visit.context, visit.person, delivery_id(visit), form
        )
    except Invalid as error:
        return await _return_page(visit, form, error)
    seen = preview.agency if isinstance(preview, RedirectPreview) else "ops"
    if form.get("confirmed") != seen:
        values = values_of(visit, await _opened(visit))
        return page(
            "check_return",
            visit=visit,
            form=form,
            place=place,
            preview=preview,
            is_refused=isinstance(preview, BrokerError),
            seen=seen,
            reason=wording.RETURN_REASONS[str(receipt.reason)][0],
            **values,
        )
    await visit.inboxes.run(inbox_actions.return_delivery, visit.context, visit.person, receipt)
    return RedirectResponse(f"{INBOX}/?done=returned", 303)


async def destroyed(visit: Visit, form: Form) -> Response:
    """Confirm that every copy of what was recalled is destroyed."""
    if form.get("destroyed") != "yes":
        raise Conflict("Tick that every copy is destroyed, or cannot be. Nothing was changed.")
    await visit.inboxes.run(
        inbox_actions.confirm_destroyed, visit.context, visit.person, delivery_id(visit)
    )
    return RedirectResponse(f"{INBOX}/?done=destroyed", 303)


async def ask_hand_over(visit: Visit) -> Response:
    """Show the colleagues who could deal with a referral."""
    return await _hand_over_page(visit, {}, None)


async def hand_over(visit: Visit, form: Form) -> Response:
    """Have a colleague deal with a referral."""
    try:
        colleague = UUID(form.get("to", ""))
    except ValueError:
        message = "Choose a colleague."
        fault = inbox_actions.field_fault("to", "required", message)
        return await _hand_over_page(visit, form, Invalid(message, faults=[fault]))
    await visit.inboxes.run(
        inbox_actions.give, visit.context, visit.person, delivery_id(visit), to=colleague
    )
    return _back(visit, "given")


async def deal_with(visit: Visit, form: Form) -> Response:
    """Say that the person deals with what is late: their organisation is not alerted for now."""
    try:
        escalation = EscalationId(UUID(form.get("escalation", "")))
    except ValueError:
        raise NotFound("There is no such alert.") from None
    await visit.inboxes.run(
        operator_actions.acknowledge_for,
        visit.context,
        escalation,
        owner=visit.person.name,
        actor=visit.actor,
        visible_to=visit.agency,
    )
    return _back(visit, "dealt-with")


async def _opened(visit: Visit) -> inbox_actions.OpenedDelivery:
    return await visit.inboxes.run(
        inbox_actions.open_delivery, visit.context, visit.person, delivery_id(visit)
    )


def _earlier(opened: inbox_actions.OpenedDelivery) -> Form:
    """Return the decision that stands as the form that would have made it."""
    status = opened.status
    names = ("outcome", "views_considered", "child_told")
    if not status.decisions:
        return {}
    return {name: value for name in names if (value := getattr(status.decisions[-1], name))}


async def _decision_page(visit: Visit, form: Form, error: Invalid | None) -> Response:
    values = values_of(visit, await _opened(visit))
    return _form_page(
        visit,
        "decide",
        form,
        error,
        outcomes=wording.OUTCOMES,
        views_considered=wording.VIEWS_CONSIDERED,
        child_told=wording.CHILD_TOLD,
        **values,
    )


async def _return_page(visit: Visit, form: Form, error: Invalid | None) -> Response:
    values = values_of(visit, await _opened(visit))
    reasons = wording.RETURN_REASONS
    wrong_area = str(ReturnReason.WRONG_AREA)
    return _form_page(
        visit, "return", form, error, reasons=reasons, wrong_area=wrong_area, **values
    )


async def _hand_over_page(visit: Visit, form: Form, error: Invalid | None) -> Response:
    values = values_of(visit, await _opened(visit))
    members = await visit.inboxes.run(visit.context.ledger.members.members, visit.agency)
    colleagues = [
        member
        for member in members
        if member.disabled_at is None and "answer" in member.rights and member.id != visit.person.id
    ]
    return _form_page(visit, "hand_over", form, error, colleagues=colleagues, **values)


def _form_page(
    visit: Visit, name: str, form: Form, error: Invalid | None, **values: Any
) -> Response:
    faults = {fault.pointer.strip("/"): fault.message for fault in error.faults} if error else {}
    return page(name, 422 if error else 200, visit=visit, form=form, faults=faults, **values)


def _back(visit: Visit, done: str) -> Response:
    return RedirectResponse(f"{INBOX}/items/{delivery_id(visit)}?done={done}", 303)
