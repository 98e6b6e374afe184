"""A mail server of the campaign's own, which keeps the ids of what it was given."""

from __future__ import annotations

import re
import socket
from typing import Any

from aiosmtpd.controller import Controller

_ID = re.compile(rb"^Message-ID: <([^@>]+)@", re.IGNORECASE | re.MULTILINE)


class MailServer:
    """Takes every mail."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        """The ids of the notices that arrived, as often as they did."""
        with socket.create_server(("127.0.0.1", 0)) as unused:
            self.port = int(unused.getsockname()[1])
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.ids += [match.decode() for match in _ID.findall(envelope.content)]
        return "250 kept"

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()
