"""Agency queues: copies of deliveries out on ``agency.<code>``, receipts back on ``receipts``.

It has a message broker of its own, so that no agency can ever touch the wake-ups. Whatever lies in
a queue may be garbage: an element that is not even a message is dropped, and the next one is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from amqp.exceptions import MessageNacked
from kombu import Connection, Consumer, Exchange, Producer, Queue, compression
from kombu.exceptions import KombuError

from broker.conversations import within
from broker.domain.ids import OrganisationCode
from broker.telemetry import error_fields, logger
from broker.transport import lasting_faults, rabbitmq
from broker.transport.clients import kombu_connection
from broker.transport.tolerant_redis import GARBAGE

RECEIPTS_QUEUE = "receipts"
LONGEST_QUEUE = 10_000
"""Copies in one agency's queue; beyond it they wait in the ledger, where they are ordered."""
MESSAGES_IN_A_PIPELINE = 200
ELEMENTS_READ = 100
"""How many elements of a list are read at a time to find what a recall replaces."""
TOTAL_SECONDS = 20.0
"""For one conversation, such as the sending of a batch, however slowly the answers come."""
CLOSING_SECONDS = 2.0
"""To hang up in order."""
BATCH_SECONDS = 0.02
"""How long to look for a further message of the same batch."""
TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 5,
    "visibility_timeout": 60,
    "unacked_key": "receipts.unacked",
    "unacked_index_key": "receipts.unacked_index",
    "unacked_mutex_key": "receipts.unacked_mutex",
    "confirm_publish": True,
}
"""Without the first four Kombu waits for ever for a Valkey that only looks alive; the limits for a
RabbitMQ are in ``bound_connections``. Receipts that a worker took and did not settle come again
after a minute, so that they are not late by then; they are kept apart from what agencies have
taken, so that no agency can read them. A RabbitMQ confirms each message (the last)."""
QUEUE_FULL, REFUSED = "queue_full", "refused_by_exchange"
"""Why a copy was not taken; the second until somebody corrects the exchange."""
SERVER = "The agencies' message broker"
_log = logger("queues")


@dataclass(frozen=True, slots=True)
class Copy:
    """One delivery as it goes into its agency's queue."""

    agency: OrganisationCode
    id: str
    """The delivery's id, the same one however often it is sent."""
    body: bytes
    """The delivery, signed for its agency."""
    referral: str = ""
    """What all deliveries of a referral have in common; it names nothing outside the broker."""
    is_recall: bool = False
    """Whether it takes the place of other copies of its referral that still lie there."""
    replaces: frozenset[str] | None = None
    """For a recall the deliveries whose copies it replaces; None: every other one."""


@dataclass(frozen=True, slots=True)
class SignedReceipts:
    """One message from ``receipts``, as it came: neither its signature nor its form is checked."""

    headers: Mapping[str, Any]
    body: bytes


