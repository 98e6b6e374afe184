"""A live page's stream ends as soon as its gateway is asked to end."""

import asyncio
from typing import Any, cast

from broker.dashboard.live import TICK_SECONDS, Changes, _events
from tests.conftest import in_a_loop


def test_a_stream_that_waits_ends_at_once_when_the_gateway_stops() -> None:
    async def listen() -> list[str]:
        changes = Changes(cast("Any", None))  # what looks for changes does not run
        sent: list[str] = []

        async def read() -> None:
            sent.extend([event async for event in _events(changes)])

        async with asyncio.timeout(TICK_SECONDS - 1):
            reading = asyncio.create_task(read())
            while not changes.listeners:
                await asyncio.sleep(0)
            await changes.end()
            await reading
        assert not changes.listeners
        return sent

    assert in_a_loop(listen())
