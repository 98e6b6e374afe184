"""A gateway that says what it was told to say: a real HTTP server of the standard library."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any


@dataclass(slots=True)
class Call:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Reply:
    """One answer to give."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    then_hang_up: bool = False


class Script:
    """Answers each call of a path with the next thing said about it; the last one stays."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._replies: dict[str, list[Reply]] = {}
        self.url = ""
        self._held: set[str] = set()
        self._released = threading.Event()

    def say(self, path: str, status: int, body: Any = None, **headers: str) -> None:
        """Add an answer for a path."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._replies.setdefault(path, []).append(Reply(status, body, named))

    def hang_up(self, path: str) -> None:
        """Add a broken connection for a path."""
        self._replies.setdefault(path, []).append(Reply(0, then_hang_up=True))

    def answer_only(self, path: str, status: int) -> None:
        """Say nothing but this status about a path from now on."""
        self._replies[path] = [Reply(status, {"title": "No"})]

    def hold(self, path: str) -> None:
        """Leave calls of a path without an answer until ``let_go``."""
        self._held.add(path)

    def let_go(self) -> None:
        """Answer what is held."""
        self._released.set()

    def answer(self, call: Call) -> Reply:
        """Note the call and return what to say."""
        self.calls.append(call)
        path = call.target.partition("?")[0]
        if path in self._held:
            self._released.wait()
        replies = self._replies.get(path, [Reply(404, {"title": "Nothing"})])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def bodies(self, path: str) -> list[Any]:
        """Return what was posted to a path, in order."""
        return [call.json for call in self.calls if call.target == path]


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the script."""

    protocol_version = "HTTP/1.1"
    script: Script

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.script.answer(Call(self.command, self.path, dict(self.headers), body))
        if reply.then_hang_up:
            self.close_connection = True
            self.connection.close()
            return
        raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
