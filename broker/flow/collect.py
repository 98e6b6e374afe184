"""Step 4, collect: an agency asks for work and gets it under a lease, earliest deadline first."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from broker.domain.delivery import (
    Attempt,
    Offer,
)
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.errors import NotFound, Unavailable
from broker.failpoints import LEASED
from broker.flow.activity_counter import COLLECTED, POLLED
from broker.flow.context import Context
from broker.flow.render import render
from broker.telemetry import elapsed, error_fields, logger, single_id
from broker.tracing import Part, Step

_log = logger("collect")


def collect(context: Context, agency: OrganisationCode, *, limit: int) -> list[dict[str, Any]]:
    """Lease up to ``limit`` deliveries to an agency and return what it may see of each."""
    began, now = perf_counter(), context.clock()
    offers = context.ledger.deliveries.collect(
        agency, limit=limit, lease_for=context.settings.lease, now=now, new_id=context.new_id
    )
    context.activity.note(agency, POLLED)
    context.activity.note(agency, COLLECTED, len(offers))
    context.hit(LEASED)
    found = [rendered for _, rendered in rendered_offers(context, offers)]
    if context.traces:
        context.traces.tell(Step("collect", now, context.clock(), parts_of(offers)))
    if offers:
        _log.info(
            "collect",
            agency=agency,
            count=len(offers),
            seconds=elapsed(began),
            **single_id("delivery", [offer.id for offer in offers]),
        )
    return found


def parts_of(offers: Sequence[Offer]) -> list[Part]:
    """Return what deliveries that were leased say of themselves in their referrals' traces."""
    return [
        Part(
            offer.referral,
            {"delivery": str(offer.id), "agency": offer.agency, "channel": offer.channel},
        )
        for offer in offers
    ]


def delivery(context: Context, agency: OrganisationCode, id_: DeliveryId) -> dict[str, Any]:
    """Return one of an agency's own deliveries. Raises NotFound, also for another agency's."""
    offer = context.ledger.deliveries.delivery(agency, id_)
    if offer is None:
        raise NotFound("There is no such delivery in your queue.")
    return render(offer, context.policies)


def rendered_offers(
    context: Context, offers: Sequence[Offer]
) -> list[tuple[Offer, dict[str, Any]]]:
    """Render leased deliveries; one that cannot be goes to the ops queue and stops no other."""
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
            refused.append(Attempt(offer.id, offer.lease.id, "refused", None, "render"))
    if refused:
        context.ledger.deliveries.settle_pushes(refused, now=context.clock(), actor="broker")
    return rendered
