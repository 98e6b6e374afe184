"""Step 3, dispatch: send deliveries to the agencies that do not collect them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import orjson

from broker.channels import Channel, Parcel
from broker.domain.delivery import Offer
from broker.failpoints import SENT
from broker.flow.collect import render_offers, span_part
from broker.flow.context import Context
from broker.flow.steps import step
from broker.flow.task_queues import DISPATCH
from broker.telemetry import logger

BATCH = 100
BATCHES = 25
CLAIM = timedelta(seconds=60)
"""How long a batch may take to send; after that its deliveries are claimable again."""
_log = logger("dispatch")


def drain(context: Context, *, batches: int = BATCHES) -> int:
    """Send the deliveries that wait on every pushed channel, in batches; return their number."""
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
    with step(context, "dispatch", _log) as this:
        offers = context.ledger.deliveries.claim_pushes(
            name, limit=BATCH, lease_for=CLAIM, now=this.begun_at, new_id=context.new_id
        )
        _send(context, name, channel, offers)
        this.trace(offers, span_part)
        if offers:
            this.log(count=len(offers), channel=name)
            this.log_single("delivery", offers, lambda offer: offer.id)
            this.log_single("agency", list({offer.agency for offer in offers}), str)
    return len(offers)


def _send(context: Context, name: str, channel: Channel, offers: Sequence[Offer]) -> None:
    """Send what can be rendered of a batch, and record what became of each delivery."""
    parcels = [Parcel(offer, orjson.dumps(view)) for offer, view in render_offers(context, offers)]
    if parcels:
        attempts = channel.send(parcels, now=context.clock())
        context.hit(SENT)
        context.ledger.deliveries.settle_pushes(
            attempts, now=context.clock(), actor=f"channel:{name}"
        )
