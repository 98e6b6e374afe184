"""Threads for work that waits for the ledger, so that the event loop serves other requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Threaded:
    """The base of what serves requests: it runs blocking work in a bounded number of threads."""

    threads: CapacityLimiter

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work in a thread and return its result; its exceptions are raised here."""
        return await to_thread.run_sync(partial(work, *args, **kwargs), limiter=self.threads)
