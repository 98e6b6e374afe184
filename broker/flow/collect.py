"""Step 4, collect: lease deliveries to an agency that asks for work, earliest deadline first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.domain.delivery import Offer
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.domain.push import Attempt, Refused
from broker.errors import NotFound, Unavailable
from broker.failpoints import LEASED
from broker.flow.activity_counter import COLLECTED, POLLED
from broker.flow.context import Context
from broker.flow.render import render
from broker.flow.steps import step
from broker.ledger.deliveries import Held
from broker.telemetry import error_fields, logger
from broker.tracing import SpanPart

_log = logger("collect")


def collect(context: Context, agency: OrganisationCode, *, limit: int) -> list[dict[str, Any]]:
    """Lease up to ``limit`` deliveries to an agency and return what it may see of each."""
    with step(context, "collect", _log) as this:
        offers = context.ledger.deliveries.collect(
            agency,
            limit=limit,
            lease_for=context.settings.lease,
            now=this.begun_at,
            new_id=context.new_id,
        )
        context.activity.note(agency, POLLED)
        context.activity.note(agency, COLLECTED, len(offers))
        context.hit(LEASED)
        views = [view for _, view in render_offers(context, offers)]
        this.trace(offers, span_part)
        if offers:
            this.log(agency=agency, count=len(offers))
            this.log_single("delivery", offers, lambda offer: offer.id)
    return views


def release(context: Context, agency: OrganisationCode, held: Held, *, actor: str) -> list[bool]:
    """Release an agency's deliveries unread; they are offered again at once.

    ``held`` pairs each delivery with its lease. False for each lease that is no longer theirs.
    """
    released = context.ledger.deliveries.release(agency, held, now=context.clock(), actor=actor)
    if any(released):
        context.nudges.send()
    return released


def span_part(offer: Offer) -> SpanPart:
    """Return what the span of a leased delivery shows in its referral's trace."""
    return SpanPart(
        offer.referral,
        {"delivery": str(offer.id), "agency": offer.agency, "channel": offer.channel},
    )


def delivery(context: Context, agency: OrganisationCode, id_: DeliveryId) -> dict[str, Any]:
    """Return one of an agency's own deliveries. Raises NotFound, also for another agency's."""
    offer = context.ledger.deliveries.delivery(agency, id_)
    if offer is None:
        raise NotFound("There is no such delivery in your queue.")
    return render(offer, context.policies)


def render_offers(context: Context, offers: Sequence[Offer]) -> list[tuple[Offer, dict[str, Any]]]:
    """Render leased deliveries; pair each with what its agency may see of it.

    A delivery that cannot be rendered goes to the ops queue and stops no other.
    """
    rendered: list[tuple[Offer, dict[str, Any]]] = []
    refused: list[Attempt] = []
    for offer in offers:
        try:
            rendered.append((offer, render(offer, context.policies)))
        except Unavailable:
            raise
        except Exception as error:
            _log.error("rendering failed", delivery=str(offer.id), **error_fields(error))
            assert offer.lease is not None
            refused.append(Attempt(offer.id, offer.lease.id, Refused("render")))
    if refused:
        context.ledger.deliveries.settle_pushes(refused, now=context.clock(), actor="broker")
    return rendered
