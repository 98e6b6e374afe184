"""Long polls: one look at the ledger for everybody who waits, four times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from contextlib import suppress

from anyio import to_thread

from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.states import ReferralState
from broker.errors import Unavailable
from broker.flow.parts import Broker

EVERY_SECONDS = 0.25
MOST_WAITING = 2000
"""Requests that may wait at once; beyond it they are answered at once."""
_Lane = dict[Hashable, set[asyncio.Event]]


class Poller:
    """Wakes requests that wait for work, for routing or for news."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._lanes: dict[str, _Lane] = {"work": {}, "routing": {}, "news": {}}
        self._count = 0
        self._somebody = asyncio.Event()

    async def for_work(self, agency: OrganisationCode, seconds: float) -> None:
        """Wait until an agency has something to collect, ``seconds`` at most."""
        await self._wait("work", agency, seconds)

    async def for_routing(self, referral: ReferralId, seconds: float) -> None:
        """Wait until a referral is no longer merely accepted, ``seconds`` at most."""
        await self._wait("routing", referral, seconds)

    async def for_news(self, publisher: OrganisationCode, after: str, seconds: float) -> None:
        """Wait until a publisher's feed goes on after a cursor, ``seconds`` at most."""
        await self._wait("news", (publisher, after), seconds)

    async def run(self) -> None:
        """Look again and again while somebody waits; ends when it is cancelled."""
        while True:
            await self._somebody.wait()
            await asyncio.sleep(EVERY_SECONDS)
            with suppress(Unavailable):
                self._wake(await to_thread.run_sync(self._look))
            if not self._count:
                self._somebody.clear()

    async def _wait(self, lane: str, key: Hashable, seconds: float) -> None:
        if seconds <= 0 or self._count >= MOST_WAITING:
            return
        event = asyncio.Event()
        self._count += 1
        waiting = self._lanes[lane].setdefault(key, set())
        waiting.add(event)
        self._somebody.set()
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        finally:
            self._count -= 1
            waiting.discard(event)
            if not waiting:
                self._lanes[lane].pop(key, None)

    def _look(self) -> list[tuple[str, Hashable]]:
        """Return what has come true, with one question for each lane."""
        lanes = {name: list(lane) for name, lane in self._lanes.items()}
        looks: dict[str, Callable[[list[Hashable]], list[Hashable]]] = {
            "work": self._with_work,
            "routing": self._routed,
            "news": self._with_news,
        }
        return [(name, key) for name, keys in lanes.items() if keys for key in looks[name](keys)]

    def _with_work(self, agencies: list[Hashable]) -> list[Hashable]:
        return list(self._broker.ledger.waiting(agencies))  # type: ignore[arg-type]

    def _routed(self, referrals: list[Hashable]) -> list[Hashable]:
        states = self._broker.ledger.states(referrals)  # type: ignore[arg-type]
        return [id_ for id_, state in states.items() if state is not ReferralState.ACCEPTED]

    def _with_news(self, keys: list[Hashable]) -> list[Hashable]:
        feed = self._broker.ledger.feed
        return [key for key in keys if feed(key[0], after=key[1], limit=1)[0]]  # type: ignore[index]

    def _wake(self, found: list[tuple[str, Hashable]]) -> None:
        for lane, key in found:
            for event in self._lanes[lane].get(key, ()):
                event.set()
