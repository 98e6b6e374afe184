"""Nudges: tell gateways that something was committed. Losing one costs 250 ms, never a referral.

One channel of the wake-up Valkey, ``rb:changed``. A nudge is an empty message: a gateway learns
from the ledger what has happened, and for whom. Valkey keeps no messages of a channel.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

from broker.conversations import within
from broker.heartbeats import Heartbeats
from broker.telemetry import error_fields, logger
from broker.time_limits import HEARTBEAT
from broker.transport.clients import valkey
from broker.transport.wakeups import (
    CHANNEL,
    PAUSE_SECONDS,
    TIMEOUT_SECONDS,
    TOTAL_SECONDS,
    CircuitBreaker,
)

EVERY_SECONDS = 0.02
"""Between two nudges of one process; what is committed meanwhile shares the next one."""
MOST_EACH_SECOND = 2_000
"""A gateway that hears more stops listening for a pause, and looks by itself meanwhile."""
CLOSE_SECONDS = 1.0
LISTENER = "nudges"
"""The name of the listener's thread."""
_log = logger("nudges")


class Nudges:
    """Sends nudges from a thread of its own, so that no caller ever waits for Valkey.

    Open it after a fork: the thread does not survive one.
    """

    def __init__(self, url: str) -> None:
        self._client = _client(url)
        self._circuit = CircuitBreaker(time.monotonic)
        self._requested, self._closing = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self) -> None:
        """Nudge every gateway, after a commit; return at once and never raise."""
        self._requested.set()
        if self._thread is None:
            with self._lock:
                self._start()

    def close(self) -> None:
        """Send what was asked for, then stop; waits a second at most."""
        with self._lock:
            self._closing.set()
        self._requested.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)
        with suppress(Exception):
            self._client.close()

    def _start(self) -> None:
        if self._thread is not None or self._closing.is_set():
            return
        thread = threading.Thread(target=self._run, name="nudges, sent", daemon=True)
        with suppress(RuntimeError):  # no thread to be had: gateways look by themselves
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        while True:
            self._requested.wait()
            self._requested.clear()
            is_last = self._closing.is_set()
            self._publish()
            if is_last:
                return
            self._closing.wait(EVERY_SECONDS)

    def _publish(self) -> None:
        if not self._circuit.is_closed():
            return
        try:
            with within(TOTAL_SECONDS):
                self._client.publish(CHANNEL, b"")
        except (RedisError, OSError):
            self._circuit.trip()


class Flooded(Exception):
    """Somebody sends more nudges than all processes together would."""


class NudgeListener:
    """Calls a function for each nudge, from a thread of its own.

    A silent connection is asked for an answer every ``HEARTBEAT`` seconds. One that fails is opened
    again after a pause; then the function is called too, because nudges may have been lost.
    """

    def __init__(self, url: str, on_nudge: Callable[[], object], heartbeats: Heartbeats) -> None:
        self._url, self._on_nudge, self._heartbeats = url, on_nudge, heartbeats
        self._closing = threading.Event()
        self._subscription: PubSub | None = None
        self._is_heard = True
        self._thread = threading.Thread(target=self._run, name=LISTENER, daemon=True)

    def start(self) -> None:
        """Begin to listen; the thread is watched from now on."""
        self._heartbeats.beat(LISTENER)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; waits a second at most."""
        self._closing.set()
        connection = self._subscription.connection if self._subscription else None
        if connection is not None:
            with suppress(Exception):
                connection.disconnect()  # ends the wait of the thread
        self._thread.join(CLOSE_SECONDS)

    def listen(self) -> None:
        """Listen on one connection until it fails, is flooded, or this is closed.

        Raises Flooded, and what redis-py raises.
        """
        with _client(self._url) as client, closing(client.pubsub()) as subscription:
            self._subscription = subscription
            subscription.subscribe(CHANNEL)
            self._read(subscription)

    def _run(self) -> None:
        """Listen until closed. A thread that dies is watched still, so that its end is noticed."""
        while not self._closing.is_set():
            try:
                self.listen()
            except Exception as error:
                if self._is_heard and not self._closing.is_set():
                    _log.warning("nudges not heard", **error_fields(error))
                self._is_heard = False
            self._heartbeats.beat(LISTENER)
            self._closing.wait(PAUSE_SECONDS)
        self._heartbeats.forget(LISTENER)

    def _read(self, subscription: PubSub) -> None:
        is_asked, since, count = False, time.monotonic(), 0
        while not self._closing.is_set():
            self._heartbeats.beat(LISTENER)
            message: dict[str, Any] | None = subscription.get_message(timeout=HEARTBEAT)
            if message is None:
                if is_asked:
                    raise TimeoutError("The Valkey of wake-ups does not answer.")
                subscription.ping()
                is_asked = True
                continue
            is_asked = False
            if message["type"] == "pong":
                continue
            self._is_heard = True
            self._on_nudge()
            now = time.monotonic()
            since, count = (since, count + 1) if now - since < 1 else (now, 1)
            if count > MOST_EACH_SECOND:
                raise Flooded


def _client(url: str) -> Redis:
    return valkey(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )
