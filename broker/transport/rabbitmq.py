"""What a RabbitMQ needs besides Kombu: queues of a durable type, and what it is asked beforehand.

A queue that is there is taken as it is, whatever its arguments: declaring one with others is an
error (PRECONDITION_FAILED). One that is not there is made, of the type that the settings name.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from amqp.exceptions import ChannelError, NotFound
from kombu import Connection, Producer, Queue

CONFIRM_SECONDS = 5.0
"""For RabbitMQ to say that it has a message: it waits for the disks of a majority of its nodes."""
NO_ROUTE = 312
"""The reply code for a message that no queue takes (AMQP 0-9-1, no-route)."""


def messages_in(connection: Connection, queue: Queue) -> int:
    """Return how many messages wait in a queue, after making it where it is not there.

    Raises what ``amqp`` raises: AccessRefused when the user may not make it.
    """
    with suppress(NotFound), connection.channel() as channel:
        return int(queue(channel).queue_declare(passive=True).message_count)
    with connection.channel() as channel:
        made = queue(channel)
        if made.exchange.name:
            made.exchange.declare()
        count = int(made.queue_declare().message_count)
        if made.exchange.name:
            made.queue_bind()
        return count


def check_publishing(connection: Connection, nobodys_queue: str) -> None:
    """Ask RabbitMQ to take a message for a queue that does not exist; raise if it does not answer.

    A user without the right, a memory alarm and a node that hangs all show themselves here.
    """
    with connection.channel() as channel:
        try:
            publish(Producer(channel), b"", routing_key=nobodys_queue)
        except ChannelError as error:
            if error.reply_code != NO_ROUTE:
                raise


def publish(producer: Producer, body: bytes, *, routing_key: str, **properties: Any) -> None:
    """Hand a message to a queue, and return when RabbitMQ has it.

    Raises MessageNacked when the queue refuses it (``reject-publish``), and ChannelError with the
    code ``NO_ROUTE`` when there is no such queue any more.
    """
    # By way of the default exchange: one that has lost its bindings drops messages silently.
    producer.publish(
        body,
        exchange="",
        routing_key=routing_key,
        mandatory=True,
        confirm_timeout=CONFIRM_SECONDS,
        **properties,
    )


def check_receiving(connection: Connection, name: str) -> None:
    """Ask whether this user may take from a queue that is there; nothing is taken."""
    with connection.channel() as channel:
        if channel.queue_declare(name, passive=True).message_count:
            return  # a message would count as handed out once more
        tag = channel.basic_consume(name, no_ack=False, callback=_leave)
        channel.basic_cancel(tag)


def _leave(message: Any) -> None:
    """Take nothing: closing the channel gives it back."""
