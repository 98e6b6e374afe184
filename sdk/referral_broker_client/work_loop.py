"""The loop behind ``for delivery in consumer``: polls in batches, yields singly, drains on stop."""

from __future__ import annotations

import signal
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from referral_broker_client.delivery import Delivery


class _Drain(BaseException):
    """Raised by our SIGTERM handler to end a wait; never leaves this module."""


class WorkLoop(ABC):
    """Yields deliveries until it is stopped; releases what was fetched and not begun.

    In the main thread, SIGTERM drains while the loop runs: the delivery in hand is finished,
    the others are released, answers are sent, and the loop ends. The previous handler is
    then restored. In other threads, call ``stop``.
    """

    def __init__(self, *, wait: float) -> None:
        self._wait = wait
        self._stopping = threading.Event()
        self._polling = False
        self._fetched: deque[Delivery] = deque()

    def __iter__(self) -> Iterator[Delivery]:
        with self._draining_on_sigterm():
            try:
                yield from self._deliveries()
            finally:
                self._release_fetched()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._release_fetched()
        self.close()

    def stop(self) -> None:
        """End the loop after the delivery in hand, at the latest when the present wait ends."""
        self._stopping.set()

    @abstractmethod
    def close(self) -> None:
        """Send the answers that still wait, release the rest and end the background work."""

    @abstractmethod
    def _poll(self) -> Sequence[Delivery]:
        """Wait for deliveries, up to the consumer's ``wait``; none is a normal answer."""

    @abstractmethod
    def _release(self, deliveries: Sequence[Delivery]) -> None:
        """Release deliveries that were not begun."""

    def _deliveries(self) -> Iterator[Delivery]:
        while not self._stopping.is_set():
            self._fetched.extend(self._poll_unless_drained())
            if not self._fetched and not self._wait:
                return
            while self._fetched and not self._stopping.is_set():
                yield self._fetched.popleft()

    def _poll_unless_drained(self) -> Sequence[Delivery]:
        """Poll; SIGTERM ends the wait at once, and no delivery is held then."""
        try:
            self._polling = True
            if self._stopping.is_set():
                return ()
            return self._poll()
        except _Drain:
            return ()
        finally:
            self._polling = False

    def _release_fetched(self) -> None:
        if self._fetched:
            self._release(list(self._fetched))
            self._fetched.clear()

    @contextmanager
    def _draining_on_sigterm(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._on_sigterm)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _on_sigterm(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()
        if self._polling:
            self._polling = False
            raise _Drain
