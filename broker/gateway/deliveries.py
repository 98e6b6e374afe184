"""The agency's calls: collect, answer, extend and release leases, look at deliveries."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.delivery import OpenWork
from broker.domain.epoch import Epoch
from broker.domain.ids import DeliveryId, LeaseId, OrganisationCode
from broker.flow import answer, collect
from broker.flow.context import Context
from broker.flow.receipt_parser import as_rows
from broker.gateway import responses
from broker.gateway.long_polls import until
from broker.gateway.request_bodies import parse_body
from broker.gateway.responses import json_response
from broker.gateway.state import caller_of, gateway_of, identifier
from broker.ledger.deliveries import Held
from schemas import requests


async def collect_deliveries(request: Request) -> Response:
    """Lease what waits for the agency, earliest deadline first; wait for work if asked to."""
    caller, gateway = caller_of(request), gateway_of(request)
    body = await parse_body(request, requests.COLLECT)
    gateway.poller.check(body.wait)
    claim = partial(_claim, gateway.context, caller.organisation, body.max)
    end, (offers, kept_back) = until(body.wait), await gateway.run(claim)
    wait = partial(gateway.poller.for_work, request, caller.organisation, end)
    # Nothing is leased to a caller that has gone.
    while not offers and body.wait and await wait():
        offers, kept_back = await gateway.run(claim)
    why = {"quarantine": responses.quarantine(kept_back)} if kept_back else {}
    return json_response({"deliveries": offers, **why})


def _claim(
    context: Context, agency: OrganisationCode, limit: int
) -> tuple[list[responses.Json], Epoch | None]:
    """Lease what waits, and tell whether a restore keeps anything back.

    The latter is read first: once deliveries are leased, nothing may fail any more.
    """
    kept_back = context.epochs.quarantine()
    return collect.collect(context, agency, limit=limit), kept_back


async def settle(request: Request) -> Response:
    """Record up to 1,000 receipts; one result for each, in order."""
    caller, gateway = caller_of(request), gateway_of(request)
    receipts = as_rows(await parse_body(request, requests.RECEIPTS))
    results = await gateway.run(
        answer.settle, gateway.context, caller.organisation, receipts, actor=caller.actor
    )
    return json_response({"results": [responses.settled(result) for result in results]})


async def extend(request: Request) -> Response:
    """Extend leases."""
    caller, gateway = caller_of(request), gateway_of(request)
    held = _held(await parse_body(request, requests.LEASES))
    context = gateway.context
    leases = await gateway.run(
        context.ledger.deliveries.extend,
        caller.organisation,
        held,
        lease_for=context.settings.lease,
        now=context.clock(),
    )
    return _results(
        [
            (delivery, "extended" if lease else "lease_lost", lease.until if lease else None)
            for (delivery, _), lease in zip(held, leases, strict=True)
        ]
    )


async def release(request: Request) -> Response:
    """Release deliveries; they are offered again at once."""
    caller, gateway = caller_of(request), gateway_of(request)
    held = _held(await parse_body(request, requests.LEASES))
    released = await gateway.run(
        collect.release, gateway.context, caller.organisation, held, actor=caller.actor
    )
    return _results(
        [
            (delivery, "released" if is_released else "lease_lost", None)
            for (delivery, _), is_released in zip(held, released, strict=True)
        ]
    )


async def show(request: Request) -> Response:
    """Return one of the agency's own deliveries."""
    caller, gateway = caller_of(request), gateway_of(request)
    id_ = DeliveryId(identifier(request))
    offer = await gateway.run(collect.delivery, gateway.context, caller.organisation, id_)
    return json_response(offer)


async def queue(request: Request) -> Response:
    """Return counts and ages of the agency's own queue."""
    caller, gateway = caller_of(request), gateway_of(request)
    context = gateway.context
    work = await gateway.run(
        context.ledger.monitoring.open_work, now=context.clock(), agency=caller.organisation
    )
    own = work.get(caller.organisation) or OpenWork(caller.organisation)
    return json_response(responses.queue(own))


async def redirect(request: Request) -> Response:
    """Redirect a returned or undeliverable delivery to another area or agency."""
    caller, gateway = caller_of(request), gateway_of(request)
    target = await parse_body(request, requests.REROUTE)
    successor = await gateway.run(
        answer.redirect,
        gateway.context,
        DeliveryId(identifier(request)),
        answer.unexplained(gateway.context, caller.actor, target.expected_version),
        area=target.area,
        agency=OrganisationCode(target.agency) if target.agency else None,
    )
    return json_response({"delivery": str(successor)})


async def preview_redirect(request: Request) -> Response:
    """Return who would get a delivery, what they would see and by when; nothing is changed."""
    gateway = gateway_of(request)
    target = await parse_body(request, requests.REROUTE)
    preview = await gateway.run(
        answer.preview_redirect,
        gateway.context,
        DeliveryId(identifier(request)),
        area=target.area,
        agency=OrganisationCode(target.agency) if target.agency else None,
        expected_version=target.expected_version,
    )
    return json_response(responses.redirect_preview(preview))


def _held(leases: requests.Leases) -> Held:
    return [(DeliveryId(lease.delivery), LeaseId(lease.lease)) for lease in leases.leases]


def _results(results: list[tuple[DeliveryId, str, object]]) -> Response:
    return json_response(
        {
            "results": [
                {"delivery": str(delivery), "result": result, "until": until}
                for delivery, result, until in results
            ]
        }
    )
