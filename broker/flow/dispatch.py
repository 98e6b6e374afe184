"""Step 3, dispatch: push deliveries to the agencies that do not come and collect."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter

import orjson

from broker.channels import Channel, Parcel
from broker.failpoints import SENT
from broker.flow.collect import parts_of, rendered_offers
from broker.flow.context import Broker
from broker.telemetry import logger, since, sole
from broker.tracing import Step

LANE = "dispatch"
BATCH = 100
BATCHES = 25
CLAIM = timedelta(seconds=60)
"""How long a batch may take to send; after that the deliveries are offered again."""
_log = logger("dispatch")


def drain(broker: Broker, *, batches: int = BATCHES) -> int:
    """Send what waits on every pushed channel, in batches, and return how many it was."""
    broker.wakeups.take(LANE)
    return sum(_drain(broker, name, channel, batches) for name, channel in broker.channels.items())


def _drain(broker: Broker, name: str, channel: Channel, batches: int) -> int:
    done = 0
    for _ in range(batches):
        count = _batch(broker, name, channel)
        done += count
        if count < BATCH:
            return done
    broker.wakeups.wake(LANE)
    return done


def _batch(broker: Broker, name: str, channel: Channel) -> int:
    began, now = perf_counter(), broker.clock()
    offers = broker.ledger.deliveries.claim_pushes(
        name, limit=BATCH, lease_for=CLAIM, now=now, new_id=broker.new_id
    )
    parcels = [
        Parcel(offer, orjson.dumps(rendered)) for offer, rendered in rendered_offers(broker, offers)
    ]
    if parcels:
        attempts = channel.send(parcels, now=broker.clock())
        broker.reached(SENT)
        broker.ledger.deliveries.settle_pushes(
            attempts, now=broker.clock(), actor=f"channel:{name}"
        )
    if broker.traces:
        broker.traces.tell(Step("dispatch", now, broker.clock(), parts_of(offers)))
    if offers:
        _log.info(
            "dispatch",
            count=len(offers),
            channel=name,
            seconds=since(began),
            **sole("delivery", [one.id for one in offers]),
            **sole("agency", list({one.agency for one in offers})),
        )
    return len(offers)
