"""How an agency is reached when it does not come and collect: one small interface.

The *mailbox*, the default, needs no channel: the agency's queue is its open deliveries in the
ledger, collected over HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from broker.domain.delivery import (
    Attempt,
    Offer,
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One leased delivery, and what its agency may see of it as JSON."""

    offer: Offer
    body: bytes


class Channel(Protocol):
    """A way to push deliveries to agencies."""

    def send(self, parcels: Sequence[Parcel], *, now: datetime) -> list[Attempt]:
        """Send a batch; say for each one, in order, what came of it. Never raises Unavailable."""

    def close(self) -> None:
        """Hang up."""
