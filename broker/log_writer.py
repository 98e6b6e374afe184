"""Writes log lines without ever holding up or failing the work that they are about.

The caller appends to a bounded list; a thread writes to the file descriptor. A disk that is full, a
pipe without a reader and a reader that is slow or hangs cost lines, which are counted.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

MOST_WAITING = 10_000
"""The most lines that wait to be written; further ones are dropped."""
LINES_TOGETHER = 500
CLOSING_SECONDS = 2.0
"""How long the end of a process waits for the last lines."""
_READY_MILLISECONDS = 1_000


class LogWriter:
    """Writes lines to a file descriptor; thread-safe, and no method ever raises.

    ``descriptor`` is None where the process was started without one: every line is dropped then.
    ``describe`` returns the line that says how many lines were dropped; it is written as soon as
    something can be written again.
    """

    def __init__(self, descriptor: int | None, describe: Callable[[int], str]) -> None:
        self._descriptor = descriptor
        self._describe = describe
        self._begin()

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._dropped = 0
        self._unreported = 0
        self._is_writing = False
        self._is_torn = False
        self._is_ending = False
        self._thread: threading.Thread | None = None
        self._process = os.getpid()

    @property
    def dropped(self) -> int:
        """How many lines this process has dropped so far."""
        return self._dropped

    def write(self, text: str) -> int:
        """Take a whole line, and return at once."""
        if self._process != os.getpid():
            self._begin()  # no thread survives a fork, and its lock may be held for ever
        line = text.encode("utf-8", "backslashreplace")
        with self._changed:
            if self._descriptor is None or len(self._waiting) >= MOST_WAITING:
                self._drop(1)
                return len(text)
            self._waiting.append(line)
            if self._thread is None:
                self._start()
            self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        """Do nothing: the thread writes as soon as it can."""

    def close(self, seconds: float = CLOSING_SECONDS) -> None:
        """Wait until what was taken is written, for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._is_writing), seconds)

    def rest(self, seconds: float = CLOSING_SECONDS) -> None:
        """End the thread once what was taken is written, for so long at most.

        The next line starts another: rest before a fork, which copies locks and no thread.
        """
        with self._changed:
            thread = self._thread
            self._is_ending = thread is not None
            self._changed.notify_all()
        if thread is not None:
            thread.join(seconds)

    def _start(self) -> None:
        """Start the thread; where the system gives none, lines wait for the next attempt."""
        thread = threading.Thread(target=self._run, name="log", daemon=True)
        with suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def _drop(self, lines: int) -> None:
        self._dropped += lines
        self._unreported += lines

    def _run(self) -> None:
        while lines := self._next():
            written = self._write_all(b"".join(lines))
            with self._changed:
                self._is_writing = False
                if not written:
                    self._drop(len(lines))
                elif self._unreported:
                    self._waiting.appendleft(self._describe(self._unreported).encode())
                    self._unreported = 0
                self._changed.notify_all()

    def _next(self) -> list[bytes]:
        """Wait for lines and return some; an empty list means that the thread is to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_ending)
            if not self._waiting:
                self._thread, self._is_ending = None, False
                return []
            count = min(len(self._waiting), LINES_TOGETHER)
            self._is_writing = True
            return [self._waiting.popleft() for _ in range(count)]

    def _write_all(self, content: bytes) -> bool:
        """Write everything, and tell whether that was possible."""
        rest = memoryview(b"\n" + content if self._is_torn else content)
        while rest:
            try:
                rest = rest[os.write(self._descriptor or 0, rest) :]
            except BlockingIOError:  # another process that shares the pipe made it so
                self._wait_until_ready()
            except OSError:
                self._is_torn = len(rest) < len(content)
                return False
        self._is_torn = False
        return True

    def _wait_until_ready(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor or 0, select.POLLOUT)
        poll.poll(_READY_MILLISECONDS)
