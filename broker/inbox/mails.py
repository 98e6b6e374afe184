"""Emails that the inbox sends beside its answers, in threads of their own.

A mail server may say nothing for 20 seconds. Requests have other threads, so nobody's reading
waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from broker.errors import BrokerError
from broker.telemetry import error_fields, logger
from broker.threads import FairThreads, Threaded

THREADS = 2
"""Emails that are being sent at the same time."""
MOST = 20
"""Emails that wait or are being sent; more are not begun."""
_log = logger("inbox")


def _threads() -> FairThreads:
    return FairThreads(THREADS, THREADS)


@dataclass(frozen=True, slots=True)
class Mails(Threaded):
    """The emails that one process sends for its inboxes."""

    threads: FairThreads = field(default_factory=_threads)
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self, send: Callable[[], None]) -> bool:
        """Begin to send; False where ``MOST`` are under way already, and then nothing is done."""
        if len(self.under_way) >= MOST:
            return False
        task = asyncio.create_task(self._send(send))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)
        return True

    async def _send(self, send: Callable[[], None]) -> None:
        try:
            await self.run(send)
        except BrokerError as error:
            _log.warning("links not sent", **error_fields(error))
