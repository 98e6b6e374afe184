"""One referral in the inbox: the page to read, and the page for paper."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.responses import Response

from broker.admin import inbox_actions
from broker.admin.inbox_actions import OpenedDelivery
from broker.domain.codes import DeliveryKind, LookKind, MemberRight
from broker.domain.ids import DeliveryId
from broker.domain.states import OPEN_DELIVERIES, DeliveryState
from broker.errors import NotFound
from broker.inbox.access import Visit
from broker.inbox.changes import changes
from broker.inbox.document import document
from broker.inbox.items import CONFIRMATIONS
from broker.inbox.rendering import page


async def show(visit: Visit) -> Response:
    """Show a referral; that the person opened it is kept before."""
    values = await visit.inboxes.run(_values, visit, LookKind.OPENED)
    confirmation = CONFIRMATIONS.get(visit.request.query_params.get("done", ""))
    return page("item", visit=visit, confirmation=confirmation, **values)


async def for_paper(visit: Visit) -> Response:
    """Show a referral for the case file; that the person printed it is kept before."""
    values = await visit.inboxes.run(_values, visit, LookKind.PRINTED)
    return page("print", visit=visit, **values)


def _values(visit: Visit, kind: LookKind) -> dict[str, Any]:
    opened = inbox_actions.open_delivery(
        visit.context, visit.person, delivery_id(visit), kind=kind
    )
    return values_of(visit, opened)


def values_of(visit: Visit, opened: OpenedDelivery) -> dict[str, Any]:
    """Return what the pages about one referral show."""
    directory = visit.context.policies.latest().directory
    names = {
        code: organisation.name
        for code in (opened.view["publisher"], opened.view["agency"])
        if (organisation := directory.organisation(code))
    }
    now, state = visit.context.clock(), opened.status.state
    return {
        "now": now,
        "opened": opened,
        "document": document(opened.view, now=now, organisations=names),
        "changes": changes(opened.before, opened.view) if opened.before else [],
        "is_recall": opened.status.kind is DeliveryKind.RECALL,
        "may_answer": visit.may(MemberRight.ANSWER) and state in _ANSWERABLE,
        "is_acknowledged": state in (DeliveryState.ACKNOWLEDGED, DeliveryState.DECIDED),
        "handler": opened.handlers[0] if opened.handlers else None,
    }


_ANSWERABLE = OPEN_DELIVERIES | {DeliveryState.DECIDED}


def delivery_id(visit: Visit) -> DeliveryId:
    """Return the id of the delivery in the address. Raises NotFound when it is not an id."""
    try:
        return DeliveryId(UUID(visit.request.path_params["id"]))
    except ValueError:
        raise NotFound("There is no such referral in your inbox.") from None
