"""The calls for ops and for machines: attention, refusals, health, metrics, documentation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from broker.domain.codes import Scope
from broker.errors import PolicyError, Unavailable
from broker.gateway import openapi, shapes
from broker.gateway.bodies import answer as respond
from broker.gateway.bodies import number
from broker.gateway.calls import Gateway, caller, gateway
from broker.gateway.endings import Endings
from broker.ledger.rows import QueueDepth
from broker.policy.calendars import LONDON

LISTED = 200
UNREFERRED_FOR = timedelta(days=7)
"""How old a day's list may be whose occurrences without a referral ops see."""
_COUNTS = ("held", "available", "leased", "collected", "acknowledged", "undeliverable", "overdue")


async def attention(request: Request) -> Response:
    """Return what no agency will do by itself, and who is silent."""
    await caller(request, Scope.OPS)
    here, limit = gateway(request), int(number(request, "limit", LISTED, LISTED))
    waiting = await here.run(here.broker.ledger.attention, limit=limit)
    refused = await here.run(here.broker.ledger.refusals, None, limit=limit)
    silent = await here.run(here.broker.ledger.silences, limit=limit)
    since = (here.broker.clock() - UNREFERRED_FOR).date()
    unreferred = await here.run(
        here.broker.ledger.reconciliations, None, limit=limit, unreferred_since=since
    )
    return respond(shapes.attention(waiting, refused, silent, unreferred))


async def refusals(request: Request) -> Response:
    """Return the bodies that were refused and not kept: the caller's own, or all for ops."""
    who, here = await caller(request, Scope.PUBLISH, Scope.OPS), gateway(request)
    limit = int(number(request, "limit", LISTED, LISTED))
    found = await here.run(here.broker.ledger.refusals, who.sees, limit=limit)
    return respond({"refusals": [shapes.refusal(one) for one in found]})


async def queues(request: Request) -> Response:
    """Return counts and ages of every queue in which something waits."""
    await caller(request, Scope.OPS)
    here = gateway(request)
    found = await here.run(here.broker.ledger.queues, now=here.broker.clock())
    return respond({"queues": [shapes.queue(one) for one in found]})


async def livez(_: Request) -> Response:
    """Say that the process runs."""
    return respond({"status": "alive"})


async def readyz(request: Request) -> Response:
    """Say whether the process can do its work.

    Raises Unavailable when the ledger is away, or no policy is published.
    """
    here = gateway(request)
    await here.run(here.broker.ledger.ping)
    try:
        await here.run(here.broker.books.latest)
    except PolicyError as error:
        raise Unavailable("No policy that can be used is published.") from error
    return respond({"status": "ready"})


async def metrics(request: Request) -> Response:
    """Return counts and ages by agency for Prometheus: codes and numbers only."""
    await caller(request, Scope.OPS)
    here = gateway(request)
    text = await here.run(_metrics, here)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def openapi_document(_: Request) -> Response:
    """Return the description of the API."""
    return respond(openapi.document())


async def docs(_: Request) -> Response:
    """Return the description of the API as a page."""
    return HTMLResponse(openapi.page())


class _Queues(Collector):
    """The queues as gauges."""

    def __init__(self, found: list[QueueDepth], now: float) -> None:
        self._found = found
        self._now = now

    def collect(self) -> Iterator[Metric]:
        counts = GaugeMetricFamily(
            "broker_deliveries", "Unfinished deliveries.", labels=["agency", "state"]
        )
        oldest = GaugeMetricFamily(
            "broker_oldest_unacknowledged_seconds",
            "Age of the oldest delivery that no person has taken.",
            labels=["agency"],
        )
        for one in self._found:
            for state in _COUNTS:
                counts.add_metric([one.agency, state], getattr(one, state))
            if one.oldest_unacknowledged_at is not None:
                age = self._now - one.oldest_unacknowledged_at.timestamp()
                oldest.add_metric([one.agency], age)
        yield counts
        yield oldest


def _metrics(here: Gateway) -> bytes:
    now = here.broker.clock()
    registry = CollectorRegistry()
    registry.register(_Queues(here.broker.ledger.queues(now=now), now.timestamp()))
    with suppress(PolicyError):  # before the first policy nothing can end
        today = now.astimezone(LONDON).date()
        registry.register(Endings(here.broker.books.latest(), today))
    return generate_latest(registry)
