"""Wake-ups: tell a worker that a lane has work. Losing one costs latency, never a referral.

Keys in the wake-up Valkey, all under the prefix ``rb:`` (so that an access rule can name them):

``rb:wake:<lane>``   a token with a life of 5 s: a wake-up is on its way, no second one is needed
``rb:<lane>``        Celery's own list of messages for the lane

A message carries the task's name and nothing else. A task deletes its lane's token before its
first SELECT, so whatever is committed later sends a wake-up of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from kombu import Connection, Producer
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from broker.domain.ids import NewId
from broker.failpoints import MARKED, Failpoint, no_failpoint

KEY_PREFIX = "rb:"
TOKEN_MILLISECONDS = 5_000
"""The token lives so long at most; a worker that died with it delays its lane no longer."""
TIMEOUT_SECONDS = 0.5
PAUSE_SECONDS = 1.0
"""After a failure nothing is tried for so long; the sweeper finds the work meanwhile."""
TRANSPORT_OPTIONS = {
    "global_keyprefix": KEY_PREFIX,
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
    "socket_keepalive": True,
}


class Wakeups:
    """Wakes lanes from a thread of its own, so that no caller ever waits for Valkey.

    Open it after a fork: the thread does not survive one.
    """

    def __init__(self, url: str, *, new_id: NewId, reached: Failpoint = no_failpoint) -> None:
        self._new_id = new_id
        self._reached = reached
        self._tokens = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._connection = Connection(url, transport_options=TRANSPORT_OPTIONS)
        self._circuit = Circuit(time.monotonic)
        self._changed = threading.Condition()
        self._asked: set[str] = set()
        self._closing = False
        self._thread: threading.Thread | None = None

    def wake(self, lane: str) -> None:
        """Ask for the lane to be woken; return at once and never raise."""
        with self._changed:
            if self._closing:
                return
            self._asked.add(lane)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wakeups", daemon=True)
                self._thread.start()
            self._changed.notify()

    def take(self, lane: str) -> None:
        """Delete the lane's token, before the first SELECT; never raise.

        When Valkey is away the token is, too, or lapses by itself.
        """
        if self._circuit.is_closed():
            self._try(partial(self._tokens.delete, _token(lane)))

    def waiting(self, lanes: Sequence[str]) -> dict[str, int] | None:
        """Return how many wake-ups no worker has taken, by lane; None while Valkey is away."""
        found: dict[str, int] = {}
        if self._circuit.is_closed():
            self._try(lambda: found.update({lane: self._length(lane) for lane in lanes}))
        return found if len(found) == len(lanes) else None

    def close(self) -> None:
        """Send what was asked for, then stop; waits a second at most."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(2 * TIMEOUT_SECONDS)
        with suppress(Exception):
            self._connection.release()
            self._tokens.close()

    def _run(self) -> None:
        while lanes := self._next():
            for lane in sorted(lanes):
                if self._circuit.is_closed():
                    self._try(partial(self._wake, lane))

    def _next(self) -> set[str]:
        """Wait until lanes are asked for; an empty set means that it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked or self._closing)
            lanes, self._asked = self._asked, set()
            return lanes

    def _wake(self, lane: str) -> None:
        if self._tokens.set(_token(lane), 1, nx=True, px=TOKEN_MILLISECONDS):
            self._reached(MARKED)
            self._publish(lane)

    def _length(self, lane: str) -> int:
        return self._tokens.llen(f"{KEY_PREFIX}{lane}")

    def _publish(self, lane: str) -> None:
        """Send a task message as Celery's protocol, version 2, defines it: no arguments."""
        task_id = str(self._new_id())
        Producer(self._connection.default_channel).publish(
            [[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}],
            exchange="",
            routing_key=lane,
            serializer="json",
            headers={"lang": "py", "task": task_name(lane), "id": task_id, "root_id": task_id},
            correlation_id=task_id,
        )

    def _try(self, action: Callable[[], object]) -> None:
        """Do it, or note that Valkey is away: a wake-up that fails must harm nobody."""
        try:
            action()
        except (RedisError, OSError, *self._connection.connection_errors):
            self._circuit.trip()
            with suppress(Exception):
                self._connection.collapse()


class Circuit:
    """Remembers that something is away, so that it is tried once a second and not every time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._open_until = 0.0

    def is_closed(self) -> bool:
        """Say whether it is worth a try."""
        return self._monotonic() >= self._open_until

    def trip(self) -> None:
        """Give it a pause."""
        self._open_until = self._monotonic() + PAUSE_SECONDS


def task_name(lane: str) -> str:
    """Return the Celery task that drains the lane."""
    return f"broker.{lane}"


def _token(lane: str) -> str:
    return f"{KEY_PREFIX}wake:{lane}"
