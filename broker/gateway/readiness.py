"""Whether the process can do its work, answered in time however many ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from anyio import CapacityLimiter, to_thread

from broker import time_limits
from broker.errors import Unavailable
from broker.flow.context import Context

WAIT_SECONDS = time_limits.READY - 0.5
"""How long one request waits; the rest of the limit is for its answer."""


class Readiness:
    """Runs one check for all who ask meanwhile.

    ``/readyz`` needs no key, and a ledger that hangs holds a thread for each check: a new check
    begins while another hangs only after ``WAIT_SECONDS``, so that there are a few at most.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._running: asyncio.Task[None] | None = None
        self._began = 0.0

    async def check(self) -> None:
        """Return when the check has passed; raises what it raises, or Unavailable in time."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await asyncio.shield(self._current())
        except TimeoutError as error:
            raise Unavailable("The ledger does not answer in time.") from error

    def _current(self) -> asyncio.Task[None]:
        now = monotonic()
        if self._running is None or self._running.done() or now - self._began > WAIT_SECONDS:
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(_look_at_error)
            self._began = now
        return self._running

    async def _run(self) -> None:
        # A thread of its own: those of requests may all wait for a ledger that hangs.
        await to_thread.run_sync(self._check, abandon_on_cancel=True, limiter=CapacityLimiter(1))


def check_of(context: Context) -> Callable[[], None]:
    """Return the check: the ledger's tables fit, its clock is near this process's, and a policy
    that can be used is published."""

    def check() -> None:
        context.ledger.schema.check()
        context.check_clock()
        context.policies.latest()

    return check


def _look_at_error(check: asyncio.Task[None]) -> None:
    """Take note of an error that nobody waits for any more; otherwise asyncio reports it."""
    if not check.cancelled():
        check.exception()
