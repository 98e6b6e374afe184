"""How often callers may call, whatever is done to the clock of the host."""

from __future__ import annotations

import time
from collections.abc import Callable

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

BACK_SECONDS = 1.0
"""A clock that goes back by more was set: what it dated before would count until it comes again."""


class CallRates:
    """Counts calls in moving windows, in the memory of one process."""

    def __init__(self, *, host: Callable[[], float] = time.time) -> None:
        """``host`` is the clock of the host in seconds, by which the library dates calls."""
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._host = host
        self._looked_at = host()

    def hit(self, limit: RateLimitItem, caller: str) -> bool:
        """Count a call; False, and it is not counted, when it is one too many."""
        self._forget_the_future()
        return self._limiter.hit(limit, caller)

    def test(self, limit: RateLimitItem, caller: str, *, cost: int = 1) -> bool:
        """Return whether so many more calls are allowed; nothing is counted."""
        self._forget_the_future()
        return self._limiter.test(limit, caller, cost=cost)

    def _forget_the_future(self) -> None:
        """Begin anew when the clock was set back: else busy callers are refused until it is later
        than it was."""
        now = self._host()
        if now < self._looked_at - BACK_SECONDS:
            self._storage.reset()
        self._looked_at = now
