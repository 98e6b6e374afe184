"""Kombu's transport for Valkey, without what ends or stalls a worker.

An element of a list that is no message is dropped: Kombu raises where it reads one, and Celery ends
a whole worker for it. An acknowledgement that is lost with its connection frees its place. Each
answer has a limit as a whole, too.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis, virtual

from broker.telemetry import error_fields, logger
from broker.transport.bound_connections import (
    EncryptedSentinelConnection,
    EncryptedValkeyConnection,
    SentinelConnection,
    ValkeyConnection,
    use,
)

GARBAGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What Kombu raises when an element is no message. The element has left the list by then."""
_log = logger("wakeups")


class _Places(redis.QoS):  # type: ignore[misc]
    """Counts the messages that a consumer has taken and not acknowledged."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message. Raises what the connection raises, and the message comes again.

        Kombu would go on counting it then. A consumer whose places are all taken asks for nothing
        more, so it would never notice that its connection is gone.
        """
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


class _Tolerant:
    """Reads on after an element that is no message, and after an acknowledgement that was lost."""

    QoS = _Places

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except GARBAGE as error:
            _log.warning("dropped an element that is no message", **error_fields(error))
            return True


class Channel(_Tolerant, redis.Channel):  # type: ignore[misc]
    """The channel of one Valkey."""

    connection_class = ValkeyConnection
    connection_class_ssl = EncryptedValkeyConnection


class SentinelChannel(_Tolerant, redis.SentinelChannel):  # type: ignore[misc]
    """The channel of the Valkey that sentinels name."""

    connection_class = SentinelConnection
    connection_class_ssl = EncryptedSentinelConnection


class Transport(redis.Transport):  # type: ignore[misc]
    """Has such channels."""

    Channel = Channel


class SentinelTransport(redis.SentinelTransport):  # type: ignore[misc]
    """The same under Sentinel."""

    Channel = SentinelChannel


def register() -> None:
    """Have every later connection of this process to a Valkey use these transports."""
    one, many = Transport.__name__, SentinelTransport.__name__
    names = {"redis": one, "rediss": one, "sentinel": many}
    use({scheme: f"{__name__}:{name}" for scheme, name in names.items()})
