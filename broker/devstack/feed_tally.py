"""What the police know while it runs: the publisher's feed, added up for each agency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from referral_broker_client import Event

COLLECTED = frozenset({"collected", "acknowledged", "decided"})
ACKNOWLEDGED = frozenset({"acknowledged", "decided"})
ENDED = frozenset({"decided", "returned", "recalled", "undeliverable"})
RESTING = ENDED | {"held"}
_STATES = {
    "delivery.held": "held",
    "delivery.available": "available",
    "delivery.collected": "collected",
    "delivery.acknowledged": "acknowledged",
    "delivery.decided": "decided",
    "delivery.returned": "returned",
    "delivery.recalled": "recalled",
    "delivery.refused": "undeliverable",
}
_REFERRAL_STATES = {
    "referral.accepted": "accepted",
    "referral.routed": "routed",
    "referral.rejected": "rejected",
    "referral.unroutable": "unroutable",
}


@dataclass(slots=True)
class Tally:
    """One agency's deliveries, by how far each has come."""

    states: Counter[str] = field(default_factory=Counter)

    @property
    def deliveries(self) -> int:
        """How many there are."""
        return self.states.total()

    def reached(self, states: Iterable[str]) -> int:
        """How many are in one of these states."""
        return sum(self.states[state] for state in states)


@dataclass(slots=True)
class Board:
    """A fold of the feed. A later milestone implies the earlier ones."""

    referrals: dict[str, str] = field(default_factory=dict)
    """The last state told of each referral, by id."""
    deliveries: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Agency and the last state told of each delivery, by id."""
    cursor: str | None = None

    def note(self, events: Iterable[Event]) -> None:
        """Take in a stretch of the feed."""
        for event in events:
            self.cursor = event.cursor
            if event.referral and event.kind in _REFERRAL_STATES:
                self.referrals[event.referral] = _REFERRAL_STATES[event.kind]
            elif event.kind in _STATES and event.delivery and event.agency:
                self.deliveries[event.delivery] = (event.agency, _STATES[event.kind])

    def tallies(self) -> dict[str, Tally]:
        """Return the tally of each agency, the busiest first."""
        tallies: dict[str, Tally] = {}
        for agency, state in self.deliveries.values():
            tallies.setdefault(agency, Tally()).states[state] += 1
        return dict(sorted(tallies.items(), key=lambda entry: -entry[1].deliveries))

    def total(self) -> Tally:
        """Return the tally of all agencies together."""
        return Tally(Counter(state for _, state in self.deliveries.values()))

    def is_settled(self, referrals: int) -> bool:
        """Tell whether so many referrals have come out, and nothing is under way."""
        states = Counter(self.referrals.values())
        under_way = self.total().deliveries - self.total().reached(RESTING)
        return states.total() >= referrals and not states["accepted"] and not under_way
