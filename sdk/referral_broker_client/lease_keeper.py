"""The one background thread of a consumer: keeps leases alive, sends answers in batches.

All answers that wait go in one request. Under load many answers share it; at a trickle the batch
is one, and no answer waits for others.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic

from referral_broker_client.delivery import Answer, Delivery, Settled
from referral_broker_client.errors import ClientError, Unavailable, Unexpected
from referral_broker_client.http_client import HttpClient

log = logging.getLogger("referral_broker_client")

LARGEST_BATCH = 1_000
"""How many receipts the gateway takes in one request."""
EXTENSIONS_PER_LEASE = 3
"""A lease is extended after a third of its time, so that two extensions may fail."""
SHORTEST_EXTENSION_SECONDS, LONGEST_EXTENSION_SECONDS = 0.5, 30.0
PAUSE_SECONDS = 2.0
"""How long to pause when every retry failed to reach the gateway."""


class LeaseKeeper:
    """Extends the leases of the deliveries in hand until they are answered or released."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._changed = threading.Condition()
        self._held: dict[str, str] = {}
        self._answers: list[Answer] = []
        self._released: dict[str, str] = {}
        self._extension_seconds = LONGEST_EXTENSION_SECONDS
        self._extend_at = monotonic() + self._extension_seconds
        self._closing = False
        self._failure: ClientError | None = None
        self._thread: threading.Thread | None = None

    def hold(self, deliveries: Sequence[Delivery], *, answered_at: datetime | None) -> None:
        """Keep the leases of these alive; ``answered_at`` is the gateway's clock."""
        with self._changed:
            self._raise_failure()
            for delivery in deliveries:
                if delivery.lease is not None:
                    self._held[delivery.id] = delivery.lease.id
                    self._pace(delivery.lease.until, answered_at)
            self._start()
            self._changed.notify()

    def settle(self, delivery: Delivery, answer: Answer) -> None:
        """Send the answer soon; the lease is kept until it has arrived."""
        del delivery
        with self._changed:
            self._answers.append(answer)
            self._changed.notify()

    def release(self, delivery: Delivery) -> None:
        """Release the delivery soon."""
        with self._changed:
            lease = self._held.pop(delivery.id, None)
            if lease is not None:
                self._released[delivery.id] = lease
            self._changed.notify()

    def close(self) -> None:
        """Send what waits, end the thread, and raise the error that stopped it, if any."""
        with self._changed:
            self._closing = True
            self._released |= self._held_without_answer()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        self._raise_failure()

    def _held_without_answer(self) -> dict[str, str]:
        answered = {answer.delivery for answer in self._answers}
        return {id_: lease for id_, lease in self._held.items() if id_ not in answered}

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _pace(self, until: datetime, answered_at: datetime | None) -> None:
        """Measure the lease by the gateway's own clock, because ours may differ."""
        if answered_at is None:
            return
        third = (until - answered_at) / timedelta(seconds=EXTENSIONS_PER_LEASE)
        bounded = min(max(third, SHORTEST_EXTENSION_SECONDS), LONGEST_EXTENSION_SECONDS)
        if bounded != self._extension_seconds:
            self._extension_seconds = bounded
            self._extend_at = monotonic() + bounded

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while self._wait_for_something():
            try:
                self._work()
            except (Unavailable, Unexpected) as error:
                if not self._try_later(error):
                    return
            except ClientError as error:
                log.error("consumer stopped: %s", error.code or type(error).__name__)
                self._failure = error
                return

    def _wait_for_something(self) -> bool:
        """Sleep until there is something to send or to extend; False at the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._answers or self._released or self._closing,
                timeout=max(0.0, self._extend_at - monotonic()),
            )
            return bool(self._answers or self._released or not self._closing)

    def _work(self) -> None:
        self._send_answers()
        self._send_releases()
        if monotonic() >= self._extend_at:
            self._extend_at = monotonic() + self._extension_seconds
            self._extend()

    def _try_later(self, error: ClientError) -> bool:
        """Keep what could not be sent; give up only when the consumer is being closed."""
        with self._changed:
            log.warning("gateway unavailable: %d answers wait", len(self._answers))
            if self._closing:
                self._failure = error
                return False
            self._changed.wait_for(lambda: self._closing, timeout=PAUSE_SECONDS)
            return True

    def _send_answers(self) -> None:
        with self._changed:
            batch = self._answers[:LARGEST_BATCH]
        if not batch:
            return
        for settled in send(self._http, batch):
            if not settled.ok:
                log.warning("answer not recorded: %s %s", settled.result, settled.delivery)
        with self._changed:
            del self._answers[: len(batch)]
            for answer in batch:
                self._held.pop(answer.delivery, None)

    def _send_releases(self) -> None:
        with self._changed:
            batch = dict(self._released)
        if not batch:
            return
        self._http.post("/v1/leases/release", _leases(batch))
        with self._changed:
            for id_ in batch:
                self._released.pop(id_, None)
                self._held.pop(id_, None)

    def _extend(self) -> None:
        with self._changed:
            held = dict(self._held)
        if held:
            self._http.post("/v1/leases/extend", _leases(held))


def send(http: HttpClient, answers: Sequence[Answer]) -> list[Settled]:
    """Send answers in one request and return one result for each, in order."""
    reply = http.post("/v1/receipts", {"receipts": [answer.to_json() for answer in answers]})
    return [Settled.from_json(result) for result in reply.json()["results"]]


def _leases(held: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    return {"leases": [{"delivery": id_, "lease": lease} for id_, lease in held.items()]}
