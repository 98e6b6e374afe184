"""The calls about publishers' daily lists: compare one, and look at what came of them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.admin.reconcile import reconcile
from broker.domain.codes import Scope
from broker.gateway import responses
from broker.gateway.context import caller, gateway
from broker.gateway.request_bodies import answer as respond
from broker.gateway.request_bodies import asked, number
from schemas import requests

LISTED = 200


async def compare(request: Request) -> Response:
    """Say which references of a list have no referral; repeat it as often as you like."""
    who, here = await caller(request, Scope.PUBLISH), gateway(request)
    wanted = await asked(request, requests.RECONCILIATION, most_items=requests.REFERENCE_LIMIT)
    done = await here.run(
        reconcile,
        here.context,
        who.organisation,
        wanted.day,
        wanted.references,
        actor=who.actor,
    )
    return respond(responses.reconciled(done))


async def listed(request: Request) -> Response:
    """Return what came of the lists: the caller's own, or all for ops."""
    who, here = await caller(request, Scope.PUBLISH, Scope.OPS), gateway(request)
    limit = int(number(request, "limit", LISTED, LISTED))
    found = await here.run(
        here.context.ledger.reconciliations.reconciliations, who.sees, limit=limit
    )
    return respond({"reconciliations": [responses.reconciled(one) for one in found]})