class AgencyQueues:
    """A connection to the agencies' message broker; opened when needed, reopened when lost.

    Use it in one thread. Raises ``Unavailable`` when the message broker does not answer: what was
    being sent may have arrived or not, and is sent again under the same id. Raises its
    ``Misconfigured`` when it refuses for good. ``queue_type`` is that of queues that are not there
    yet, at a RabbitMQ: ``quorum`` or ``classic``.
    """

    def __init__(
        self, url: str, *, longest: int = LONGEST_QUEUE, queue_type: str = "quorum"
    ) -> None:
        # A small message can unpack to gigabytes before any look at its signature, and Kombu has
        # no other switch.
        compression._decoders.clear()
        self._url = url
        self._longest = longest
        self._made_as = {"x-queue-type": queue_type}
        self._connection: Connection | None = None
        self._consumer: Consumer | None = None
        self._arrived: list[Any] = []

    def check(self) -> None:
        """Ask whether copies would be taken and receipts be given; send and take nothing.

        Raises ``Unavailable`` when the message broker does not answer.
        """
        with self._talking():
            connection = self._connected()
            if _is_redis(connection):
                self._receipts_queue()(connection.default_channel).declare()
                _check_list(connection.default_channel.client)
                return
            rabbitmq.messages_in(connection, self._receipts_queue())
            rabbitmq.check_receiving(connection, RECEIPTS_QUEUE)
            rabbitmq.check_publishing(connection, NOBODYS_QUEUE)

    def prepare(self, agency: OrganisationCode) -> None:
        """Make an agency's queue and that of receipts, since the agency may make none.

        Raises ``Unavailable`` when the message broker does not answer.
        """
        self.check()
        with self._talking():
            self._room(agency)

    def publish(self, copies: Sequence[Copy]) -> list[str]:
        """Put each copy in its agency's queue; return why each was not taken, empty where it was.

        What a recall replaces is removed first, where the message broker can: a RabbitMQ cannot,
        and there the agency drops it.
        """
        with self._talking():
            for copy in copies:
                if copy.is_recall:
                    self._remove_replaced(copy)
            room = {agency: self._room(agency) for agency in {copy.agency for copy in copies}}
            producer = Producer(self._connected().default_channel)
            with producer.batch(MESSAGES_IN_A_PIPELINE):
                return [self._put(copy, room, producer) for copy in copies]

    def receive(self, handle: Callable[[SignedReceipts], None], *, limit: int, wait: float) -> int:
        """Hand over what waits in ``receipts``, ``limit`` messages at most; return how many.

        Each is acknowledged after ``handle`` returns, which is after its commit: when ``handle``
        raises, that message and those behind it come again.
        """
        with self._talking():
            self._gather(limit, wait)
        for message in self._arrived:
            self._hand_over(message, handle)
        return len(self._arrived)

    def close(self) -> None:
        """Give back what was not acknowledged, and hang up."""
        self._drop()

    def _put(self, copy: Copy, room: dict[OrganisationCode, int | None], producer: Producer) -> str:
        left = room[copy.agency]
        if left is None:
            return REFUSED
        room[copy.agency] = left - 1
        if left < 1:
            return QUEUE_FULL
        try:
            rabbitmq.publish(
                producer,
                copy.body,
                routing_key=queue_name(copy.agency),
                content_type="application/jose",
                content_encoding="utf-8",
                message_id=copy.id,
                correlation_id=copy.referral,
            )
        except MessageNacked:
            return QUEUE_FULL
        return ""

    def _remove_replaced(self, recall: Copy) -> None:
        """Remove the other copies of a recalled referral from a Valkey's list.

        It is read from the end where copies are added, so that those who take from the other end
        meanwhile move none of what is still to be read.
        """
        connection = self._connected()
        if not _is_redis(connection):
            return
        valkey: Any = connection.default_channel.client
        name, start = queue_name(recall.agency), 0
        while elements := valkey.lrange(name, start, start + ELEMENTS_READ - 1):
            replaced = {element for element in elements if _is_replaced(element, recall)}
            removed = sum(int(valkey.lrem(name, 0, element)) for element in replaced)
            start += max(len(elements) - removed, 0)

    def _room(self, agency: OrganisationCode) -> int | None:
        """Return how many more copies an agency's queue takes; None when it is refused to us."""
        connection, name = self._connected(), queue_name(agency)
        if _is_redis(connection):
            declared = Queue(name, durable=True)(connection.default_channel)
            return self._longest - int(declared.queue_declare().message_count)
        queue = Queue(name, durable=True, queue_arguments=self._made_as)
        try:
            return self._longest - rabbitmq.messages_in(connection, queue)
        except connection.channel_errors as error:
            # That of one agency: the others' copies go on.
            if not lasting_faults.is_lasting(error):
                raise
            _log.error("queue refused by the exchange", agency=agency, **error_fields(error))
            return None

    def _gather(self, limit: int, wait: float) -> None:
        """Wait for a first message, then take those that are there already."""
        self._arrived = []
        connection = self._consuming(limit)
        patience = wait
        with suppress(TimeoutError):
            while len(self._arrived) < limit:
                connection.drain_events(timeout=patience)
                patience = BATCH_SECONDS

    def _hand_over(self, message: Any, handle: Callable[[SignedReceipts], None]) -> None:
        try:
            handle(SignedReceipts(message.headers, _bytes(message.body)))
        except BaseException:
            self._drop()
            raise
        with self._talking():
            message.ack()

    def _consuming(self, prefetch: int) -> Connection:
        connection = self._connected()
        if self._consumer is None:
            queue = self._receipts_queue()
            if not _is_redis(connection):
                rabbitmq.messages_in(connection, queue)
            self._consumer = Consumer(
                connection.default_channel,
                queues=[queue],
                on_message=self._arrive,
                prefetch_count=prefetch,
                auto_declare=_is_redis(connection),
            )
            self._consumer.consume()
        return connection

    def _receipts_queue(self) -> Queue:
        """Return the queue of receipts; at a RabbitMQ with the exchange that agencies reach."""
        if _is_redis(self._connected()):
            return Queue(RECEIPTS_QUEUE, durable=True)
        exchange = Exchange(RECEIPTS_QUEUE, "fanout", durable=True)
        return Queue(RECEIPTS_QUEUE, exchange, durable=True, queue_arguments=self._made_as)

    def _arrive(self, message: Any) -> None:
        self._arrived.append(message)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = kombu_connection(self._url, TRANSPORT_OPTIONS)
            self._connection.ensure_connection(max_retries=1, timeout=2)
        return self._connection

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Turn a connection error, or garbage in a queue, into ``Unavailable``, and reconnect.

        An element of a queue that is no message makes Kombu raise where it reads; the element has
        left the queue by then.
        """
        try:
            with within(TOTAL_SECONDS):
                yield
        except Exception as error:
            if not isinstance(error, (*_errors(self._connection), *GARBAGE)):
                raise
            self._drop()
            raise lasting_faults.of(error, SERVER) from error

    def _drop(self) -> None:
        connection, self._connection, self._consumer = self._connection, None, None
        if connection is not None:
            with suppress(Exception), within(CLOSING_SECONDS):
                connection.release()
            with suppress(Exception):  # whatever the release has left open
                connection.collect()


def queue_name(agency: OrganisationCode) -> str:
    """Return the name of an agency's queue."""
    return f"agency.{agency}"


