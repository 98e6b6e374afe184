"""When the parts of bulks are worked on, so that calls of other keys feel little of them.

A call is slower where its time and that of a part overlap. So no part begins while a call is under
way, and bulks of one key work for a small share of the time: most calls then meet none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic

from broker.gateway import bounds


class BulkTurns:
    """Used by the event loop alone."""

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._served = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._latest = self._latest_other = ("", float("-inf"))
        """The last two keys that made a call, and when it ended."""
        self._rests: dict[str, float] = {}
        """Until when the bulks of each key rest, the next ones too."""
        self._part = asyncio.Lock()

    def call_begins(self) -> None:
        """Count a call that is served; neither bulks nor calls that wait are."""
        self._served += 1
        self._is_quiet.clear()

    def call_ends(self, key: str, *, is_bulk: bool = False) -> None:
        """Count it no more; ``is_bulk``: it is a bulk, which is known only later than its call."""
        self._served -= 1
        if not self._served:
            self._is_quiet.set()
        if is_bulk:
            return
        if self._latest[0] != key:
            self._latest_other = self._latest
        self._latest = (key, self._clock())

    def is_alone(self, key: str) -> bool:
        """Tell whether no other key makes calls, or has within the last second; bulks are none."""
        latest = self._latest if self._latest[0] != key else self._latest_other
        return not self._served and self._clock() - latest[1] > 1

    @asynccontextmanager
    async def part(self, key: str) -> AsyncIterator[int]:
        """Wait for the turn of a key's bulk; give how many lines its next part may have.

        Beside others one part of all keys is worked on at a time, in the order in which they ask,
        and begins when no call is under way. Then bulks of its key rest for a multiple of its time.
        Both waits have a bound, so that no bulk waits for ever.
        """
        if self.is_alone(key):
            yield bounds.BULK_LINES_AT_ONCE
            return
        await self._sleep(max(0.0, self._rests.get(key, 0.0) - self._clock()))
        async with self._part:
            await self._until_quiet()
            began = self._clock()
            try:
                yield bounds.BULK_LINES_BESIDE_OTHERS
            finally:
                ended = self._clock()
                rest = min((ended - began) * bounds.BULK_RESTS, bounds.LONGEST_REST)
                self._rests[key] = ended + rest

    async def _until_quiet(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(bounds.LONGEST_STEP_BACK):
                await self._is_quiet.wait()
