"""Tell a message broker's lasting refusals from outages that end without anybody acting."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

from amqp import exceptions as amqp
from redis import exceptions as redis

from broker.errors import Misconfigured, Unavailable

_LASTING: tuple[type[BaseException], ...] = (
    amqp.AccessRefused,
    amqp.NotAllowed,
    amqp.PreconditionFailed,
    amqp.ResourceLocked,
    amqp.AMQPNotImplementedError,
    redis.AuthenticationError,
    redis.NoPermissionError,
    ssl.SSLCertVerificationError,
)
_SAID = re.compile(r"[A-Z_]+ - [^\n]{1,200}")
"""What RabbitMQ says of a refusal: ``ACCESS_REFUSED - access to queue 'receipts' …``."""


def is_lasting(error: BaseException) -> bool:
    """Tell whether repeating changes nothing until somebody corrects something."""
    return any(isinstance(cause, _LASTING) for cause in _causes(error))


def of(error: BaseException, server: str) -> Unavailable:
    """Return the fault of a server as what the broker raises."""
    for cause in _causes(error):
        if isinstance(cause, _LASTING):
            return Misconfigured(f"{server} refuses: {_reason(cause)}")
    return Unavailable(f"{server} cannot be reached.")


def _reason(error: BaseException) -> str:
    """Return what the server said. It names users and queues, and no password."""
    if isinstance(error, redis.AuthenticationError):
        return "user or password is wrong."
    if isinstance(error, redis.NoPermissionError):
        return str(error)[:200]
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted ({error.verify_message})."
    found = _SAID.search(str(error))
    return found[0] if found else type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it comes from: Kombu wraps what its drivers raise."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
