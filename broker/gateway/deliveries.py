"""The agency's calls: collect, answer, keep, give back, look."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.codes import Scope
from broker.domain.delivery import OpenWork
from broker.domain.ids import DeliveryId, LeaseId, OrganisationCode
from broker.flow import answer, collect
from broker.flow.receipt_parser import as_rows
from broker.gateway import responses
from broker.gateway.context import caller, gateway, identifier
from broker.gateway.long_polls import until
from broker.gateway.request_bodies import answer as respond
from broker.gateway.request_bodies import asked
from broker.ledger.deliveries import Held
from schemas import requests


async def take(request: Request) -> Response:
    """Lease what waits for the agency, earliest deadline first; wait for it if asked."""
    who, here = await caller(request, Scope.COLLECT), gateway(request)
    wanted = await asked(request, requests.COLLECT)
    claim = partial(collect.collect, here.context, who.organisation, limit=wanted.max)
    end, found = until(wanted.wait), await here.run(claim)
    while not found and wanted.wait and await here.poller.for_work(who.organisation, end):
        if await request.is_disconnected():
            break  # nothing is leased to somebody who has gone
        found = await here.run(claim)
    return respond({"deliveries": found})


async def settle(request: Request) -> Response:
    """Record up to 1,000 receipts; one result each, in order."""
    who, here = await caller(request, Scope.COLLECT), gateway(request)
    receipts = as_rows(await asked(request, requests.RECEIPTS))
    results = await here.run(
        answer.settle, here.context, who.organisation, receipts, actor=who.actor
    )
    return respond({"results": [responses.settled(result) for result in results]})


async def extend(request: Request) -> Response:
    """Keep deliveries for longer."""
    who, here = await caller(request, Scope.COLLECT), gateway(request)
    held = _held(await asked(request, requests.LEASES))
    context = here.context
    kept = await here.run(
        context.ledger.deliveries.extend,
        who.organisation,
        held,
        lease_for=context.settings.lease,
        now=context.clock(),
    )
    return _results(
        [
            (delivery, "extended" if lease else "lease_lost", lease.until if lease else None)
            for (delivery, _), lease in zip(held, kept, strict=True)
        ]
    )


async def release(request: Request) -> Response:
    """Give deliveries back; they are offered again at once."""
    who, here = await caller(request, Scope.COLLECT), gateway(request)
    held = _held(await asked(request, requests.LEASES))
    context = here.context
    released = await here.run(
        context.ledger.deliveries.release,
        who.organisation,
        held,
        now=context.clock(),
        actor=who.actor,
    )
    return _results(
        [
            (delivery, "released" if done else "lease_lost", None)
            for (delivery, _), done in zip(held, released, strict=True)
        ]
    )


async def show(request: Request) -> Response:
    """Return one of the agency's own deliveries."""
    who, here = await caller(request, Scope.COLLECT), gateway(request)
    id_ = DeliveryId(identifier(request))
    return respond(await here.run(collect.delivery, here.context, who.organisation, id_))


async def queue(request: Request) -> Response:
    """Return counts and ages of the agency's own queue."""
    who, here = await caller(request, Scope.COLLECT), gateway(request)
    context = here.context
    work = await here.run(
        context.ledger.monitoring.open_work, now=context.clock(), agency=who.organisation
    )
    return respond(responses.queue(work.get(who.organisation) or OpenWork(who.organisation)))


async def redirect(request: Request) -> Response:
    """Send a returned or undeliverable delivery on to another area or agency (ops)."""
    who, here = await caller(request, Scope.OPS), gateway(request)
    wanted = await asked(request, requests.REROUTE)
    new = await here.run(
        answer.redirect,
        here.context,
        DeliveryId(identifier(request)),
        area=wanted.area,
        agency=OrganisationCode(wanted.agency) if wanted.agency else None,
        actor=who.actor,
    )
    return respond({"delivery": str(new)})


def _held(leases: requests.Leases) -> Held:
    return [(DeliveryId(lease.delivery), LeaseId(lease.lease)) for lease in leases.leases]


def _results(results: list[tuple[DeliveryId, str, object]]) -> Response:
    return respond(
        {
            "results": [
                {"delivery": str(delivery), "result": result, "until": until}
                for delivery, result, until in results
            ]
        }
    )
