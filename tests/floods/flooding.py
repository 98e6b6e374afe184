"""What callers do who take all they can get.

``python -m tests.floods.flooding KIND PORT KEY SECONDS [ADDRESS]`` is a process of its own, with
less right to the processor, as if it ran on another machine; it calls from that address, if given.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cached_property
from pathlib import Path

from tests.acceptance.conftest import sample
from tests.conftest import in_a_loop

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HOST = "127.0.0.1"
BULKS, BULK_LINES, BULK_LINE_BYTES = 16, 1000, 10_000
PLACE = b"########"
NICE = 10
POLLS, POLLS_A_SECOND = 1500, 150
SILENT = 1150
STRANGERS = 20
CALLERS = 60
REST_SECONDS = 1.0
"""After a connection was closed."""


class Flood:
    """One kind of flood against a gateway, until its time is up."""

    def __init__(self, port: int, key: str, seconds: float, address: str | None = None) -> None:
        self._port, self._key = port, key
        self._from = (address, 0) if address else None
        self._until = time.monotonic() + seconds
        self.answers: Counter[str] = Counter()
        self._numbers = itertools.count()

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self._until

    async def head(self) -> None:
        """Send one header that never ends, on one connection after another."""
        await self._again(self._endless_head)

    async def silent(self) -> None:
        """Hold connections open that say nothing."""
        await self._many(SILENT, self._wait_for_the_end)

    async def half(self) -> None:
        """Hold connections open that drip half a head."""
        await self._many(SILENT, self._drip)

    async def polls(self) -> None:
        """Wait for events in many calls."""
        await self._many(POLLS, self._poll, per_second=POLLS_A_SECOND)

    async def bulks(self) -> None:
        """Send large bulks beside one another."""
        await self._many(BULKS, self._bulk)

    async def calls(self) -> None:
        """Make calls with a key, without a pause."""
        await self._many(CALLERS, lambda: self._call("/v1/refusals", self._key))

    async def strangers(self) -> None:
        """Make calls with keys that there are not, another one each time."""
        await self._many(STRANGERS, self._call_as_stranger)

    async def nowhere(self) -> None:
        """Ask for what needs no key, without a pause."""
        await self._many(CALLERS, lambda: self._call("/livez", ""))

    async def _many(
        self, count: int, work: Callable[[], Awaitable[None]], per_second: float = 1000
    ) -> None:
        async def later(place: int) -> None:
            await asyncio.sleep(place / per_second)
            await self._again(work)

        await asyncio.gather(*(later(place) for place in range(count)))

    async def _again(self, work: Callable[[], Awaitable[None]]) -> None:
        while self.goes_on:
            try:
                async with asyncio.timeout_at(
                    asyncio.get_running_loop().time() + self._until - time.monotonic()
                ):
                    await work()
            except (OSError, EOFError):
                self.answers["closed"] += 1
                await asyncio.sleep(REST_SECONDS)
            except TimeoutError:
                return

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[Ends]:
        reader, writer = await asyncio.open_connection(HOST, self._port, local_addr=self._from)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def _endless_head(self) -> None:
        async with self._open() as (_, writer):
            writer.write(b"GET /livez HTTP/1.1\r\nHost: broker\r\nX-Big: ")
            while self.goes_on:
                writer.write(b"a" * 65536)
                await writer.drain()

    async def _wait_for_the_end(self) -> None:
        async with self._open() as (reader, _):
            await reader.read()
        raise EOFError

    async def _drip(self) -> None:
        async with self._open() as (_, writer):
            writer.write(b"GET /livez HTTP/1.1\r\nX: ")
            while self.goes_on:
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(1)

    async def _poll(self) -> None:
        path = "/v1/events?wait=30"
        async with self._open() as ends:
            await self._answer(ends, path, self._key)
        await asyncio.sleep(POLLS / POLLS_A_SECOND)

    async def _bulk(self) -> None:
        number = b"%08d" % next(self._numbers)
        async with self._open() as ends:
            body = self._template.replace(PLACE, number)
            await self._answer(ends, "/v1/referrals/bulk", self._key, body)

    @cached_property
    def _template(self) -> bytes:
        """A bulk in which a number is to be put for ``PLACE``.

        Made once: what a flood spends on its bodies, it takes from those whom it measures.
        """
        lines = [
            {**sample(1), "reference": f"FLOOD/{os.getpid()}/{PLACE.decode()}/{line}"}
            for line in range(BULK_LINES)
        ]
        filling = "x" * (BULK_LINE_BYTES - len(json.dumps(lines[0])))
        return b"\n".join(
            json.dumps({**line, "concern": {**line["concern"], "summary": filling}}).encode()
            for line in lines
        )

    async def _call(self, path: str, key: str) -> None:
        async with self._open() as ends:
            while self.goes_on:
                await self._answer(ends, path, key)

    async def _call_as_stranger(self) -> None:
        key = f"rb_{os.urandom(8).hex()}_{'s' * 43}"
        async with self._open() as ends:
            await self._answer(ends, "/v1/queue", key)

    async def _answer(self, ends: Ends, path: str, key: str, bulk: bytes = b"") -> None:
        """Send one request, read its answer and count its status."""
        reader, writer = ends
        headers = {"Host": "broker", "Content-Length": str(len(bulk))}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        if bulk:
            headers["Content-Type"] = "application/x-ndjson"
        method = "POST" if bulk else "GET"
        lines = [f"{method} {path} HTTP/1.1", *map(": ".join, headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode() + bulk)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        await reader.readexactly(length)
        if not self.answers:
            print("is answered", flush=True)
        self.answers[head.split(" ")[1]] += 1


def step_back() -> None:
    """Leave the processor to others, also where Linux weighs whole sessions (``sched(7)``)."""
    os.setsid()
    os.nice(NICE)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICE), encoding="ascii")


def main(kind: str, port: str, key: str, seconds: str, address: str | None = None) -> None:
    step_back()
    flood = Flood(int(port), key, float(seconds), address)

    def end(*_: object) -> None:
        print(json.dumps(flood.answers), flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    print("begins", flush=True)
    in_a_loop(getattr(flood, kind)())
    print(json.dumps(flood.answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
