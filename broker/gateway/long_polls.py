"""Long polls: while requests wait, the ledger is asked if anything happened, at each nudge.

Nudges (``broker.transport.nudges``) may be lost, so it is asked four times a second anyhow. That
reads no table. Only when a transaction has ended, anybody's, it is asked for what each waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import cast

from anyio import to_thread
from starlette.requests import Request

from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.states import ReferralState
from broker.errors import BrokerError, Unavailable
from broker.flow.context import Context
from broker.gateway.shares import Shares
from broker.telemetry import error_fields, logger
from broker.threads import SPENDER

EVERY_SECONDS = 0.25
"""Between two looks without a nudge."""
GATHER_SECONDS = 0.002
"""From a nudge to the look: what is committed together is seen together."""
LEAST_SECONDS = 0.02
"""From the end of a look to the next one, however many nudges come."""
LOOK_SECONDS = 10.0
"""A look at everything that is waited for, though nothing seems to have happened."""
_Lane = dict[Hashable, set[asyncio.Event]]
_Waiting = Mapping[str, Sequence[Hashable]]
_log = logger("gateway")


def until(seconds: float) -> float:
    """Return when a wait that begins now ends, by the clock of the event loop."""
    return asyncio.get_running_loop().time() + seconds


async def _until_gone(request: Request) -> None:
    """Wait until the caller has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Poller:
    """Wakes requests that wait for work, for routing or for events."""

    def __init__(self, context: Context, shares: Shares) -> None:
        self._context, self._shares = context, shares
        self._lanes: dict[str, _Lane] = {"work": {}, "routing": {}, "news": {}}
        self._unseen: set[tuple[str, Hashable]] = set()
        """What is waited for since the last look."""
        self._seen = ""
        self._looked_at = 0.0
        self._any_waiting, self._nudged = asyncio.Event(), asyncio.Event()
        self._nudged_at = -EVERY_SECONDS
        self._ended = False

    def check(self, seconds: float) -> None:
        """Raise Throttled if the present caller may not wait for so long, or at all."""
        if seconds > 0:
            self._shares.check_wait(SPENDER.get())

    async def for_work(self, request: Request, agency: OrganisationCode, end: float) -> bool:
        """Wait until an agency has something to collect; False if it has nothing by ``end``.

        False, too, when the caller has gone; so it is with the others.
        """
        return await self._wait(request, ("work", agency), end)

    async def for_routing(self, request: Request, referral: ReferralId, end: float) -> bool:
        """Wait until a referral is routed or rejected; False if it is neither by ``end``."""
        return await self._wait(request, ("routing", referral), end)

    async def for_news(
        self, request: Request, publisher: OrganisationCode, after: str, end: float
    ) -> bool:
        """Wait until a publisher's feed has an event after a cursor; False if not by ``end``."""
        return await self._wait(request, ("news", (publisher, after)), end)

    def end_waits(self) -> None:
        """Have every request that waits answered now, and none wait any more."""
        self._ended = True
        for lane in self._lanes.values():
            for events in lane.values():
                for event in events:
                    event.set()

    def nudge(self) -> None:
        """Look soon, if a request waits: something was committed."""
        self._nudged_at = monotonic()
        self._nudged.set()

    async def run(self) -> None:
        """Look while a request waits, until this is cancelled."""
        while True:
            await self._any_waiting.wait()
            await self._until_due()
            waiting = {name: list(lane) for name, lane in self._lanes.items() if lane}
            unseen, self._unseen = self._unseen, set()
            try:
                self._wake(await to_thread.run_sync(self._look, waiting, unseen))
            except Exception as error:  # each waiting request is answered when its time is up
                self._unseen |= unseen
                _log.warning("look failed", **error_fields(error))
            if not any(self._lanes.values()):
                self._any_waiting.clear()

    async def _until_due(self) -> None:
        """Wait for a nudge, and no longer than until a look is due without one."""
        await asyncio.sleep(LEAST_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY_SECONDS - LEAST_SECONDS):
                await self._nudged.wait()
                await asyncio.sleep(GATHER_SECONDS)
        self._nudged.clear()

    async def _wait(self, request: Request, subject: tuple[str, Hashable], end: float) -> bool:
        spender = SPENDER.get()
        if self._ended or end <= until(0) or not self._shares.may_wait(spender):
            return False
        event, began = asyncio.Event(), monotonic()
        gone = asyncio.create_task(_until_gone(request))
        gone.add_done_callback(lambda _: event.set())
        try:
            with self._waiting_for(subject, event), self._shares.wait(spender):
                async with asyncio.timeout_at(end):
                    await event.wait()
            return not self._ended and not gone.done()
        except TimeoutError:
            return False
        finally:
            gone.cancel()
            waited = getattr(request.state, "waited", 0.0)
            request.state.waited = waited + monotonic() - began

    @contextmanager
    def _waiting_for(self, subject: tuple[str, Hashable], event: asyncio.Event) -> Iterator[None]:
        """Have an event set when something has happened."""
        lane, key = subject
        waiting = self._lanes[lane].setdefault(key, set())
        waiting.add(event)
        self._unseen.add(subject)
        self._any_waiting.set()
        # The nudge may have led to a look that did not know of this request yet.
        if monotonic() - self._nudged_at < EVERY_SECONDS:
            self._nudged.set()
        try:
            yield
        finally:
            waiting.discard(event)
            if not waiting:
                self._lanes[lane].pop(key, None)

    def _look(
        self, waiting: _Waiting, unseen: Collection[tuple[str, Hashable]]
    ) -> list[tuple[str, Hashable]]:
        """Return what has happened, with one query for each lane.

        As long as no transaction of anybody's has ended, nothing has happened: only what was not
        waited for at the last look is looked at then.
        """
        seen, now = self._context.ledger.queries.snapshot(), monotonic()
        if seen == self._seen and now - self._looked_at < LOOK_SECONDS:
            waiting = {
                name: [key for key in keys if (name, key) in unseen]
                for name, keys in waiting.items()
            }
        else:
            self._looked_at = now
        looks: dict[str, Callable[[Sequence[Hashable]], list[Hashable]]] = {
            "work": self._with_work,
            "routing": self._routed,
            "news": self._with_news,
        }
        happened = [
            (name, key) for name, keys in waiting.items() if keys for key in looks[name](keys)
        ]
        self._seen = seen
        return happened

    def _with_work(self, agencies: Sequence[Hashable]) -> list[Hashable]:
        return list(self._context.ledger.queries.waiting(agencies))  # type: ignore[arg-type]

    def _routed(self, referrals: Sequence[Hashable]) -> list[Hashable]:
        states = self._context.ledger.queries.states(referrals)  # type: ignore[arg-type]
        return [id_ for id_, state in states.items() if state is not ReferralState.ACCEPTED]

    def _with_news(self, keys: Sequence[Hashable]) -> list[Hashable]:
        """Return the publishers with an event; each that waits had none after its own cursor.

        So the first cursor and the last are enough, however many a publisher waits with.
        """
        cursors: dict[OrganisationCode, list[str]] = {}
        for publisher, after in cast("Sequence[tuple[OrganisationCode, str]]", keys):
            cursors.setdefault(publisher, []).append(after)
        with_news = {
            publisher
            for publisher, texts in cursors.items()
            if any(self._has_news(publisher, after) for after in {texts[0], texts[-1]})
        }
        return [key for key in keys if key[0] in with_news]  # type: ignore[index]

    def _has_news(self, publisher: OrganisationCode, after: str) -> bool:
        try:
            return bool(self._context.ledger.queries.feed(publisher, after=after, limit=1)[0])
        except Unavailable:
            raise
        except BrokerError:  # a cursor that is none any more: its caller is to learn why
            return True

    def _wake(self, happened: list[tuple[str, Hashable]]) -> None:
        for lane, key in happened:
            for event in self._lanes[lane].get(key, ()):
                event.set()
