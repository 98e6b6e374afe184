"""The agency side over a message broker: consume ``agency.<code>``, answer on ``receipts``.

Needs the extra ``queue`` (Kombu). The messages are copies. Until the broker has a receipt it sends
a delivery again under the same id, even if the message broker loses everything.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kombu import Connection, Consumer, Producer, Queue
from kombu.exceptions import KombuError

from referral_broker_client.delivery import COLLECTED, Answer, Delivery
from referral_broker_client.errors import Unavailable
from referral_broker_client.http_client import encode
from referral_broker_client.queue_memory import RECALL, Replaced
from referral_broker_client.queue_signatures import QueueKeys, Untrusted, open_copy
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
    "read_timeout": 10,
    "write_timeout": 10,
    "ack_emulation": False,
    "priority_steps": [0],
}
"""Without the first six Kombu waits for ever on a connection that only looks open. With the last
two it touches no key of a Valkey but the queue itself, which is all that an agency's user may: what
a crashed consumer had in hand is sent again by the broker, and not kept beside every other
agency's."""
DROPPED = "dropped a message of %s that is no delivery of its own: %s"


class QueueConsumer(WorkLoop):
    """The same loop as ``Consumer`` for agencies that consume a queue. Use it in one thread.

    ``keys`` are the agency's own, which signs the receipts, and the broker's public ones. A
    message that the broker did not sign for this agency is dropped with a warning that holds none
    of its content, and counted in ``dropped``; so is a delivery whose correction or recall was
    settled here. The broker sends the real one again.

    A process remembers for itself what was replaced; ``remember_in`` shares it and outlives it.
    """

    def __init__(
        self,
        exchange_url: str,
        agency: str,
        keys: QueueKeys,
        *,
        by: str,
        batch: int = 20,
        wait: float = 20,
    ) -> None:
        super().__init__(wait=wait)
        self._url = exchange_url
        self._agency = agency
        self._keys = keys
        self._by = by
        self._batch = batch
        self._connection: Connection | None = None
        self._consumer: Consumer | None = None
        self._in_hand: dict[Delivery, Any] = {}
        self._arrived: list[Delivery] = []
        self._unsent: list[Answer] = []
        self._unacked: list[Any] = []
        self._unsent_since = 0.0
        self._replaced = Replaced()
        self.dropped = 0
        """How many messages were dropped since the start."""

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
            self._replaced.close()

    def remember_in(self, file: Path) -> None:
        """Remember what was replaced in a file of ids, over restarts and with other processes.

        Call it before the first delivery. Raises sqlite3.Error when it cannot be written.
        """
        before, self._replaced = self._replaced, Replaced(file)
        before.close()

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
        if delivery.kind == RECALL:
            self._replaced.add_recalled(delivery)
        elif delivery.follows is not None:
            self._replaced.add(delivery.follows)
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
                self._drop_recalled()
        except Unavailable:
            if not self._wait:
                raise
            log.warning("message broker unavailable: retrying in %g s", PAUSE_SECONDS)
            self._stopping.wait(PAUSE_SECONDS)
        return self._arrived

    def _drop_recalled(self) -> None:
        """Drop what has its recall behind it in the same batch, and was not handed over yet."""
        recalled: set[str] = set()
        for offered in self._arrived:
            if offered.kind == RECALL:
                recalled.update((offered.referral,) if offered.recalls is None else offered.recalls)
        for offered in list(self._arrived):
            if offered.kind != RECALL and not recalled.isdisjoint((offered.referral, offered.id)):
                self._arrived.remove(offered)
                self._refuse(self._in_hand.pop(offered), "recalled")

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
        except (ValueError, RecursionError) as error:
            self._refuse(message, _reason(error))
            return
        except Unavailable:
            message.requeue()
            raise
        if delivery.id in self._replaced:
            # Its agency has the later version, which is the whole of it; it is still decided.
            self._refuse(message, "corrected")
            self._unsent.append(Answer(delivery=delivery.id, stage=COLLECTED, by=self._by))
            return
        self._in_hand[delivery] = message
        self._arrived.append(delivery)

    def _refuse(self, message: Any, reason: str) -> None:
        self.dropped += 1
        log.warning(DROPPED, self._agency, reason)
        message.reject()

    def _read(self, body: bytes | str) -> Delivery:
        value = open_copy(
            body,
            agency=self._agency,
            keys=self._keys.broker,
            decryption=self._keys.decryption,
        )
        delivery = Delivery.from_json(value, holder=self, by=self._by)
        if self._replaced.is_recalled(delivery):
            raise Untrusted("recalled")
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
        connection = self._connected()
        # A Valkey has lists alone; a RabbitMQ lets an agency publish to this exchange alone.
        is_list = connection.transport.driver_type == "redis"
        Producer(connection.default_channel).publish(
            self._keys.own.sign(self._agency, body),
            exchange="" if is_list else RECEIPTS_QUEUE,
            routing_key=RECEIPTS_QUEUE,
            content_type="application/jose",
            content_encoding="utf-8",
        )

    def _acknowledge_messages(self) -> None:
        messages, self._unacked = self._unacked, []
        for message in messages:
            if message is not None:
                message.ack()

    def _connected(self) -> Connection:
        """Return the open connection, after opening it if need be."""
        if self._connection is None:
            self._connection = opened(self._url)
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
                auto_declare=False,  # the broker makes the queue, and an agency may make none
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


def opened(url: str) -> Connection:
    """Return a connection to an address, which may name sentinels; it is opened when it is used.

    ``sentinel://user:password@host:26379,host2:26379/group/0?sentinel_password=…``
    """
    parts = urlsplit(url)
    if parts.scheme != "sentinel":
        return Connection(url, transport_options=TRANSPORT_OPTIONS)
    user, at, hosts = parts.netloc.rpartition("@")
    group, _, database = parts.path.strip("/").partition("/")
    query = dict(parse_qsl(parts.query))
    login = {name.removeprefix("sentinel_"): value for name, value in query.items()}
    times = {"socket_timeout": 3, "socket_connect_timeout": 3, "retry": None}
    options = {"master_name": group, "sentinel_kwargs": {**times, **login}}
    listed = (f"sentinel://{user}{at}{host}/{database or 0}" for host in hosts.split(","))
    return Connection(";".join(listed), transport_options={**TRANSPORT_OPTIONS, **options})


def _reason(error: Exception) -> str:
    """Return why a message was dropped, without anything of what it holds."""
    return str(error) if isinstance(error, Untrusted) else "not in its form"


def _connection_errors(connection: Connection | None) -> tuple[type[BaseException], ...]:
    """Return what Kombu and its driver raise when the message broker is unreachable."""
    errors: tuple[type[BaseException], ...] = (OSError, KombuError)
    if connection is not None:
        errors += connection.connection_errors + connection.channel_errors
    return errors
