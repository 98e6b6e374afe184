"""What every test may ask for: real engines."""

from collections.abc import Iterator

import pytest

from broker.embedded import Engines


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """A private PostgreSQL and two Valkeys, started once for the whole run."""
    with Engines(durable=False) as started:
        yield started
