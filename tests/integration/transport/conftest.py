"""Servers that several modules about the transport share."""

from collections.abc import Iterator

import pytest

from broker.devstack.engines import Engines
from tests.rabbitmq import RabbitMQ


@pytest.fixture(scope="package")
def rabbitmq(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A RabbitMQ, for tests that are skipped where none is installed."""
    server = RabbitMQ(tmp_path_factory.mktemp("rabbitmq") / "server", engines.reaper)
    try:
        server.start()
        yield server
    finally:
        server.stop()
