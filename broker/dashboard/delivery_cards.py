"""Which deliveries of a referral have a card on its page: late and open ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.domain.delivery import DeliveryStatus
from broker.domain.ids import DeliveryId
from broker.domain.states import OPEN_DELIVERIES

A_PAGE = 12
"""Cards on a page. With no more deliveries all are shown, in their own order."""


@dataclass(frozen=True, slots=True)
class DeliveryCards:
    """A page of the cards of a referral."""

    shown: Sequence[tuple[int, DeliveryStatus]]
    """Each with its number among all deliveries of the referral."""
    total: int
    number: int
    """Which page this is, from 1."""

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // A_PAGE))

    @property
    def first(self) -> int:
        """Which card is the first on this page, from 1, in the order that is shown."""
        return (self.number - 1) * A_PAGE + 1

    def href(self, delivery: DeliveryId) -> str:
        """Return the address of a card: on this page, or of the page that has it."""
        is_shown = any(card.id == delivery for _, card in self.shown)
        return f"{'' if is_shown else f'?delivery={delivery}'}#d-{delivery}"


def cards_of(
    deliveries: Sequence[DeliveryStatus], *, now: datetime, number: int, wanted: str
) -> DeliveryCards:
    """Return page ``number`` of the cards, or the one that has the delivery with the id ``wanted``.

    A page that does not exist is the last one.
    """
    ordered = list(enumerate(deliveries, 1))
    if len(ordered) > A_PAGE:
        ordered.sort(key=lambda card: (*_urgency(card[1], now), card[0]))
    places = {str(card.id): place for place, (_, card) in enumerate(ordered)}
    if wanted in places:
        number = places[wanted] // A_PAGE + 1
    number = min(number, max(1, -(-len(ordered) // A_PAGE)))
    shown = ordered[(number - 1) * A_PAGE : number * A_PAGE]
    return DeliveryCards(shown, len(ordered), number)


def _urgency(delivery: DeliveryStatus, now: datetime) -> tuple[bool, bool]:
    """Return what sorts late deliveries first, then open ones."""
    return not delivery.outstanding.late(now), delivery.state not in OPEN_DELIVERIES
