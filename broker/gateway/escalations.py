"""The calls about clocks and alarms: let a clock stand, let it go on, see to an escalation."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.admin import operator_actions
from broker.domain.codes import PauseReason, Scope
from broker.domain.ids import DeliveryId, EscalationId
from broker.flow import clock_pause
from broker.gateway import responses
from broker.gateway.context import caller, gateway, identifier
from broker.gateway.request_bodies import answer as respond
from broker.gateway.request_bodies import asked, number
from schemas import requests

LISTED = 200
_EVERYBODY = (Scope.PUBLISH, Scope.COLLECT, Scope.OPS)


async def pause_clock(request: Request) -> Response:
    """Let the clocks of a delivery stand that policy lets stand."""
    who, here = await caller(request, Scope.COLLECT, Scope.OPS), gateway(request)
    wanted, id_ = await asked(request, requests.PAUSE), DeliveryId(identifier(request))
    reason = PauseReason(wanted.reason)
    since = await here.run(
        clock_pause.pause_clock, here.context, id_, reason, agency=who.sees, actor=who.actor
    )
    return respond({"delivery": str(id_), "paused_at": since})


async def resume_clock(request: Request) -> Response:
    """Let the clocks of a delivery go on."""
    who, here = await caller(request, Scope.COLLECT, Scope.OPS), gateway(request)
    id_ = DeliveryId(identifier(request))
    due = await here.run(
        clock_pause.resume_clock, here.context, id_, agency=who.sees, actor=who.actor
    )
    return respond({"delivery": str(id_), "deadlines": responses.deadlines(due)})


async def escalations(request: Request) -> Response:
    """Return the caller's running escalations, or all of them for ops."""
    who, here = await caller(request, *_EVERYBODY), gateway(request)
    limit = int(number(request, "limit", LISTED, LISTED))
    escalations = await here.run(
        here.context.ledger.alarms.escalations, visible_to=who.sees, limit=limit
    )
    return respond({"escalations": [responses.escalation(row) for row in escalations]})


async def acknowledge(request: Request) -> Response:
    """Note that a person sees to an escalation: nobody further up is told."""
    who, here = await caller(request, *_EVERYBODY), gateway(request)
    wanted = await asked(request, requests.SEES_TO)
    escalation = await here.run(
        operator_actions.acknowledge_for,
        here.context,
        EscalationId(identifier(request)),
        owner=wanted.by,
        actor=who.actor,
        visible_to=who.sees,
    )
    return respond(responses.escalation(escalation))
