"""The calls about what is held: list it, release it, keep it, extend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from broker.admin import hold_actions
from broker.domain.ids import DeliveryId
from broker.domain.states import DeliveryState
from broker.gateway.request_bodies import limit_of, parse_body
from broker.gateway.responses import json_response
from broker.gateway.state import caller_of, gateway_of, identifier
from schemas import requests


async def embargoes(request: Request) -> Response:
    """Return what is held: of the caller's own referrals, or all of it for ops."""
    caller, gateway = caller_of(request), gateway_of(request)
    held = await gateway.run(
        gateway.context.ledger.embargoes.embargoes, caller.sees, limit=limit_of(request)
    )
    return json_response({"embargoes": [asdict(delivery) for delivery in held]})


async def release(request: Request) -> Response:
    """Offer a held delivery to its agency now."""
    body = await parse_body(request, requests.HOLD)
    return await _acted(request, body, hold_actions.release_hold, DeliveryState.AVAILABLE)


async def keep(request: Request) -> Response:
    """Record that a person looked at a held delivery and keeps it held."""
    body = await parse_body(request, requests.HOLD)
    return await _acted(request, body, hold_actions.keep_hold, DeliveryState.HELD)


async def extend(request: Request) -> Response:
    """Hold a held delivery until a later instant."""
    body = await parse_body(request, requests.EXTEND_HOLD)
    act = partial(hold_actions.extend_hold, until=body.until)
    return await _acted(request, body, act, DeliveryState.HELD)


async def _acted(
    request: Request,
    body: requests.Hold | requests.ExtendHold,
    act: Callable[..., None],
    state: DeliveryState,
) -> Response:
    """Do what a person decided about a held delivery, and return the state that it has then."""
    caller, gateway = caller_of(request), gateway_of(request)
    id_ = DeliveryId(identifier(request))
    by = caller.acting_for(body.by)
    await gateway.run(
        act,
        gateway.context,
        id_,
        by=by,
        reason=body.reason,
        expected_version=body.expected_version,
    )
    return json_response({"delivery": str(id_), "state": str(state)})
