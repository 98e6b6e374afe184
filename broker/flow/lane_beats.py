"""Beats of the lanes of the services: proof in the ledger that somebody works in each.

The lane ``sweep`` has its lead for this, and ``silence`` too. The others are worked in by every
worker at once; one of them holds the beat at a time, and another takes it over when it lapses.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from broker.flow.context import Context

EVERY = timedelta(seconds=5)
FOR = 3 * EVERY
"""How long a beat counts."""


class LaneBeat:
    """The beat of a lane; call ``show`` after each piece of work that was done."""

    def __init__(self, context: Context, lane: str, holder: str) -> None:
        self._context = context
        self._lane = lane
        self._holder = holder
        self._shown_at: datetime | None = None

    def show(self) -> None:
        """Record that the work of the lane was done, at most once every ``EVERY``.

        Raises Unavailable without the ledger.
        """
        now = self._context.clock()
        if self._shown_at is None or not timedelta(0) <= now - self._shown_at < EVERY:
            self._context.ledger.sweep.hold_lead(self._lane, self._holder, for_=FOR, now=now)
            self._shown_at = now
