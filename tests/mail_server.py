"""A mail server that keeps what it is given."""

import socket
from typing import Any

from aiosmtpd.controller import Controller


class MailServer:
    """Keeps what it is given; answers each recipient as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], str]] = []
        self.answer = "250 OK"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_RCPT(self, _s: Any, _x: Any, envelope: Any, address: str, _o: Any) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _s: Any, _x: Any, envelope: Any) -> str:
        self.got.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 kept"

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"
