"""The agency side over a message broker: consume ``agency.<code>``, answer on ``receipts``.

Needs the extra ``queue`` (Kombu). The messages are copies. Until the broker has a receipt it sends
a delivery again under the same id, even if the message broker loses everything.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kombu import Connection, Consumer, Producer, Queue
from kombu.exceptions import KombuError

from referral_broker_client.delivery import Answer, Delivery
from referral_broker_client.errors import Invalid, Unavailable
from referral_broker_client.http_client import encode
from referral_broker_client.work_loop import WorkLoop

log = logging.getLogger("referral_broker_client")

RECEIPTS_QUEUE = "receipts"
PAUSE_SECONDS = 2.0
"""How long to pause before the next try when the message broker could not be reached."""
BATCH_SECONDS = 0.02
"""How long to look for a further message of the same batch."""
LARGEST_MESSAGE = 100
"""How many receipts go into one message at most."""
LONGEST_UNSENT_SECONDS = 1.0
"""How long an answer waits at most for others to share its message."""
TRANSPORT_OPTIONS = {
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 5,
}
"""Without these Kombu waits for ever on a connection that only looks open."""


class QueueConsumer(WorkLoop):
    """The same loop as ``Consumer`` for agencies that consume a queue. Use it in one thread.

    ``key`` signs the receipts and is never sent. A message that is not a delivery for this agency
    is dropped with a warning that holds none of its content; the broker sends the real one again.
    """

    def __init__(
        self,
        exchange_url: str,
        agency: str,
        key: str,
        *,
        by: str,
        batch: int = 20,
        wait: float = 20,
    ) -> None:
        super().__init__(wait=wait)
        self._url = exchange_url
        self._agency = agency
        self._signer = Signer(key)
        self._by = by
        self._batch = batch
        self._connection: Connection | None = None
        self._consumer: Consumer | None = None
        self._in_hand: dict[Delivery, Any] = {}
        self._arrived: list[Delivery] = []
        self._unsent: list[Answer] = []
        self._unacked: list[Any] = []
        self._unsent_since = 0.0

    def close(self) -> None:
        """Send the answers that still wait and release the rest.

        Raises ``Unavailable`` when the message broker cannot be reached; the broker sends the
        deliveries again.
        """
        try:
            self._flush()
            self._release(list(self._in_hand))
        finally:
            self._drop()

    def answer(self, *answers: Answer) -> None:
        """Send answers now, such as a person's decision days later.

        A queue brings no result back: ask the gateway for it (`Consumer.delivery`).
        """
        self._unsent.extend(replace(answer, lease=None) for answer in answers)
        self._flush()

    def settle(self, delivery: Delivery, answer: Answer) -> None:
        """Send the answer of a delivery's clean exit, with others of its batch.

        The answer carries no lease: the copy in a queue may outlive the lease of the push.
        """
        self._unsent_since = self._unsent_since or time.monotonic()
        self._unsent.append(replace(answer, lease=None))
        self._unacked.append(self._in_hand.pop(delivery, None))
        if not self._fetched or time.monotonic() - self._unsent_since > LONGEST_UNSENT_SECONDS:
            self._flush_if_possible()

    def release(self, delivery: Delivery) -> None:
        """Put the delivery back into the queue."""
        self._release([delivery])

    def _release(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            message = self._in_hand.pop(delivery, None)
            if message is not None:
                with suppress(Unavailable), self._connection_faults():
                    message.requeue()

    def _poll(self) -> Sequence[Delivery]:
        self._arrived = []
        try:
            with self._connection_faults():
                self._flush()
                self._fill()
        except Unavailable:
            if not self._wait:
                raise
            log.warning("message broker unavailable: retrying in %g s", PAUSE_SECONDS)
            self._stopping.wait(PAUSE_SECONDS)
        return self._arrived

    def _fill(self) -> None:
        """Wait for a first message, then take those that are there already.

        Kombu raises when it reads an element of the queue that is not a message. The element has
        left the queue by then, and the connection is opened afresh.
        """
        patience = self._wait or BATCH_SECONDS
        try:
            while len(self._arrived) < self._batch:
                self._consuming().drain_events(timeout=patience)
                patience = BATCH_SECONDS
        except TimeoutError:
            return
        except (AttributeError, KeyError, TypeError, ValueError):
            log.warning("dropped an element of %s that is no message", self._agency)
            self._drop()

    def _receive(self, message: Any) -> None:
        try:
            delivery = self._read(message.body)
        except (ValueError, RecursionError):
            log.warning("dropped a message of %s that is no delivery of its own", self._agency)
            message.reject()
            return
        self._in_hand[delivery] = message
        self._arrived.append(delivery)

    def _read(self, body: bytes | str) -> Delivery:
        value = json.loads(body)
        delivery = Delivery.from_json(value, holder=self, by=self._by)
        if delivery.agency != self._agency:
            raise ValueError("another agency's")
        return delivery

    def _flush_if_possible(self) -> None:
        """Send the answers now; when that fails they go with the next poll."""
        try:
            self._flush()
        except Unavailable:
            log.warning("message broker unavailable: %d answers wait", len(self._unsent))

    def _flush(self) -> None:
        """Send every waiting answer, then settle the messages behind them."""
        with self._connection_faults():
            while self._unsent:
                self._publish(self._unsent[:LARGEST_MESSAGE])
                del self._unsent[:LARGEST_MESSAGE]
            self._unsent_since = 0.0
            self._acknowledge_messages()

    def _publish(self, answers: Sequence[Answer]) -> None:
        """Publish one signed message."""
        body = encode({"receipts": [answer.to_json() for answer in answers]})
        Producer(self._connected().default_channel).publish(
            body,
            exchange="",
            routing_key=RECEIPTS_QUEUE,
            content_type="application/json",
            content_encoding="utf-8",
            headers=self._signer.headers(body),
            declare=[Queue(RECEIPTS_QUEUE, durable=True)],
        )

    def _acknowledge_messages(self) -> None:
        messages, self._unacked = self._unacked, []
        for message in messages:
            if message is not None:
                message.ack()

    def _connected(self) -> Connection:
        """Return the open connection, after opening it if need be."""
        if self._connection is None:
            self._connection = Connection(self._url, transport_options=TRANSPORT_OPTIONS)
            self._connection.ensure_connection(max_retries=1, timeout=PAUSE_SECONDS)
        return self._connection

    def _consuming(self) -> Connection:
        """Return the open connection, on which the agency's queue is consumed."""
        connection = self._connected()
        if self._consumer is None:
            self._consumer = Consumer(
                connection.default_channel,
                queues=[Queue(f"agency.{self._agency}", durable=True)],
                on_message=self._receive,
                prefetch_count=self._batch,
            )
            self._consumer.consume()
        return connection

    @contextmanager
    def _connection_faults(self) -> Iterator[None]:
        """Raise ``Unavailable`` for a fault of the connection, and open a new one next time."""
        try:
            yield
        except _connection_errors(self._connection) as error:
            self._drop()
            raise Unavailable("The message broker cannot be reached.") from error

    def _drop(self) -> None:
        """Forget the connection and what was unsettled on it; the messages come again."""
        connection, self._connection, self._consumer = self._connection, None, None
        if connection is not None:
            with suppress(Exception):
                connection.release()
        self._in_hand.clear()
        self._unacked.clear()
        self._arrived.clear()


