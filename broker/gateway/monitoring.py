"""The calls with which ops watch the broker and act on agencies and dead letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from broker.admin import dead_letters as dead_letter_plans
from broker.admin import operator_actions, ops_monitor
from broker.domain.ids import OrganisationCode
from broker.domain.monitoring import AtRisk, OrganisationStatus
from broker.errors import Fault, Invalid, NotFound
from broker.gateway import responses
from broker.gateway.request_bodies import LONGEST_LIST, number, parse_body
from broker.gateway.responses import Json, json_response
from broker.gateway.state import caller_of, gateway_of, identifier
from schemas import requests

SOON = timedelta(minutes=15)
LONGEST_WITHIN = timedelta(days=366)
MOST_DEADLINES = 10_000
"""More than are late at once on a bad day, so that a person who watches misses none."""
_OF_A_DEADLINE = tuple(field.name for field in fields(AtRisk))
_FLAGS = {"true": True, "false": False}


async def system_health(request: Request) -> Response:
    """Return whether the broker works, and what does not."""
    gateway = gateway_of(request)
    return json_response(responses.health(await gateway.run(gateway.health.health)))


async def picture(request: Request) -> Response:
    """Return whether the broker works, what is at risk, and every queue."""
    gateway = gateway_of(request)
    health = await gateway.run(gateway.health.health)
    context = gateway.context
    seen = await gateway.run(ops_monitor.picture, context.ledger, now=context.clock())
    return json_response(
        {
            "at": seen.at,
            "health": responses.health(health),
            "open": seen.counts.open,
            "unrouted": seen.counts.unrouted,
            "breached": seen.counts.breached,
            "due_soon": seen.counts.due_soon,
            "bands": seen.bands,
            "at_risk": [_deadline(risk, seen.names) for risk in seen.risks],
            "queues": [responses.queue(queue) for queue in seen.queues],
        }
    )


async def deadlines(request: Request) -> Response:
    """Return open work that is late or near its deadline, or all of it; of one agency or all."""
    gateway = gateway_of(request)
    ledger, now = gateway.context.ledger, gateway.context.clock()
    limit = int(number(request, "limit", LONGEST_LIST, MOST_DEADLINES))
    everything = _flag(request, "all")
    within = number(request, "within", SOON.total_seconds(), LONGEST_WITHIN.total_seconds())
    names = await gateway.run(ops_monitor.names, ledger)
    listed = await gateway.run(
        ledger.monitoring.at_risk,
        now=now,
        within=timedelta(seconds=within),
        limit=limit,
        agency=_agency(request, names),
        everything=everything,
    )
    return json_response({"at": now, "deadlines": [_deadline(item, names) for item in listed]})


async def measures(request: Request) -> Response:
    """Return figures in seconds, for comparison with limits; of one agency or the worst of all."""
    gateway, agency = gateway_of(request), request.query_params.get("agency")
    ledger, now = gateway.context.ledger, gateway.context.clock()
    measured = await gateway.run(ops_monitor.measures, ledger, now=now, agency=agency)
    figures = {name: asdict(measure) for name, measure in measured.items()}
    return json_response({"at": now, **figures})


async def agency(request: Request) -> Response:
    """Return when an agency was last seen, and whether delivery to it is suspended."""
    return await _agency_response(request, request.path_params["code"])


async def suspend_agency(request: Request) -> Response:
    """Stop offering deliveries to an agency. May be repeated."""
    return await _act_on_agency(request, operator_actions.suspend_agency)


async def resume_agency(request: Request) -> Response:
    """Offer deliveries to an agency again. May be repeated."""
    return await _act_on_agency(request, operator_actions.resume_agency)


async def dead_letters(request: Request) -> Response:
    """Return what cannot be delivered, counted by cause and agency."""
    gateway = gateway_of(request)
    groups = await gateway.run(gateway.context.ledger.monitoring.dead_letters)
    return json_response({"dead_letters": [asdict(group) for group in groups]})


async def plan_replay(request: Request) -> Response:
    """Plan to replay or redirect dead letters; nothing changes yet."""
    gateway, body = gateway_of(request), await parse_body(request, requests.PLAN_REPLAY)
    by = caller_of(request).acting_for(body.by)
    plan = await gateway.run(dead_letter_plans.make_plan, gateway.context, body, by=by)
    return json_response(_plan(plan), 201)


async def replay(request: Request) -> Response:
    """Return a plan and how far it has come."""
    gateway, id_ = gateway_of(request), identifier(request)
    return json_response(
        _plan(await gateway.run(dead_letter_plans.detailed_plan, gateway.context, id_))
    )


async def start_replay(request: Request) -> Response:
    """Start a plan. May be repeated."""
    gateway, id_ = gateway_of(request), identifier(request)
    body = await parse_body(request, requests.START_REPLAY)
    by = caller_of(request).acting_for(body.by)
    plan = await gateway.run(dead_letter_plans.start_plan, gateway.context, id_, body, by=by)
    return json_response(_plan(plan))


async def _act_on_agency(request: Request, act: Callable[..., None]) -> Response:
    gateway, body = gateway_of(request), await parse_body(request, requests.ACT_ON_AGENCY)
    code = request.path_params["code"]
    status = await gateway.run(ops_monitor.agency_status, gateway.context.ledger, code)
    by = caller_of(request).acting_for(body.by)
    await gateway.run(act, gateway.context, status.agency, by=by, reason=body.reason)
    return await _agency_response(request, code)


async def _agency_response(request: Request, code: str) -> Response:
    gateway = gateway_of(request)
    status = await gateway.run(ops_monitor.agency_status, gateway.context.ledger, code)
    return json_response(_status(status))


def _agency(request: Request, names: ops_monitor.Names) -> OrganisationCode | None:
    """Return the agency in the query, None without one. Raises NotFound for an unknown one."""
    code = request.query_params.get("agency")
    if code is not None and code not in names:
        raise NotFound(ops_monitor.NO_AGENCY)
    return None if code is None else OrganisationCode(code)


def _flag(request: Request, name: str) -> bool:
    """Return a yes or no of the query. Raises Invalid."""
    text = request.query_params.get(name, "false")
    if text not in _FLAGS:
        message = f"Give '{name}' as true or false."
        raise Invalid(message, faults=[Fault(f"/{name}", "unknown-code", message)])
    return _FLAGS[text]


def _deadline(item: AtRisk, names: ops_monitor.Names) -> Json:
    # Not asdict: its deep copies of 10,000 items would hold up every other request.
    values = {name: getattr(item, name) for name in _OF_A_DEADLINE}
    return {**values, "agency_name": names.get(item.agency) if item.agency else None}


def _status(status: OrganisationStatus) -> Json:
    return {
        "agency": status.agency,
        "name": status.name,
        "kind": status.kind,
        "channel": status.channel,
        "seen_at": status.seen_at,
        "suspended_at": status.stopped_at,
        "suspended_by": status.stopped_by,
        "suspended_because": status.stopped_because,
    }


def _plan(detailed: dead_letter_plans.DetailedPlan) -> Json:
    plan = {name: value for name, value in asdict(detailed.plan).items() if name != "turns"}
    return {
        **plan,
        "lines": [asdict(line) for line in detailed.lines],
        "views": [asdict(line) for line in detailed.views],
    }
