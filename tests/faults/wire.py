"""A plain HTTP client: no retries of its own, no code of the product, every call in the journal."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.journal import Called, Journal

PATIENCE = 30.0
"""Seconds until a client that is not impatient gives up: longer than any limit of the broker's."""
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Told:
    """What a call came to; ``status`` None: nobody answered, and it may have had its effect."""

    sent_at: float
    told_at: float
    status: int | None
    value: Any

    @property
    def again(self) -> bool:
        """Say whether the same call is to be sent again."""
        return self.status is None or self.status in {429, 500, 503}


@dataclass
class Wire:
    """One client's line to whichever gateway the dice choose."""

    who: str
    key: str
    ports: Callable[[], list[int]]
    journal: Journal
    dice: Random

    def get(self, path: str, *, patience: float = PATIENCE) -> Told:
        return self._call("GET", path, None, {}, patience)

    def post(
        self,
        path: str,
        value: Any,
        *,
        patience: float = PATIENCE,
        headers: dict[str, str] | None = None,
    ) -> Told:
        about = {"Content-Type": "application/json", **(headers or {})}
        return self._call("POST", path, json.dumps(value).encode(), about, patience)

    def post_lines(self, path: str, values: list[Any], *, patience: float = PATIENCE) -> Told:
        body = b"".join(json.dumps(value).encode() + b"\n" for value in values)
        return self._call("POST", path, body, {"Content-Type": NDJSON}, patience)

    def _call(
        self, method: str, path: str, body: bytes | None, about: dict[str, str], patience: float
    ) -> Told:
        sent_at = time.monotonic()
        status, value = self._ask(method, path, body, about, patience)
        told_at = time.monotonic()
        where = path.partition("?")[0]
        called = Called(self.who, where, sent_at, told_at - sent_at, patience, status)
        self.journal.called.append(called)
        return Told(sent_at, told_at, status, value)

    def _ask(
        self, method: str, path: str, body: bytes | None, about: dict[str, str], patience: float
    ) -> tuple[int | None, Any]:
        port = self.dice.choice(self.ports())
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
        try:
            line.request(method, path, body, {"Authorization": f"Bearer {self.key}", **about})
            answer = line.getresponse()
            return answer.status, _read(answer.read(), answer.headers.get("Content-Type", ""))
        except (OSError, http.client.HTTPException, ValueError):
            return None, None
        finally:
            line.close()


def _read(body: bytes, media_type: str) -> Any:
    if media_type.startswith(NDJSON):
        return [json.loads(line) for line in body.splitlines()]
    return json.loads(body) if body else None
