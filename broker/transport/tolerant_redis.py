"""Kombu's transport for Valkey, which drops an element of a list that is no message.

Kombu raises where it reads such an element, and Celery ends a whole worker for it. Each answer has
a limit as a whole, too.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

from broker.telemetry import error_fields, logger
from broker.transport.bound_connections import (
    EncryptedSentinelConnection,
    EncryptedValkeyConnection,
    SentinelConnection,
    ValkeyConnection,
)

GARBAGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What Kombu raises when an element is no message. The element has left the list by then."""
_log = logger("wakeups")


class _Tolerant:
    """Reads on after an element that is no message."""

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
    for scheme, name in {"redis": one, "rediss": one, "sentinel": many}.items():
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{name}"
