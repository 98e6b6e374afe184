"""Kombu's transport for Valkey, which drops an element of a list that is no message.

Kombu raises where it reads such an element, and Celery ends a whole worker for it. Each answer has
a limit as a whole, too.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

from broker.telemetry import error_fields, logger
from broker.transport.bound_connections import EncryptedValkeyConnection, ValkeyConnection

GARBAGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What Kombu raises when an element is no message. The element has left the list by then."""
_log = logger("wakeups")


class Channel(redis.Channel):  # type: ignore[misc]
    """Reads on after an element that is no message."""

    connection_class = ValkeyConnection
    connection_class_ssl = EncryptedValkeyConnection

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)
        except GARBAGE as error:
            _log.warning("dropped an element that is no message", **error_fields(error))
            return True


class Transport(redis.Transport):  # type: ignore[misc]
    """Has such channels."""

    Channel = Channel


def register() -> None:
    """Have every later connection of this process to a Valkey use this transport."""
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), f"{__name__}:Transport"))
