"""The calls for ops and for machines: attention, refusals, queues, health, metrics, OpenAPI."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from broker.admin import operator_actions, signing_keys
from broker.domain.ids import TaskId
from broker.errors import LedgerRefused, PolicyError, Unavailable
from broker.gateway import metrics as metric_families
from broker.gateway import responses
from broker.gateway.request_bodies import limit_of, parse_body
from broker.gateway.responses import json_response
from broker.gateway.state import caller_of, gateway_of, identifier
from broker.telemetry import error_fields, logger
from schemas import requests

READY_REASONS = {
    "schema": "This version does not fit the ledger's tables: run `broker doctor`.",
    "grants": "The broker's role lacks rights in the ledger: run `broker doctor`.",
}
"""What everybody may read of why a process is not ready: ``/readyz`` needs no key."""
_log = logger("gateway")
UNREFERRED_FOR = timedelta(days=7)
"""How old a daily list may be whose occurrences without a referral ops see."""


async def attention(request: Request) -> Response:
    """Return whether the broker works, the referrals that need ops, and who is silent."""
    gateway, limit = gateway_of(request), limit_of(request)
    health = await gateway.run(gateway.health.health)
    ledger = gateway.context.ledger
    waiting = await gateway.run(ledger.queries.attention, limit=limit)
    refused = await gateway.run(ledger.queries.refusals, None, limit=limit)
    silent = await gateway.run(ledger.activity.silences, limit=limit)
    since = (gateway.context.clock() - UNREFERRED_FOR).date()
    unreferred = await gateway.run(
        ledger.reconciliations.reconciliations, None, limit=limit, unreferred_since=since
    )
    tasks = await gateway.run(ledger.tasks.tasks, limit=limit)
    kept_back = await gateway.run(gateway.context.epochs.quarantine)
    needed = responses.attention(waiting, tasks, refused, silent, unreferred, kept_back)
    return json_response({"health": responses.health(health), **needed})


async def settle_task(request: Request) -> Response:
    """Record that a person has dealt with a task. Raises NotFound when it is not open."""
    caller, gateway = caller_of(request), gateway_of(request)
    settling = await parse_body(request, requests.SETTLE_TASK)
    id_ = TaskId(identifier(request))
    await gateway.run(
        operator_actions.settle_task,
        gateway.context,
        id_,
        by=caller.acting_for(settling.by),
        reason=settling.reason,
    )
    return json_response({"id": str(id_)})


async def refusals(request: Request) -> Response:
    """Return the bodies that were rejected and not stored: the caller's own, or all for ops."""
    caller, gateway = caller_of(request), gateway_of(request)
    refused = await gateway.run(
        gateway.context.ledger.queries.refusals, caller.sees, limit=limit_of(request)
    )
    return json_response({"refusals": [responses.refusal(refusal) for refusal in refused]})


async def queues(request: Request) -> Response:
    """Return counts and ages of every queue that is not empty."""
    gateway = gateway_of(request)
    context = gateway.context
    work = await gateway.run(context.ledger.monitoring.open_work, now=context.clock())
    return json_response({"queues": [responses.queue(queue) for queue in work.values()]})


async def livez(request: Request) -> Response:
    """Answer that the process runs.

    Raises Unavailable when a thread of it is stuck, so that only a new process can help.
    """
    _check_watchdog(request)
    return json_response({"status": "alive"})


async def readyz(request: Request) -> Response:
    """Answer within three seconds whether the process can do its work.

    Raises Unavailable when the ledger does not answer in time, when no policy is published, or as
    ``livez`` does; ClockApart when the clock of this process is too far from the ledger's.
    """
    _check_watchdog(request)
    try:
        await gateway_of(request).readiness.check()
    except PolicyError as error:
        raise Unavailable("No usable policy is published.") from error
    except LedgerRefused as error:
        _log.error("not ready", **error_fields(error))
        raise Unavailable(READY_REASONS.get(error.cause, error.message)) from error
    return json_response({"status": "ready"})


def _check_watchdog(request: Request) -> None:
    if gateway_of(request).watchdog.stuck():
        raise Unavailable("A thread of this process is stuck. The process is about to end itself.")


async def metrics(request: Request) -> Response:
    """Return counts and ages by agency for Prometheus: codes and numbers only."""
    gateway = gateway_of(request)
    text = await gateway.run(
        metric_families.text, gateway.context, gateway.health, gateway.requests
    )
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def keys(request: Request) -> Response:
    """Return the public keys with which copies in queues are verified."""
    gateway = gateway_of(request)
    return json_response(await gateway.run(signing_keys.key_set, gateway.context))


async def openapi_document(request: Request) -> Response:
    """Return the OpenAPI document."""
    return json_response(request.app.state.openapi)
