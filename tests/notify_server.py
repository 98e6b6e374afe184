"""GOV.UK Notify on loopback: real HTTP, keys that are checked, and answers as its documents say."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from broker.settings import NotifyService
from tests.conftest import FixedClock

SERVICE, SECRET = "8f4f1b1e-3c0b-4a43-9d6e-0a1b2c3d4e5f", "11112222-3333-4444-8555-666677778888"
TEMPLATE = "aaaabbbb-cccc-4ddd-8eee-ffff00001111"
KEY = f"the-broker-{SERVICE}-{SECRET}"
LEEWAY = 30


@dataclass
class NotifyServer:
    """What the service has, and what it sent."""

    clock: FixedClock
    url: str = ""
    template: str = "((message))"
    kind: str = "sms"
    sent: list[dict[str, Any]] = field(default_factory=list)
    instead: list[int] = field(default_factory=list)
    """Statuses of the next answers."""

    @property
    def service(self) -> NotifyService:
        return NotifyService(self.url, SERVICE, SECRET, TEMPLATE)

    def answer(self, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.instead:
            return self.instead.pop(0), {}
        if not self._is_ours(token):
            return 403, {"errors": [{"error": "AuthError", "message": "Invalid token"}]}
        if path == f"/v2/template/{TEMPLATE}/preview":
            text = self.template.replace("((message))", body["personalisation"]["message"])
            return 200, {"id": TEMPLATE, "type": self.kind, "version": 1, "body": text}
        if path != "/v2/notifications/sms" or body["template_id"] != TEMPLATE:
            return 404, {}
        if not body["phone_number"].replace(" ", "").lstrip("+").isdigit():
            return 400, {}
        assert set(body) == {"phone_number", "template_id", "personalisation", "reference"}
        self.sent.append(body)
        return 201, {"id": str(uuid4()), "reference": body["reference"]}

    def _is_ours(self, token: str) -> bool:
        try:
            claims = jwt.decode(token, OctKey.import_key(SECRET), algorithms=["HS256"]).claims
        except (JoseError, ValueError):
            return False
        is_fresh = abs(claims["iat"] - self.clock().timestamp()) <= LEEWAY
        return set(claims) == {"iss", "iat"} and UUID(claims["iss"]) == UUID(SERVICE) and is_fresh


@contextmanager
def notify_server(clock: FixedClock) -> Iterator[NotifyServer]:
    """Serve Notify on a free port of this machine."""
    served = NotifyServer(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, answer = served.answer(self.path, token, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
