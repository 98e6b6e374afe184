"""The publisher's feed, added up for each agency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from referral_broker_client import Event

COLLECTED = frozenset({"collected", "acknowledged", "decided"})
ACKNOWLEDGED = frozenset({"acknowledged", "decided"})
ENDED = frozenset({"decided", "returned", "recalled", "undeliverable", "handed_over"})
SETTLED = ENDED | {"held"}
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
class StateCounts:
    """One agency's deliveries, counted by state."""

    states: Counter[str] = field(default_factory=Counter)

    @property
    def deliveries(self) -> int:
        """How many there are."""
        return self.states.total()

    def reached(self, states: Iterable[str]) -> int:
        """How many are in one of these states."""
        return sum(self.states[state] for state in states)


@dataclass(slots=True)
class FeedTally:
    """The last state that the feed gave of each referral and delivery."""

    referrals: dict[str, str] = field(default_factory=dict)
    """The last state of each referral, by id."""
    deliveries: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Agency and last state of each delivery, by id."""
    cursor: str | None = None

    def add(self, events: Iterable[Event]) -> None:
        """Add further events of the feed."""
        for event in events:
            self.cursor = event.cursor
            if event.referral and event.kind in _REFERRAL_STATES:
                self.referrals[event.referral] = _REFERRAL_STATES[event.kind]
            elif event.kind == "delivery.handed_over" and event.delivery and event.agency:
                # What was decided or returned before stays so.
                _, before = self.deliveries.get(event.delivery, (event.agency, ""))
                state = before if before in ENDED else "handed_over"
                self.deliveries[event.delivery] = (event.agency, state)
            elif event.kind in _STATES and event.delivery and event.agency:
                self.deliveries[event.delivery] = (event.agency, _STATES[event.kind])

    def by_agency(self) -> dict[str, StateCounts]:
        """Return the counts of each agency, the busiest first."""
        counts: dict[str, StateCounts] = {}
        for agency, state in self.deliveries.values():
            counts.setdefault(agency, StateCounts()).states[state] += 1
        return dict(sorted(counts.items(), key=lambda entry: -entry[1].deliveries))

    def total(self) -> StateCounts:
        """Return the counts of all agencies together."""
        return StateCounts(Counter(state for _, state in self.deliveries.values()))

    def is_settled(self, referrals: int) -> bool:
        """Tell whether so many referrals were routed or rejected, and every delivery has ended."""
        states = Counter(self.referrals.values())
        under_way = self.total().deliveries - self.total().reached(SETTLED)
        return states.total() >= referrals and not states["accepted"] and not under_way
