"""The calls for ops and for machines: attention, refusals, health, metrics, documentation."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.codes import Scope
from broker.errors import PolicyError, Unavailable
from broker.gateway import metrics as figures
from broker.gateway import openapi, responses
from broker.gateway.context import caller, gateway
from broker.gateway.request_bodies import answer as respond
from broker.gateway.request_bodies import number

LISTED = 200
UNREFERRED_FOR = timedelta(days=7)
"""How old a day's list may be whose occurrences without a referral ops see."""


async def attention(request: Request) -> Response:
    """Return what no agency will do by itself, and who is silent."""
    await caller(request, Scope.OPS)
    here, limit = gateway(request), int(number(request, "limit", LISTED, LISTED))
    waiting = await here.run(here.context.ledger.queries.attention, limit=limit)
    refused = await here.run(here.context.ledger.queries.refusals, None, limit=limit)
    silent = await here.run(here.context.ledger.activity.silences, limit=limit)
    since = (here.context.clock() - UNREFERRED_FOR).date()
    unreferred = await here.run(
        here.context.ledger.reconciliations.reconciliations,
        None,
        limit=limit,
        unreferred_since=since,
    )
    return respond(responses.attention(waiting, refused, silent, unreferred))


async def refusals(request: Request) -> Response:
    """Return the bodies that were refused and not kept: the caller's own, or all for ops."""
    who, here = await caller(request, Scope.PUBLISH, Scope.OPS), gateway(request)
    limit = int(number(request, "limit", LISTED, LISTED))
    found = await here.run(here.context.ledger.queries.refusals, who.sees, limit=limit)
    return respond({"refusals": [responses.refusal(one) for one in found]})


async def queues(request: Request) -> Response:
    """Return counts and ages of every queue in which something waits."""
    await caller(request, Scope.OPS)
    here = gateway(request)
    queues = await here.run(here.context.ledger.monitoring.open_work, now=here.context.clock())
    return respond({"queues": [responses.queue(queue) for queue in queues.values()]})


async def livez(_: Request) -> Response:
    """Say that the process runs."""
    return respond({"status": "alive"})


async def readyz(request: Request) -> Response:
    """Say whether the process can do its work.

    Raises Unavailable when the ledger is away, or no policy is published.
    """
    here = gateway(request)
    await here.run(here.context.ledger.ping)
    try:
        await here.run(here.context.policies.latest)
    except PolicyError as error:
        raise Unavailable("No policy that can be used is published.") from error
    return respond({"status": "ready"})


async def metrics(request: Request) -> Response:
    """Return counts and ages by agency for Prometheus: codes and numbers only."""
    await caller(request, Scope.OPS)
    here = gateway(request)
    found = await here.run(figures.text, here.context)
    return Response(found, media_type="text/plain; version=0.0.4; charset=utf-8")


async def openapi_document(_: Request) -> Response:
    """Return the description of the API."""
    return respond(openapi.document())
