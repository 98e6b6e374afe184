"""Ask the police about a referral, and read what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from broker.admin import questions
from broker.admin.inbox_actions import open_delivery
from broker.errors import Invalid, Malformed
from broker.flow.inbox_notices import INBOX
from broker.inbox import wording
from broker.inbox.access import Visit
from broker.inbox.item import delivery_id, values_of
from broker.inbox.rendering import page

Form = Mapping[str, str]


async def show(visit: Visit) -> Response:
    """Show the form in which a question is written."""
    return await _ask_page(visit, {}, None)


async def send(visit: Visit, form: Form) -> Response:
    """Send a question to the police."""
    try:
        id_ = UUID(form.get("question", ""))
    except ValueError:
        raise Malformed("We cannot read this form.") from None
    id_of_delivery = delivery_id(visit)
    try:
        await visit.inboxes.run(
            questions.ask, visit.context, visit.person, id_of_delivery, id=id_, form=form
        )
    except Invalid as error:
        return await _ask_page(visit, form, error)
    return RedirectResponse(f"{INBOX}/items/{id_of_delivery}?done=asked#questions", 303)


async def _ask_page(visit: Visit, form: Form, error: Invalid | None) -> Response:
    opened = await visit.inboxes.run(open_delivery, visit.context, visit.person, delivery_id(visit))
    faults = {fault.pointer.strip("/"): fault.message for fault in error.faults} if error else {}
    return page(
        "ask",
        422 if error else 200,
        visit=visit,
        form=form,
        faults=faults,
        topics=wording.TOPICS,
        question=form.get("question") or visit.context.new_id(),
        **values_of(visit, opened),
    )