class Signer:
    """Signs receipts for the ``receipts`` queue with a key ``rb_<id>_<secret>``."""

    def __init__(self, key: str) -> None:
        prefix, _, rest = key.partition("_")
        self._id, _, secret = rest.partition("_")
        if prefix != "rb" or not self._id or not secret:
            raise Invalid("A key looks like rb_<id>_<secret>.")
        self._key = hashlib.sha256(secret.encode()).digest()

    def headers(self, body: bytes) -> Mapping[str, str]:
        """Return the headers that prove who signed this, and when."""
        signed_at = datetime.fromtimestamp(time.time(), UTC).isoformat()
        return {
            "X-Broker-Key": self._id,
            "X-Broker-Time": signed_at,
            "X-Broker-Signature": signature(self._key, signed_at, body),
        }


def signature(key: bytes, signed_at: str, body: bytes) -> str:
    """Return the hex HMAC-SHA256 over time and body; ``key`` is the SHA-256 of the secret."""
    return hmac.new(key, signed_at.encode() + b"\n" + body, hashlib.sha256).hexdigest()


def _connection_errors(connection: Connection | None) -> tuple[type[BaseException], ...]:
    """Return what Kombu and its driver raise when the message broker is unreachable."""
    errors: tuple[type[BaseException], ...] = (OSError, KombuError)
    if connection is not None:
        errors += connection.connection_errors + connection.channel_errors
    return errors
