"""Kombu's and redis-py's connections with limits of our own for connect, each wait and each answer.

Their own options limit each wait alone, and py-amqp waits for ever in the midst of a frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amqp.transport import SSLTransport, TCPTransport
from kombu.transport import TRANSPORT_ALIASES, _transport_cache, pyamqp
from redis.connection import Connection, SSLConnection
from redis.sentinel import SentinelManagedConnection

from broker.conversations import bound, within

WAIT_SECONDS = 5.0
"""For each wait for a RabbitMQ."""
ANSWER_SECONDS = 5.0
"""For the whole of one answer of a Valkey, however slowly it comes."""


class _BoundAnswers:
    """Mixed into redis-py's connections: each answer has a limit as a whole."""

    def _connect(self) -> Any:
        sock = super()._connect()  # type: ignore[misc]
        bound(sock)
        return sock

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        with within(ANSWER_SECONDS):
            return super().read_response(*arguments, **options)  # type: ignore[misc]


class ValkeyConnection(_BoundAnswers, Connection):
    """A connection to a Valkey, as ``redis://`` names it."""


class EncryptedValkeyConnection(_BoundAnswers, SSLConnection):
    """The same for ``rediss://``."""


class SentinelConnection(_BoundAnswers, SentinelManagedConnection):
    """A connection to the master that sentinels name."""


class EncryptedSentinelConnection(_BoundAnswers, SentinelManagedConnection, SSLConnection):
    """The same, encrypted."""


class _TcpTransport(TCPTransport):  # type: ignore[misc]
    def _setup_transport(self) -> None:
        bound(self.sock)
        self.sock.settimeout(WAIT_SECONDS)
        super()._setup_transport()


class _TlsTransport(SSLTransport):  # type: ignore[misc]
    def _setup_transport(self) -> None:
        super()._setup_transport()
        bound(self.sock)
        self.sock.settimeout(WAIT_SECONDS)
        self._quick_recv = self.sock.read


class _AmqpConnection(pyamqp.Connection):  # type: ignore[misc]
    def Transport(
        self, host: str, connect_timeout: float, ssl: Any, *_: Any, **options: Any
    ) -> Any:
        if ssl:
            return _TlsTransport(host, connect_timeout, ssl, **options)
        return _TcpTransport(host, connect_timeout, **options)


class AmqpTransport(pyamqp.Transport):  # type: ignore[misc]
    """Kombu's transport for RabbitMQ, over such connections."""

    Connection = _AmqpConnection


class EncryptedAmqpTransport(pyamqp.SSLTransport):  # type: ignore[misc]
    """The same for ``amqps://``."""

    Connection = _AmqpConnection


def valkey_connection(url: str) -> type[Connection]:
    """Return the class of connections to the Valkey at an address."""
    return EncryptedValkeyConnection if url.startswith("rediss:") else ValkeyConnection


def sentinel_connection(url: str) -> type[Connection]:
    """Return the class of connections to the master that the sentinels at an address name."""
    encrypted = url.startswith("sentinels:")
    return EncryptedSentinelConnection if encrypted else SentinelConnection


def register() -> None:
    """Have every later connection of this process to a RabbitMQ use these transports."""
    plain, encrypted = AmqpTransport.__name__, EncryptedAmqpTransport.__name__
    names = {"amqp": plain, "pyamqp": plain, "amqps": encrypted}
    use({scheme: f"{__name__}:{name}" for scheme, name in names.items()})


def use(transports: Mapping[str, str]) -> None:
    """Have every later connection of this process use other transports of Kombu's, by scheme."""
    TRANSPORT_ALIASES.update(transports)
    for scheme in transports:
        # Kombu remembers what a scheme meant when anybody used it first.
        _transport_cache.pop(scheme, None)
