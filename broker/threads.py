"""Threads for work that waits for the ledger, so that the event loop serves other requests."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar, cast

from anyio import CapacityLimiter, to_thread

P = ParamSpec("P")
T = TypeVar("T")

SPENDER: ContextVar[str] = ContextVar("spender", default="")
"""Whose share of the threads the present request uses; empty for the process's own work."""


class FairThreads:
    """A number of threads that callers get in turn, each a few at most.

    Who asks for many waits for its own: the next thread that is free goes to another caller, if
    there is one. Used as anyio uses a limiter: entered for each piece of work, by the event loop.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._free, self._most_each = most, most_each
        self._used: Counter[str] = Counter()
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    async def __aenter__(self) -> None:
        spender = SPENDER.get()
        if self._free and spender not in self._queues and self._used[spender] < self._most_each:
            self._take(spender)
            return
        turn = asyncio.get_running_loop().create_future()
        self._queues.setdefault(spender, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._leave(spender, turn)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._give_back(SPENDER.get())

    def _take(self, spender: str) -> None:
        self._free -= 1
        self._used[spender] += 1

    def _give_back(self, spender: str) -> None:
        self._free += 1
        self._used[spender] -= 1
        if not self._used[spender]:
            del self._used[spender]
        self._hand_out()

    def _hand_out(self) -> None:
        """Give what is free to those who wait, one each in turn."""
        for spender in list(self._queues):
            if not self._free:
                return
            if self._used[spender] >= self._most_each:
                continue
            queue = self._queues.pop(spender)
            while queue and queue[0].cancelled():  # its caller has gone, and has not run since
                queue.popleft()
            if not queue:
                continue
            turn = queue.popleft()
            if queue:
                self._queues[spender] = queue  # behind the others now
            self._take(spender)
            turn.set_result(None)

    def _leave(self, spender: str, turn: asyncio.Future[None]) -> None:
        """Give up a turn that has come or that has not."""
        if turn.done() and not turn.cancelled():
            self._give_back(spender)
            return
        queue = self._queues.get(spender, deque())
        if turn in queue:  # else it was passed over when a thread came free
            queue.remove(turn)
            if not queue:
                del self._queues[spender]


@dataclass(frozen=True, slots=True)
class Threaded:
    """The base of what serves requests: it runs blocking work in a bounded number of threads."""

    threads: FairThreads

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work in a thread and return its result; its exceptions are raised here."""
        return await in_thread(partial(work, *args, **kwargs), self.threads)


async def in_thread(work: Callable[[], T], threads: FairThreads) -> T:
    """Run blocking work in one of these threads and return its result."""
    return await to_thread.run_sync(work, limiter=cast("CapacityLimiter", threads))
