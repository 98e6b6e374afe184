"""Live pages: a stream that says when to reload, or that the ledger does not answer.

It carries no figures itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.responses import Response, StreamingResponse

from broker.dashboard.access import Desk, Visit
from broker.domain.monitoring import RiskCounts
from broker.errors import Unavailable

EVERY_SECONDS = 0.5
USUAL_SECONDS = 60.0
"""How often the agencies' usual times are worked out again, outside any request."""
TICK_SECONDS = 15.0
"""Pages reload at least this often, because ages and times left change without an event."""
LONGEST_SECONDS = 600.0
"""A stream ends after this and the browser asks again, so that an ended session ends it too."""
MOST_STREAMS = 500


class Changes:
    """Looks for changes while pages listen, once for all of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._changed = asyncio.Condition()
        self._latest: RiskCounts | None = None
        """None until a page listens, and while the ledger does not answer."""
        self.number = 0
        self.listeners = 0
        self.is_ended = False

    async def run(self) -> None:
        """Look for changes until this is cancelled."""
        loop, usual_at = asyncio.get_running_loop(), float("-inf")
        while True:
            with suppress(Unavailable):
                if loop.time() - usual_at >= USUAL_SECONDS:
                    usual_at = loop.time()
                    context = self._desk.context
                    await self._desk.run(
                        context.ledger.statistics.usual_times, now=context.clock(), fresh=True
                    )
            if self.listeners:
                await self._look()
            await asyncio.sleep(EVERY_SECONDS)

    async def end(self) -> None:
        """End every stream now: the gateway stops, and the page asks another one."""
        self.is_ended = True
        async with self._changed:
            self.number += 1
            self._changed.notify_all()

    async def _look(self) -> None:
        context, counts = self._desk.context, None
        with suppress(Unavailable):
            counts = await self._desk.run(
                context.ledger.monitoring.risk_counts, now=context.clock()
            )
        if counts != self._latest:
            self._latest = counts
            async with self._changed:
                self.number += 1
                self._changed.notify_all()

    @property
    def is_unavailable(self) -> bool:
        """Tell whether the ledger did not answer the last time."""
        return self._latest is None

    async def after(self, number: int) -> int:
        """Wait until something has changed since, a tick at most; return the present number."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self.number != number)
        return self.number


async def live(visit: Visit) -> Response:
    """Tell a page when to reload."""
    changes: Changes = visit.request.app.state.changes
    if changes.listeners >= MOST_STREAMS or changes.is_ended:
        return Response(status_code=204)  # the page reloads at intervals
    return StreamingResponse(
        _events(changes), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _events(changes: Changes) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST_SECONDS
    changes.listeners += 1
    number = changes.number
    try:
        # Something may have changed since the page was rendered, so it reloads at once.
        yield f"retry: 2000\nevent: look\ndata: {number}\n\n"
        while loop.time() < until and not changes.is_ended:
            number = await changes.after(number)
            event = "away" if changes.is_unavailable else "look"
            yield f"event: {event}\ndata: {number}\n\n"
    finally:
        changes.listeners -= 1
