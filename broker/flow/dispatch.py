"""Step 3, dispatch: push deliveries to the agencies that do not come and collect."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter

import orjson

from broker.channels import Channel, Parcel
from broker.failpoints import SENT
from broker.flow.collect import parts_of, rendered_offers
from broker.flow.context import Context
from broker.flow.task_queues import DISPATCH
from broker.telemetry import elapsed, logger, single_id
from broker.tracing import Step

BATCH = 100
BATCHES = 25
CLAIM = timedelta(seconds=60)
"""How long a batch may take to send; after that the deliveries are offered again."""
_log = logger("dispatch")


def drain(context: Context, *, batches: int = BATCHES) -> int:
    """Send what waits on every pushed channel, in batches, and return how many it was."""
    context.wakeups.clear(DISPATCH)
    return sum(
        _drain(context, name, channel, batches) for name, channel in context.channels.items()
    )


def _drain(context: Context, name: str, channel: Channel, batches: int) -> int:
    done = 0
    for _ in range(batches):
        count = _batch(context, name, channel)
        done += count
        if count < BATCH:
            return done
    context.wakeups.notify(DISPATCH)
    return done


def _batch(context: Context, name: str, channel: Channel) -> int:
    began, now = perf_counter(), context.clock()
    offers = context.ledger.deliveries.claim_pushes(
        name, limit=BATCH, lease_for=CLAIM, now=now, new_id=context.new_id
    )
    parcels = [
        Parcel(offer, orjson.dumps(rendered))
        for offer, rendered in rendered_offers(context, offers)
    ]
    if parcels:
        attempts = channel.send(parcels, now=context.clock())
        context.hit(SENT)
        context.ledger.deliveries.settle_pushes(
            attempts, now=context.clock(), actor=f"channel:{name}"
        )
    if context.traces:
        context.traces.tell(Step("dispatch", now, context.clock(), parts_of(offers)))
    if offers:
        _log.info(
            "dispatch",
            count=len(offers),
            channel=name,
            seconds=elapsed(began),
            **single_id("delivery", [offer.id for offer in offers]),
            **single_id("agency", list({offer.agency for offer in offers})),
        )
    return len(offers)
