"""A server that takes bulks as a gateway does, and does nothing with them.

``python -m tests.floods.sink`` prints its port. A flood of bulks against it shows what the flooding
client and its bytes alone take from others on a machine that they share.
"""

import asyncio
import contextlib
import sys

from broker.gateway.bounds import BULKS_EACH, REFUSALS_A_SECOND
from tests.conftest import in_a_loop

HOST = "127.0.0.1"
LONGEST_HEAD = 64 * 1024
BULK_SECONDS = 7.0
"""How long a gateway works on a bulk of 1,000 lines of 10 kB while others make calls."""
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


class Sink:
    """Takes as many bulks at once as a gateway, answers as late, and refuses the others."""

    def __init__(self) -> None:
        self._bulks = 0
        self._worked_on, self._refused = asyncio.Lock(), asyncio.Lock()

    async def serve(self, reader: Reader, writer: Writer) -> None:
        """Answer one request, and close the connection."""
        with contextlib.suppress(OSError, EOFError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            status = await self._take(reader, length)
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.transport.abort()

    async def _take(self, reader: Reader, length: int) -> int:
        if self._bulks >= BULKS_EACH:
            async with self._refused:
                await asyncio.sleep(1 / REFUSALS_A_SECOND)
            return 429
        self._bulks += 1
        try:
            await reader.readexactly(length)
            async with self._worked_on:
                await asyncio.sleep(BULK_SECONDS)
            return 200
        finally:
            self._bulks -= 1


async def main() -> None:
    sink = Sink()
    server = await asyncio.start_server(sink.serve, HOST, limit=LONGEST_HEAD)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    sys.exit(in_a_loop(main()))
