"""The calls that say what an act would write: each is the act itself, rolled back."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from broker.admin import dry_runs, ops_monitor
from broker.domain.ids import DeliveryId, ReferralId
from broker.domain.referral import Withdrawal
from broker.gateway import responses
from broker.gateway.request_bodies import parse_body
from broker.gateway.responses import json_response
from broker.gateway.state import caller_of, directory_in_force, gateway_of, identifier
from schemas import requests


async def recall(request: Request) -> Response:
    """Return what a recall would write."""
    body, caller = await parse_body(request, requests.RECALL), caller_of(request)
    withdrawal = Withdrawal(
        ReferralId(identifier(request)),
        caller.organisation,
        body.reason,
        body.by,
        gateway_of(request).context.clock(),
        caller.actor,
        body.expected_version,
    )
    return await _tried(request, dry_runs.try_recall, withdrawal)


async def release(request: Request) -> Response:
    """Return what the release of a held delivery would write."""
    body = await parse_body(request, requests.HOLD)
    id_, by = DeliveryId(identifier(request)), caller_of(request).acting_for(body.by)
    return await _tried(
        request,
        dry_runs.try_release,
        id_,
        by=by,
        reason=body.reason,
        expected_version=body.expected_version,
    )


async def suspension(request: Request) -> Response:
    """Return what the suspension of an agency would write."""
    gateway, body = gateway_of(request), await parse_body(request, requests.ACT_ON_AGENCY)
    code, by = request.path_params["code"], caller_of(request).acting_for(body.by)
    status = await gateway.run(ops_monitor.agency_status, gateway.context.ledger, code)
    return await _tried(request, dry_runs.try_suspension, status.agency, by=by, reason=body.reason)


async def _tried(
    request: Request, act: Callable[..., dry_runs.DryRun], *which: object, **how: object
) -> Response:
    """Try an act, and answer with what it would write."""
    gateway = gateway_of(request)
    dry_run = await gateway.run(act, gateway.context, *which, **how)
    directory = await directory_in_force(gateway)
    names = directory.names if directory else {}
    return json_response(responses.dry_run(dry_run, names, now=gateway.context.clock()))
