"""Slow down who repeats without a pause what costs them nothing, and others something."""

from __future__ import annotations

import asyncio
from time import monotonic

from starlette.types import Scope

from broker.gateway import bounds
from broker.gateway.addresses import neighbourhood

MOST_SPENDERS = 10_000


class Brake:
    """Has answers wait: refusals to a key, and all answers to an address without one.

    Those of one caller go out at an even pace, so that they never come all at once (the generic
    cell rate algorithm, ITU-T I.371).
    """

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        """When the answers of each caller that were let through would have gone at that pace."""

    async def slow_down(self, scope: Scope) -> None:
        """Return at once, or when it is the turn of this answer."""
        key = scope["state"].get("credential")
        client = scope.get("client")
        pace = bounds.REFUSALS_A_SECOND if key else bounds.ANSWERS_A_SECOND
        delay = self._delay(key or neighbourhood(client[0] if client else "nobody"), pace)
        if delay > 0:
            await asyncio.sleep(delay)

    def _delay(self, spender: str, pace: int) -> float:
        now = monotonic()
        due = min(max(self._due.get(spender, now), now), now + bounds.LATE_SECONDS) + 1 / pace
        self._due[spender] = due
        if len(self._due) > MOST_SPENDERS:
            self._due = {name: at for name, at in self._due.items() if at > now}
        return due - now - bounds.PROMPT_SECONDS
