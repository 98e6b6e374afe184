"""The calls about publishers' daily lists: compare a list, and show earlier results."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.admin.reconcile import reconcile
from broker.gateway import responses
from broker.gateway.request_bodies import limit_of, parse_body
from broker.gateway.responses import json_response
from broker.gateway.state import caller_of, gateway_of
from schemas import requests


async def compare(request: Request) -> Response:
    """Return which references of a list have no referral; a list may be sent again."""
    caller, gateway = caller_of(request), gateway_of(request)
    body = await parse_body(request, requests.RECONCILIATION, most_items=requests.REFERENCE_LIMIT)
    result = await gateway.run(
        reconcile,
        gateway.context,
        caller.organisation,
        body.day,
        body.references,
        actor=caller.actor,
    )
    return json_response(responses.reconciled(result))


async def list_results(request: Request) -> Response:
    """Return the results of the lists: the caller's own, or all for ops."""
    caller, gateway = caller_of(request), gateway_of(request)
    results = await gateway.run(
        gateway.context.ledger.reconciliations.reconciliations,
        caller.sees,
        limit=limit_of(request),
    )
    return json_response({"reconciliations": [responses.reconciled(result) for result in results]})
