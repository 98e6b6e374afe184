"""Wake-ups: tell a worker that a task queue has work. Losing one costs latency, never a referral.

Keys in the wake-up Valkey, all under the prefix ``rb:`` (so that an access rule can name them):

``rb:wake:<name>``   a token with a life of 5 s: a wake-up is on its way, no second one is needed
``rb:<name>``        Celery's own list of messages for the task queue

The channel ``rb:changed`` carries nudges (``broker.transport.nudges``).

A message carries the task's name and nothing else. A task deletes the token of its queue
before its first SELECT, so whatever is committed later sends a wake-up of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from kombu import Producer
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from broker.conversations import within
from broker.domain.ids import NewId
from broker.failpoints import MARKED, Failpoint, no_failpoint
from broker.transport import lasting_faults
from broker.transport.clients import kombu_connection, valkey

KEY_PREFIX = "rb:"
CHANNEL = f"{KEY_PREFIX}changed"
TOKEN_MILLISECONDS = 5_000
"""The token lives so long at most; a worker that died with it delays its queue no longer."""
TIMEOUT_SECONDS = 0.5
"""To connect, and for each wait."""
TOTAL_SECONDS = 2.0
"""For one conversation, however slowly Valkey sends its answers."""
PAUSE_SECONDS = 1.0
"""After a failure nothing is tried for so long; the sweeper finds the work meanwhile."""
TRANSPORT_OPTIONS = {
    "global_keyprefix": KEY_PREFIX,
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
    "socket_keepalive": True,
}


class Wakeups:
    """Sends wake-ups from a thread of its own, so that no caller ever waits for Valkey.

    Open it after a fork: the thread does not survive one.
    """

    def __init__(self, url: str, *, new_id: NewId, hit: Failpoint = no_failpoint) -> None:
        self._new_id = new_id
        self._hit = hit
        self._tokens = valkey(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._connection = kombu_connection(url, TRANSPORT_OPTIONS)
        self._circuit = CircuitBreaker(time.monotonic)
        self._changed = threading.Condition()
        self._requested: set[str] = set()
        self._closing = False
        self._thread: threading.Thread | None = None

    def notify(self, task_queue: str) -> None:
        """Ask for a wake-up of a task queue; return at once and never raise."""
        with self._changed:
            if self._closing:
                return
            self._requested.add(task_queue)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="wakeups", daemon=True)
                with suppress(RuntimeError):  # no thread to be had: the sweeper finds the work
                    thread.start()
                    self._thread = thread
            self._changed.notify()

    def clear(self, task_queue: str) -> None:
        """Delete the token of a task queue, before the first SELECT; never raise.

        While Valkey is unavailable nothing is done; the token lapses by itself.
        """
        if self._circuit.is_closed():
            self._try(partial(self._tokens.delete, _token(task_queue)))

    def waiting(self, task_queues: Sequence[str]) -> dict[str, int] | None:
        """Return how many wake-ups no worker has taken, by task queue; None without Valkey."""
        counts: dict[str, int] = {}
        if self._circuit.is_closed():
            self._try(lambda: counts.update({name: self._length(name) for name in task_queues}))
        return counts if len(counts) == len(task_queues) else None

    def check(self) -> None:
        """Do what wake-ups and nudges do. Raises Misconfigured, Unavailable."""
        key = f"{KEY_PREFIX}doctor"
        try:
            with within(TOTAL_SECONDS), self._tokens.pipeline() as asked:
                asked.set(_token("doctor"), 1, nx=True, px=1)
                asked.llen(key)
                asked.lpush(key, "")
                asked.rpop(key)
                asked.hset(key, "tag", "")
                asked.hdel(key, "tag")
                asked.delete(_token("doctor"))
                asked.publish(CHANNEL, b"")
                asked.execute()
            with within(TOTAL_SECONDS):
                self._connection.connect()
        except (RedisError, OSError, *self._connection.connection_errors) as error:
            raise lasting_faults.of(error, "The Valkey of wake-ups") from error

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
        while task_queues := self._next():
            for task_queue in sorted(task_queues):
                if self._circuit.is_closed():
                    self._try(partial(self._wake, task_queue))

    def _next(self) -> set[str]:
        """Wait until a wake-up is asked for; an empty set means that it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._requested or self._closing)
            task_queues, self._requested = self._requested, set()
            return task_queues

    def _wake(self, task_queue: str) -> None:
        if self._tokens.set(_token(task_queue), 1, nx=True, px=TOKEN_MILLISECONDS):
            self._hit(MARKED)
            self._publish(task_queue)

    def _length(self, task_queue: str) -> int:
        return self._tokens.llen(f"{KEY_PREFIX}{task_queue}")

    def _publish(self, task_queue: str) -> None:
        """Send a task message as Celery's protocol, version 2, defines it: no arguments."""
        task_id = str(self._new_id())
        Producer(self._connection.default_channel).publish(
            [[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}],
            exchange="",
            routing_key=task_queue,
            serializer="json",
            headers={
                "lang": "py",
                "task": task_name(task_queue),
                "id": task_id,
                "root_id": task_id,
            },
            correlation_id=task_id,
        )

    def _try(self, action: Callable[[], object]) -> None:
        """Do it, or note that Valkey is unavailable: a failed wake-up must fail nothing else."""
        try:
            with within(TOTAL_SECONDS):
                action()
        except (RedisError, OSError, *self._connection.connection_errors):
            self._circuit.trip()
            with suppress(Exception):
                self._connection.collapse()


class CircuitBreaker:
    """Remembers that a server is unavailable, so that it is tried once a second only."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._open_until = 0.0

    def is_closed(self) -> bool:
        """Say whether it is worth a try."""
        return self._monotonic() >= self._open_until

    def trip(self) -> None:
        """Give it a pause."""
        self._open_until = self._monotonic() + PAUSE_SECONDS


def task_name(task_queue: str) -> str:
    """Return the Celery task that drains the task queue."""
    return f"broker.{task_queue}"


def _token(task_queue: str) -> str:
    return f"{KEY_PREFIX}wake:{task_queue}"
