"""Long polls look at the ledger when a transaction has ended, and not too often."""

import asyncio
from time import monotonic
from types import SimpleNamespace
from typing import Any, cast

import pytest

from broker.flow.context import Context
from broker.gateway import long_polls
from broker.gateway.long_polls import LEAST_SECONDS, Poller
from broker.gateway.shares import Shares
from tests.conftest import in_a_loop


class Queries:
    """A ledger in which something happens when a test says so, and which counts its reads."""

    def __init__(self) -> None:
        self.text, self.reads, self.with_work = "1:1:", 0, set[str]()
        self.snapshots = 0

    def snapshot(self) -> str:
        self.snapshots += 1
        return self.text

    def waiting(self, agencies: Any) -> set[str]:
        self.reads += 1
        return self.with_work & set(agencies)

    def feed(self, publisher: str, *, after: str, limit: int) -> tuple[list[Any], str]:
        self.reads += 1
        return [], after


def polling(queries: Queries) -> Poller:
    context = cast("Context", SimpleNamespace(ledger=SimpleNamespace(queries=queries)))
    return Poller(context, Shares())


def test_nothing_is_read_until_a_transaction_has_ended() -> None:
    queries = Queries()
    poller = polling(queries)
    waiting = {
        "work": ["stoke-csc"],
        "news": [("staffordshire-police", f"cursor {number}") for number in range(50)],
    }
    begun = {("work", "stoke-csc"), ("news", waiting["news"][0])}
    assert poller._look(waiting, begun) == []
    assert queries.reads == 3  # of one publisher's cursors, the first and the last
    for _ in range(10):
        poller._look(waiting, ())
    assert queries.reads == 3
    poller._look(waiting, {("work", "stoke-csc")})  # one more that waits for the same
    assert queries.reads == 4
    queries.text, queries.with_work = "1:2:", {"stoke-csc"}
    assert poller._look(waiting, ()) == [("work", "stoke-csc")]
    assert queries.reads == 7


def test_a_flood_of_nudges_leads_to_few_looks() -> None:
    queries = Queries()

    async def flood() -> float:
        poller = polling(queries)
        task, event = asyncio.create_task(poller.run()), asyncio.Event()
        began = monotonic()
        with poller._waiting_for(("work", "stoke-csc"), event):
            while monotonic() - began < 0.5:
                poller.nudge()
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return monotonic() - began

    seconds = in_a_loop(flood())
    assert 1 <= queries.snapshots <= seconds / LEAST_SECONDS + 1


def test_nothing_is_asked_while_nobody_waits() -> None:
    queries = Queries()

    async def nudge() -> None:
        poller = polling(queries)
        task = asyncio.create_task(poller.run())
        for _ in range(20):
            poller.nudge()
            await asyncio.sleep(LEAST_SECONDS / 4)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    in_a_loop(nudge())
    assert queries.snapshots == 0


def test_a_nudge_just_before_a_wait_began_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request may have read before the commit, and wait only after the look that it led to."""
    monkeypatch.setattr(long_polls, "EVERY_SECONDS", 3600.0)
    queries = Queries()
    queries.with_work = {"stoke-csc"}

    async def wait() -> None:
        poller = polling(queries)
        task, event = asyncio.create_task(poller.run()), asyncio.Event()
        poller.nudge()
        poller._nudged.clear()  # a look has been made, and nothing has come since
        with poller._waiting_for(("work", "stoke-csc"), event):
            await asyncio.wait_for(event.wait(), 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    in_a_loop(wait())
