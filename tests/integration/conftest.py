"""What all of these tests may use: the acceptance cases' world, and a mail server."""

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import world
from tests.mail_server import MailServer

__all__ = ["world"]


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A mail server that runs."""
    server = MailServer()
    server.controller.start()
    yield server
    server.controller.stop()
