"""Long polls: one query of the ledger for every waiting request, four times a second."""

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
"""Requests that may wait at the same time; further ones are answered at once."""
_Lane = dict[Hashable, set[asyncio.Event]]
_Waiting = Mapping[str, Sequence[Hashable]]
_log = logger("gateway")


def until(seconds: float) -> float:
    """Return when a wait that begins now ends, by the clock of the event loop."""
    return asyncio.get_running_loop().time() + seconds


class Poller:
    """Wakes requests that wait for work, for routing or for events."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lanes: dict[str, _Lane] = {"work": {}, "routing": {}, "news": {}}
        self._count = 0
        self._any_waiting = asyncio.Event()
        self._ended = False

    async def for_work(self, agency: OrganisationCode, end: float) -> bool:
        """Wait until an agency has something to collect; False if it has nothing by ``end``."""
        return await self._wait("work", agency, end)

    async def for_routing(self, referral: ReferralId, end: float) -> bool:
        """Wait until a referral is routed or rejected; False if it is neither by ``end``."""
        return await self._wait("routing", referral, end)

    async def for_news(self, publisher: OrganisationCode, after: str, end: float) -> bool:
        """Wait until a publisher's feed has an event after a cursor; False if not by ``end``."""
        return await self._wait("news", (publisher, after), end)

    def end_waits(self) -> None:
        """Have every request that waits answered now, and none wait any more."""
        self._ended = True
        for lane in self._lanes.values():
            for events in lane.values():
                for event in events:
                    event.set()

    async def run(self) -> None:
        """Query the ledger while a request waits, until this is cancelled."""
        while True:
            await self._any_waiting.wait()
            await asyncio.sleep(EVERY_SECONDS)
            waiting = {name: list(lane) for name, lane in self._lanes.items() if lane}
            try:
                self._wake(await to_thread.run_sync(self._look, waiting))
            except Exception as error:  # each waiting request is answered when its time is up
                _log.warning("look failed", **error_fields(error))
            if not self._count:
                self._any_waiting.clear()

    async def _wait(self, lane: str, key: Hashable, end: float) -> bool:
        if self._ended or self._count >= MOST_WAITING or end <= until(0):
            return False
        event = asyncio.Event()
        self._count += 1
        waiting = self._lanes[lane].setdefault(key, set())
        waiting.add(event)
        self._any_waiting.set()
        try:
            async with asyncio.timeout_at(end):
                return await event.wait() and not self._ended
        except TimeoutError:
            return False
        finally:
            self._count -= 1
            waiting.discard(event)
            if not waiting:
                self._lanes[lane].pop(key, None)

    def _look(self, waiting: _Waiting) -> list[tuple[str, Hashable]]:
        """Return what has happened, with one query for each lane."""
        looks: dict[str, Callable[[Sequence[Hashable]], list[Hashable]]] = {
            "work": self._with_work,
            "routing": self._routed,
            "news": self._with_news,
        }
        return [(name, key) for name, keys in waiting.items() for key in looks[name](keys)]

    def _with_work(self, agencies: Sequence[Hashable]) -> list[Hashable]:
        return list(self._context.ledger.queries.waiting(agencies))  # type: ignore[arg-type]

    def _routed(self, referrals: Sequence[Hashable]) -> list[Hashable]:
        states = self._context.ledger.queries.states(referrals)  # type: ignore[arg-type]
        return [id_ for id_, state in states.items() if state is not ReferralState.ACCEPTED]

    def _with_news(self, keys: Sequence[Hashable]) -> list[Hashable]:
        feed = self._context.ledger.queries.feed
        return [key for key in keys if feed(key[0], after=key[1], limit=1)[0]]  # type: ignore[index]

    def _wake(self, happened: list[tuple[str, Hashable]]) -> None:
        for lane, key in happened:
            for event in self._lanes[lane].get(key, ()):
                event.set()
