"""Heartbeats of a process's threads, and the watchdog that finds threads that are stuck.

A thread that waits for ever looks healthy from outside. So each thread shows that it is working,
and a watchdog looks once a second. A thread that is stuck is logged and makes the process unready;
then the watchdog ends the process, so that its supervisor starts a new one.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from broker import telemetry, time_limits

EXIT_CODE = 70
"""The exit code of a process that its watchdog has ended: EX_SOFTWARE of sysexits.h."""
LOOK_SECONDS = 1.0
NOTICE_SECONDS = 10.0
"""How long a process reports that a thread is stuck before it ends itself."""
_log = telemetry.logger("watchdog")
_present = threading.local()


class Heartbeats:
    """Counts the heartbeats of each thread by name. May be used from any thread."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def beat(self, name: str) -> None:
        """Show that a thread is working; it is watched from its first beat."""
        self._counts[name] = self._counts.get(name, 0) + 1

    def forget(self, name: str) -> None:
        """Stop watching a thread: it has ended in order."""
        self._counts.pop(name, None)

    def counts(self) -> dict[str, int]:
        """Return how many beats there were, by name."""
        return dict(self._counts)

    @contextmanager
    def of_this_thread(self, name: str) -> Iterator[None]:
        """Watch this thread under a name; ``beat`` of this module is its heartbeat meanwhile."""
        _present.beat = lambda: self.beat(name)
        self.beat(name)
        try:
            yield
        finally:
            del _present.beat
            self.forget(name)


def beat() -> None:
    """Show that this thread is working; does nothing in a thread that is not watched."""
    shown: Callable[[], None] | None = getattr(_present, "beat", None)
    if shown is not None:
        shown()


class Watchdog:
    """Looks at heartbeats once a second.

    Time is counted in its own looks, so that threads of a process that was frozen as a whole get
    all of it again.
    """

    def __init__(
        self,
        heartbeats: Heartbeats,
        *,
        limit: float = time_limits.STUCK_AFTER,
        end: Callable[[], None] | None = None,
    ) -> None:
        self._heartbeats = heartbeats
        self._limit = limit
        self._end = end or _end_process
        self._seen: dict[str, int] = {}
        self._silent: dict[str, float] = {}
        self._reported: frozenset[str] = frozenset()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking: the process ends in order."""
        self._stopping.set()

    def stuck(self) -> list[str]:
        """Return the threads that had no heartbeat for as long as the limit."""
        return sorted(name for name, seconds in self._silent.items() if seconds >= self._limit)

    def look(self, seconds: float = LOOK_SECONDS) -> None:
        """Look once, ``seconds`` after the last time; end the process if it is time to."""
        counts = self._heartbeats.counts()
        self._silent = {
            name: self._silent.get(name, 0.0) + seconds if count == self._seen.get(name) else 0.0
            for name, count in counts.items()
        }
        self._seen = counts
        stuck = frozenset(self.stuck())
        for name in sorted(stuck - self._reported):
            _log.error("thread stuck", lane=name, seconds=self._silent[name])
        self._reported = stuck
        if any(seconds >= self._limit + NOTICE_SECONDS for seconds in self._silent.values()):
            _log.error("process ends itself: threads stuck", count=len(stuck))
            self._end()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            self.look()


def process_name() -> str:
    """Return what names this process among all of them: its host, and its number there."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _end_process() -> None:
    """End at once: a thread that is stuck would hold up an end in order."""
    telemetry.flush()
    os._exit(EXIT_CODE)
