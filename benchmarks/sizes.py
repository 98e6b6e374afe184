"""How much each scenario sends: enough for a steady figure, little enough for a coffee break."""

from __future__ import annotations

from dataclasses import dataclass, fields

_LEAST = {"route": 600, "bulk": 200, "open": 400, "starts": 1}
"""A rate of routing takes several batches, and the watch looks at a hundredth of what is open."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts at scale 1. The slower side sends less: its rate is as steady with fewer."""

    route: int = 8_000
    """Referrals that our worker routes."""
    noop: int = 4_000
    """Empty tasks that plain Celery runs."""
    weekend: int = 1_200
    """Referrals that the rival of one week takes in or routes."""
    sharp: int = 4_000
    """Referrals that the rival written for speed takes in or routes."""
    bulk: int = 8_000
    """Referrals handed in in bulk, 500 a call."""
    single: int = 4_000
    """Referrals handed in one a call."""
    collect: int = 12_000
    """Deliveries collected and answered by four agencies."""
    trickle: int = 1_000
    """Referrals handed in at 50 a second."""
    kombu: int = 3_000
    """Referrals with three copies each in the agencies' queues."""
    starts: int = 3
    """Starts of a worker and of a gateway."""
    told: int = 400
    """Referrals for agencies that are in a long poll."""
    organisations: int = 25_000
    """Schools of the national directory."""
    open: int = 1_000_000
    """Open deliveries in the large ledger."""
    finished: int = 5_000_000
    """Finished deliveries in the large ledger."""
    noisy: int = 3_000
    """Referrals while one agency makes the noise, 150 a second."""
    waiting: int = 100_000
    """Deliveries that wait for an agency that was away."""

    def scaled(self, scale: float) -> Sizes:
        """Return every count times ``scale``, and never so few that nothing can be measured."""
        scaled = {field.name: round(getattr(self, field.name) * scale) for field in fields(self)}
        return Sizes(**{name: max(_LEAST.get(name, 40), count) for name, count in scaled.items()})
