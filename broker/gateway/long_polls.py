"""Long polls: one look at the ledger for everybody who waits, four times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence

from anyio import to_thread

from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.states import ReferralState
from broker.flow.context import Context
from broker.telemetry import error_fields, logger

EVERY_SECONDS = 0.25
MOST_WAITING = 2000
"""Requests that may wait at once; beyond it they are answered at once."""
_Lane = dict[Hashable, set[asyncio.Event]]
_Asked = Mapping[str, Sequence[Hashable]]
_log = logger("gateway")


def until(seconds: float) -> float:
    """Return when a wait that begins now ends, by the event loop's own clock."""
    return asyncio.get_running_loop().time() + seconds


class Poller:
    """Wakes requests that wait for work, for routing or for news."""

    def __init__(self, context: Context) -> None:
        self._broker = context
        self._lanes: dict[str, _Lane] = {"work": {}, "routing": {}, "news": {}}
        self._count = 0
        self._somebody = asyncio.Event()

    async def for_work(self, agency: OrganisationCode, end: float) -> bool:
        """Wait until an agency has something to collect; False when it has not by ``end``."""
        return await self._wait("work", agency, end)

    async def for_routing(self, referral: ReferralId, end: float) -> bool:
        """Wait until a referral is no longer merely accepted; False when it is at ``end``."""
        return await self._wait("routing", referral, end)

    async def for_news(self, publisher: OrganisationCode, after: str, end: float) -> bool:
        """Wait until a publisher's feed goes on after a cursor; False when not by ``end``."""
        return await self._wait("news", (publisher, after), end)

    async def run(self) -> None:
        """Look again and again while somebody waits; ends when it is cancelled."""
        while True:
            await self._somebody.wait()
            await asyncio.sleep(EVERY_SECONDS)
            asked = {name: list(lane) for name, lane in self._lanes.items() if lane}
            try:
                self._wake(await to_thread.run_sync(self._look, asked))
            except Exception as error:  # those who wait are answered when their time is up
                _log.warning("look failed", **error_fields(error))
            if not self._count:
                self._somebody.clear()

    async def _wait(self, lane: str, key: Hashable, end: float) -> bool:
        if self._count >= MOST_WAITING or end <= until(0):
            return False
        event = asyncio.Event()
        self._count += 1
        waiting = self._lanes[lane].setdefault(key, set())
        waiting.add(event)
        self._somebody.set()
        try:
            async with asyncio.timeout_at(end):
                return await event.wait()
        except TimeoutError:
            return False
        finally:
            self._count -= 1
            waiting.discard(event)
            if not waiting:
                self._lanes[lane].pop(key, None)

    def _look(self, asked: _Asked) -> list[tuple[str, Hashable]]:
        """Return what has come true, with one question for each lane."""
        looks: dict[str, Callable[[Sequence[Hashable]], list[Hashable]]] = {
            "work": self._with_work,
            "routing": self._routed,
            "news": self._with_news,
        }
        return [(name, key) for name, keys in asked.items() for key in looks[name](keys)]

    def _with_work(self, agencies: Sequence[Hashable]) -> list[Hashable]:
        return list(self._broker.ledger.queries.waiting(agencies))  # type: ignore[arg-type]

    def _routed(self, referrals: Sequence[Hashable]) -> list[Hashable]:
        states = self._broker.ledger.queries.states(referrals)  # type: ignore[arg-type]
        return [id_ for id_, state in states.items() if state is not ReferralState.ACCEPTED]

    def _with_news(self, keys: Sequence[Hashable]) -> list[Hashable]:
        feed = self._broker.ledger.queries.feed
        return [key for key in keys if feed(key[0], after=key[1], limit=1)[0]]  # type: ignore[index]

    def _wake(self, found: list[tuple[str, Hashable]]) -> None:
        for lane, key in found:
            for event in self._lanes[lane].get(key, ()):
                event.set()
