"""Step 3, dispatch: send deliveries to the agencies that do not collect them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import orjson

from broker.channels.base import SEND_WITHIN, Parcel, PushChannel, wait_before_retry
from broker.domain.delivery import Offer
from broker.domain.ids import OrganisationCode
from broker.domain.push import Attempt, Collected, Deferred, PushOutcome
from broker.failpoints import SENT
from broker.flow.activity_counter import COLLECTED
from broker.flow.collect import render_offers, span_part
from broker.flow.context import Context
from broker.flow.steps import step
from broker.flow.task_queues import DISPATCH
from broker.telemetry import error_fields, logger

BATCH = 100
BATCHES = 25
CLAIM = 2 * SEND_WITHIN
"""How long a batch may take to send; after that its deliveries are claimable again."""
RUN_WITHIN = timedelta(seconds=60)
"""How long a run waits for its channels; half the time limit of a task."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)
"""Before a batch is sent again at which the channel itself failed; doubles with each attempt."""
_log = logger("dispatch")


def drain(context: Context, *, batches: int = BATCHES, within: timedelta = RUN_WITHIN) -> int:
    """Send the deliveries that wait on every push channel, in batches; return their number.

    Each channel has a thread of its own, so that one that hangs holds up no other.
    """
    context.wakeups.clear(DISPATCH)
    work = {
        name: partial(_drain, context, channel, batches)
        for name, channel in context.push_channels.items()
    }
    return context.channel_threads.run(work, within=within)


def _drain(context: Context, channel: PushChannel, batches: int) -> int:
    total = 0
    for _ in range(batches):
        if not channel.is_ready():
            return total
        count = _batch(context, channel)
        total += count
        if count < BATCH:
            return total
    context.wakeups.notify(DISPATCH)
    return total


def _batch(context: Context, channel: PushChannel) -> int:
    name = channel.form.name
    with step(context, "dispatch", _log) as this:
        offers = context.ledger.deliveries.claim_pushes(
            name, limit=BATCH, lease_for=CLAIM, now=this.begun_at, new_id=context.new_id
        )
        _send_and_settle(context, channel, offers)
        this.trace(offers, span_part)
        if offers:
            this.log(count=len(offers), channel=name)
            this.log_single("delivery", offers, lambda offer: offer.id)
            this.log_single("agency", list({offer.agency for offer in offers}), str)
    return len(offers)


def _send_and_settle(context: Context, channel: PushChannel, offers: Sequence[Offer]) -> None:
    """Send what can be rendered of a batch, and record what became of each delivery."""
    parcels = _parcels(context, channel, offers)
    if not parcels:
        return
    outcomes = _send(channel, parcels, context.clock())
    context.hit(SENT)
    attempts = [
        Attempt(parcel.offer.id, parcel.offer.lease.id, outcome)
        for parcel, outcome in zip(parcels, outcomes, strict=True)
        if parcel.offer.lease is not None
    ]
    context.ledger.deliveries.settle_pushes(
        attempts, now=context.clock(), actor=f"channel:{channel.form.name}"
    )
    context.nudges.send()
    _count_collected(context, parcels, outcomes)


def _parcels(context: Context, channel: PushChannel, offers: Sequence[Offer]) -> list[Parcel]:
    """Render deliveries and address them, by the directory and the keys as they are now."""
    if not offers:
        return []
    directory = context.policies.latest().directory
    keys = _encryption_keys(context, channel, offers)
    parcels = []
    for offer, view in render_offers(context, offers):
        organisation = directory.organisation(offer.agency)
        parcel = Parcel(
            offer,
            orjson.dumps(view),
            organisation.address if organisation else "",
            keys.get(offer.agency, ""),
            organisation is not None and organisation.encrypted,
        )
        parcels.append(parcel)
    return parcels


def _encryption_keys(
    context: Context, channel: PushChannel, offers: Sequence[Offer]
) -> Mapping[OrganisationCode, str]:
    """Return the agencies' public keys, in PEM, for a channel that encrypts."""
    if not channel.form.encrypts:
        return {}
    agencies = {offer.agency for offer in offers}
    newest = context.ledger.queue_keys.newest_encryption_keys(agencies, context.clock())
    return {agency: key.public_key for agency, key in newest.items()}


def _send(channel: PushChannel, parcels: Sequence[Parcel], now: datetime) -> list[PushOutcome]:
    """Send a batch; a fault of the channel itself defers all of it."""
    try:
        outcomes = channel.send(parcels, now=now)
    except Exception as error:
        _log.error("channel failed", channel=channel.form.name, **error_fields(error))
        outcomes = []
    if len(outcomes) == len(parcels):
        return outcomes
    pauses = (
        wait_before_retry(parcel.offer.deferrals, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        for parcel in parcels
    )
    return [Deferred(now + pause, "fault") for pause in pauses]


def _count_collected(
    context: Context, parcels: Sequence[Parcel], outcomes: Sequence[PushOutcome]
) -> None:
    """Count what agencies' software has just taken, for the watch over silence.

    Written at once, because this process has no timer that would do it later.
    """
    for parcel, outcome in zip(parcels, outcomes, strict=True):
        if isinstance(outcome, Collected):
            context.activity.note(parcel.offer.agency, COLLECTED)
    if any(isinstance(outcome, Collected) for outcome in outcomes):
        context.activity.flush()
