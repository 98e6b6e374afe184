"""Sends requests over kept-open connections, as cheaply as it can: it runs beside what it times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

import uvloop

T = TypeVar("T")
JSON = "application/json"
NDJSON = "application/x-ndjson"


class Unexpected(RuntimeError):
    """An answer that no figure can be built on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and when its request was sent and answered, by the system's clock."""

    status: int
    body: bytes
    sent_at: float
    answered_at: float


class Line:
    """One connection that is kept open; one request at a time."""

    def __init__(self, url: str, key: str) -> None:
        address = urlsplit(url)
        self._host, self._port, self._key = address.hostname or "", address.port, key

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(
            self._host, self._port, limit=2**24
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    async def post(self, path: str, body: bytes, media_type: str = JSON) -> Answer:
        """Send a body and return the answer. Raises Unexpected for anything but success."""
        return await self.call("POST", path, body, f"Content-Type: {media_type}\r\n")

    async def call(self, method: str, path: str, body: bytes = b"", headers: str = "") -> Answer:
        """Make a call and return the answer. Raises Unexpected for anything but success."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Authorization: Bearer {self._key}\r\n"
            f"{headers}Content-Length: {len(body)}\r\n\r\n"
        )
        sent_at = time.time()
        self._writer.write(head.encode() + body)
        told = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(told.split("content-length:")[1].split("\r\n")[0])
        answer = await self._reader.readexactly(length)
        status = int(told.split(" ", 2)[1])
        if status >= 300:
            raise Unexpected(f"{path} answered {status}: {answer[:200]!r}")
        return Answer(status, answer, sent_at, time.time())


def send(
    url: str, path: str, bodies: Sequence[bytes], keys: Sequence[str], media_type: str = JSON
) -> list[Answer]:
    """Send bodies over one connection a key, as fast as they are answered; answers in order."""
    left = iter(enumerate(bodies))
    answers: dict[int, Answer] = {}

    async def one_connection(key: str) -> None:
        async with Line(url, key) as line:
            for place, body in left:
                answers[place] = await line.post(path, body, media_type)

    run(lambda: gather([one_connection(key) for key in keys]))
    return [answers[place] for place in range(len(bodies))]


def send_evenly(
    url: str, path: str, bodies: Sequence[bytes], keys: Sequence[str], *, per_second: float
) -> list[Answer]:
    """Send each body at its instant, whatever became of those before it; answers in order."""
    return run(lambda: evenly(url, path, bodies, keys, per_second))


async def evenly(
    url: str, path: str, bodies: Sequence[bytes], keys: Sequence[str], per_second: float
) -> list[Answer]:
    """Send each body at its instant over whichever connection is free."""
    async with _lines(url, keys) as lines:

        async def one(place: int, body: bytes) -> Answer:
            await asyncio.sleep(begun + place / per_second - time.monotonic())
            line = await lines.get()
            try:
                return await line.post(path, body)
            finally:
                lines.put_nowait(line)

        begun = time.monotonic() + 0.05
        return await gather([one(place, body) for place, body in enumerate(bodies)])


async def gather(work: Sequence[Awaitable[T]]) -> list[T]:
    """Do all of it at once; whatever fails ends it."""
    return list(await asyncio.gather(*work))


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run work to its end on an event loop of its own."""

    async def main() -> T:
        return await work()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


@asynccontextmanager
async def _lines(url: str, keys: Sequence[str]) -> AsyncIterator[asyncio.Queue[Line]]:
    lines: asyncio.Queue[Line] = asyncio.Queue()
    opened = [await Line(url, key).__aenter__() for key in keys]
    for line in opened:
        lines.put_nowait(line)
    try:
        yield lines
    finally:
        for line in opened:
            await line.__aexit__(None, None, None)


def chunks(bodies: Mapping[str, bytes], size: int) -> Iterator[bytes]:
    """Return bodies as NDJSON, so many a call."""
    lines = list(bodies.values())
    for start in range(0, len(lines), size):
        yield b"\n".join(lines[start : start + size])
