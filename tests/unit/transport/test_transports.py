"""Connections of Kombu's are our own, with limits, whoever used their scheme before."""

import pytest
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES, pyamqp, redis

from broker.transport.bound_connections import use
from broker.transport.clients import kombu_connection


@pytest.mark.parametrize("scheme", ["amqp", "amqps", "redis", "rediss"])
def test_a_connection_is_bound_though_a_plain_one_was_opened_before(scheme: str) -> None:
    """Kombu remembers what a scheme meant; the plain transport waits for a RabbitMQ for ever."""
    url = f"{scheme}://127.0.0.1:1"
    plain = redis if scheme.startswith("redis") else pyamqp
    usual = TRANSPORT_ALIASES[scheme]
    use({scheme: f"{plain.__name__}:Transport"})
    try:
        assert type(Connection(url).transport).__module__ == plain.__name__
        assert type(kombu_connection(url, {}).transport).__module__.startswith("broker.transport.")
    finally:
        use({scheme: usual})
