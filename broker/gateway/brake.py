"""Slow down who repeats without a pause what costs them nothing, and others something."""

from __future__ import annotations

import asyncio

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import Scope

from broker.gateway import bounds
from broker.gateway.addresses import neighbourhood


class Brake:
    """Has answers wait: refusals to a key, and all answers to an address without one."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._refusals = RateLimitItemPerSecond(bounds.PROMPT_REFUSALS)
        self._answers = RateLimitItemPerSecond(bounds.PROMPT_ANSWERS)

    async def slow_down(self, scope: Scope) -> None:
        """Return at once, or after ``LATE_SECONDS`` where the caller has had its share."""
        key = scope["state"].get("credential")
        client = scope.get("client")
        limit = self._refusals if key else self._answers
        spender = key or neighbourhood(client[0] if client else "nobody")
        if not self._limiter.hit(limit, spender):
            await asyncio.sleep(bounds.LATE_SECONDS)
