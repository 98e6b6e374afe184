"""The calls about deadlines and escalations: pause and resume clocks, acknowledge an escalation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from broker.admin import escalation_actions, operator_actions
from broker.domain.codes import NoticeState, PauseReason
from broker.domain.escalation import Escalation
from broker.domain.ids import DeliveryId, EscalationId
from broker.errors import Fault, Invalid
from broker.flow import clock_pause
from broker.gateway import responses
from broker.gateway.request_bodies import limit_of, parse_body
from broker.gateway.responses import json_response
from broker.gateway.state import caller_of, directory_in_force, gateway_of, identifier
from schemas import requests


async def pause_clock(request: Request) -> Response:
    """Pause those clocks of a delivery that the policy allows to be paused."""
    caller, gateway = caller_of(request), gateway_of(request)
    body, id_ = await parse_body(request, requests.PAUSE), DeliveryId(identifier(request))
    reason = PauseReason(body.reason)
    since = await gateway.run(
        clock_pause.pause_clock,
        gateway.context,
        id_,
        reason,
        agency=caller.sees,
        actor=caller.actor,
    )
    return json_response({"delivery": str(id_), "paused_at": since})


async def resume_clock(request: Request) -> Response:
    """Resume the paused clocks of a delivery."""
    caller, gateway = caller_of(request), gateway_of(request)
    id_ = DeliveryId(identifier(request))
    due = await gateway.run(
        clock_pause.resume_clock, gateway.context, id_, agency=caller.sees, actor=caller.actor
    )
    return json_response({"delivery": str(id_), "deadlines": responses.deadlines(due)})


async def escalations(request: Request) -> Response:
    """Return the caller's running escalations, or all of them for ops."""
    caller, gateway = caller_of(request), gateway_of(request)
    running = await gateway.run(
        gateway.context.ledger.alarms.escalations, visible_to=caller.sees, limit=limit_of(request)
    )
    directory = await directory_in_force(gateway)
    return json_response(
        {"escalations": [responses.escalation(escalation, directory) for escalation in running]}
    )


async def notices(request: Request) -> Response:
    """Return notices to contacts, all or those of one state, the latest first."""
    gateway, state = gateway_of(request), request.query_params.get("state")
    if state is not None and state not in [*NoticeState]:
        message = f"Write one of {', '.join(NoticeState)}."
        raise Invalid(message, faults=[Fault("/state", "unknown-code", message)])
    listed = await gateway.run(
        gateway.context.ledger.alarms.notices,
        state=state,
        limit=limit_of(request),
    )
    directory = await directory_in_force(gateway)
    return json_response({"notices": [responses.notice(notice, directory) for notice in listed]})


async def acknowledge(request: Request) -> Response:
    """Record that a person deals with an escalation: nobody further up is alerted."""
    body, caller = await parse_body(request, requests.SEES_TO), caller_of(request)
    act = partial(operator_actions.acknowledge_for, owner=body.by, visible_to=caller.sees)
    return await _acted(request, body.by, act)


async def release(request: Request) -> Response:
    """Undo the acknowledgement: people are alerted again where the alerts stopped."""
    body = await parse_body(request, requests.RELEASE_ESCALATION)
    return await _acted(request, body.by, partial(escalation_actions.release_for, note=body.note))


async def hand_over(request: Request) -> Response:
    """Ask a colleague to take an escalation over from the person who deals with it."""
    body = await parse_body(request, requests.HAND_OVER_ESCALATION)
    act = partial(escalation_actions.offer_for, person=body.by, to=body.to, note=body.note)
    return await _acted(request, body.by, act)


async def _acted(request: Request, by: str, act: Callable[..., Escalation]) -> Response:
    """Do what a person does about an escalation, and return the escalation as it is then."""
    caller, gateway = caller_of(request), gateway_of(request)
    id_ = EscalationId(identifier(request))
    escalation = await gateway.run(act, gateway.context, id_, actor=caller.acting_for(by))
    return json_response(responses.escalation(escalation, await directory_in_force(gateway)))