NOBODYS_QUEUE = queue_name(OrganisationCode(""))
"""A queue that is never there, since an organisation's code is never empty: for checks."""


def _errors(connection: Connection | None) -> tuple[type[Exception], ...]:
    known: tuple[type[Exception], ...] = ()
    if connection is not None:
        known = connection.connection_errors + connection.channel_errors
    return (KombuError, OSError, *known)


def _is_replaced(element: bytes, recall: Copy) -> bool:
    """Tell whether an element of a Valkey's list is a copy that a recall takes the place of."""
    if recall.referral.encode() not in element:
        return False
    try:
        properties = json.loads(element)["properties"]
        id_ = properties.get("message_id")
        is_same_referral = properties.get("correlation_id") == recall.referral
        is_replaced = recall.replaces is None or id_ in recall.replaces
        return bool(is_same_referral and is_replaced and id_ != recall.id)
    except GARBAGE:
        return False


def _check_list(valkey: Any) -> None:
    """Write into a list that no agency has, and take it out again, in one step."""
    with valkey.pipeline() as asked:
        asked.lpush(NOBODYS_QUEUE, "").lrem(NOBODYS_QUEUE, 0, "")
        asked.execute()


def _is_redis(connection: Connection) -> bool:
    return bool(connection.transport.driver_type == "redis")


def _bytes(body: bytes | str) -> bytes:
    return body if isinstance(body, bytes) else body.encode()
