"""Bulks are worked on in parts that give way to calls of other keys: by order, not by speed."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from broker.gateway import bounds
from broker.gateway.bulk_turns import BulkTurns
from tests.conftest import in_a_loop

WORK_SECONDS = 0.02


class Clock:
    """Time that passes only where somebody sleeps or works."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def turns_beside_another(clock: Clock) -> BulkTurns:
    """Return the turns of a gateway in which another key has just made a call."""
    turns = BulkTurns(clock, clock.sleep)
    turns.call_begins()
    turns.call_ends("other")
    return turns


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(work(), 60)

    in_a_loop(bounded())


async def settle() -> None:
    """Let everything go on that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_part_begins_when_no_call_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LONGEST_STEP_BACK", 3600.0)
    order: list[str] = []

    async def work() -> None:
        turns = turns_beside_another(Clock())

        async def part() -> None:
            async with turns.part("bulk") as most:
                order.append(f"part of {most}")

        for _ in range(2):
            turns.call_begins()
        bulk = asyncio.create_task(part())
        for _ in range(2):
            await settle()
            order.append("call")
            turns.call_ends("other")
        await bulk

    run(work)
    assert order == ["call", "call", f"part of {bounds.BULK_LINES_BESIDE_OTHERS}"]


def test_no_bulk_waits_for_ever_for_calls_that_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LONGEST_STEP_BACK", 0.001)

    async def work() -> None:
        turns = BulkTurns()
        turns.call_begins()
        async with turns.part("bulk"):
            pass

    run(work)


@pytest.mark.parametrize("lines", [20, 1000], ids=["many small bulks", "one large"])
def test_bulks_of_a_key_work_for_a_sixth_of_the_time_beside_others(lines: int) -> None:
    clock = Clock()
    worked = 0.0

    async def work() -> None:
        nonlocal worked
        turns = turns_beside_another(clock)
        for _ in range(1000 // lines):
            left = lines
            while left > 0:
                async with turns.part("bulk") as most:
                    left -= most
                    clock.now += WORK_SECONDS
                    worked += WORK_SECONDS
                turns.call_begins()
                turns.call_ends("other")

    run(work)
    parts = 1000 // bounds.BULK_LINES_BESIDE_OTHERS
    assert worked == pytest.approx(parts * WORK_SECONDS)
    all_but_the_last_rest = worked + (parts - 1) * bounds.BULK_RESTS * WORK_SECONDS
    assert clock.now - 100 == pytest.approx(all_but_the_last_rest)


def test_a_part_that_waited_for_the_ledger_makes_no_long_rest() -> None:
    clock = Clock()

    async def work() -> None:
        turns = turns_beside_another(clock)
        async with turns.part("bulk"):
            clock.now += 20
        turns.call_begins()
        turns.call_ends("other")
        async with turns.part("bulk"):
            assert clock.now - 120 == pytest.approx(bounds.LONGEST_REST)

    run(work)


def test_parts_of_several_keys_come_one_at_a_time_and_in_turn() -> None:
    order: list[str] = []

    async def work() -> None:
        turns = turns_beside_another(Clock())

        async def bulk(key: str) -> None:
            for _ in range(3):
                async with turns.part(key):
                    order.append(f"{key} begins")
                    await settle()
                    order.append(f"{key} ends")

        await asyncio.gather(bulk("first"), bulk("second"))

    run(work)
    once = ["first begins", "first ends", "second begins", "second ends"]
    assert order == once * 3


def test_a_bulk_without_others_beside_it_has_large_parts_and_no_rest() -> None:
    clock = Clock()

    async def work() -> None:
        turns = turns_beside_another(clock)
        clock.now += 1.5
        for _ in range(3):
            async with turns.part("bulk") as most:
                assert most == bounds.BULK_LINES_AT_ONCE
                clock.now += WORK_SECONDS

    run(work)
    assert clock.now - 101.5 == pytest.approx(3 * WORK_SECONDS)


def test_a_key_is_alone_when_no_other_has_made_a_call_for_a_second() -> None:
    clock = Clock()
    turns = BulkTurns(clock)
    for key in ("other", "bulk", "bulk"):
        turns.call_begins()
        assert not turns.is_alone(key)
        turns.call_ends(key)
    assert not turns.is_alone("bulk")
    clock.now += 2
    turns.call_begins()
    turns.call_ends("bulk")
    assert turns.is_alone("bulk")
    assert not turns.is_alone("other")
