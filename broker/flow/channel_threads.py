"""Threads for sending, one for each channel, so that a channel that hangs holds up no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from datetime import timedelta

from broker.telemetry import logger

_log = logger("dispatch")
Work = Callable[[], int]
"""Sends what waits on a channel and returns how many deliveries it was."""


class ChannelThreads:
    """Runs the work of several channels at once. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, Future[int]] = {}

    def run(self, work: Mapping[str, Work], *, within: timedelta) -> int:
        """Run the work of each channel, and return how many deliveries were sent in the time.

        A channel that is not ready in time goes on in its thread. Until that thread has ended, its
        channel gets no new work in this process. Raises what the work of a channel raised, after
        all others have had their time.
        """
        started = {name: future for name in work if (future := self._start(name, work[name]))}
        finished, hanging = wait(started.values(), timeout=within.total_seconds())
        for name in sorted(name for name, future in started.items() if future in hanging):
            _log.warning("channel hangs", channel=name)
        return sum([future.result() for future in finished])

    def _start(self, name: str, work: Work) -> Future[int] | None:
        """Start a channel's work in a thread; None while its last run has not ended."""
        with self._lock:
            last = self._running.get(name)
            if last is not None and not last.done():
                return None
            future = self._running[name] = Future()
        threading.Thread(
            target=_run, args=(work, future), name=f"channel {name}", daemon=True
        ).start()
        return future


def _run(work: Work, future: Future[int]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
