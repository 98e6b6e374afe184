"""Threads are shared: who asks for many waits for its own, and leaves the others theirs."""

import asyncio
from collections.abc import Awaitable, Callable

from broker.threads import SPENDER, FairThreads
from tests.conftest import in_a_loop


class Hall:
    """Work that holds a thread until it is let go, in the order in which it began."""

    def __init__(self, threads: FairThreads) -> None:
        self.threads = threads
        self.begun: list[str] = []
        self.leave: list[asyncio.Event] = []

    def enter(self, spender: str) -> asyncio.Task[None]:
        async def work() -> None:
            SPENDER.set(spender)
            async with self.threads:
                self.begun.append(spender)
                leave = asyncio.Event()
                self.leave.append(leave)
                await leave.wait()

        return asyncio.create_task(work())

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


def in_hall(most: int, most_each: int, story: Callable[[Hall], Awaitable[None]]) -> list[str]:
    async def run() -> list[str]:
        hall = Hall(FairThreads(most, most_each))
        await story(hall)
        await hall.settle()
        return hall.begun

    return in_a_loop(run())


def test_one_caller_gets_a_few_at_most_and_others_theirs_at_once() -> None:
    async def story(hall: Hall) -> None:
        tasks = [hall.enter("greedy") for _ in range(10)] + [hall.enter("other")]
        await hall.settle()
        assert len(tasks) == 11

    assert in_hall(4, 2, story) == ["greedy", "greedy", "other"]


def test_a_thread_that_is_free_goes_to_each_who_waits_in_turn() -> None:
    async def story(hall: Hall) -> None:
        tasks = [hall.enter("greedy") for _ in range(5)]
        await hall.settle()
        tasks += [hall.enter("first"), hall.enter("second")]
        for place in range(3):
            await hall.settle()
            hall.leave[place].set()
        await hall.settle()
        assert not tasks[-1].done()

    begun = in_hall(2, 2, story)
    assert begun == ["greedy", "greedy", "greedy", "first", "second"]


def test_who_gives_up_waiting_takes_no_thread_along() -> None:
    async def story(hall: Hall) -> None:
        first = hall.enter("first")
        waiting = hall.enter("second")
        await hall.settle()
        waiting.cancel()
        await hall.settle()
        hall.leave[0].set()
        await first
        last = hall.enter("second")
        await hall.settle()
        assert not last.done()

    assert in_hall(1, 1, story) == ["first", "second"]


def test_a_turn_that_comes_with_the_giving_up_is_passed_on() -> None:
    async def story(hall: Hall) -> None:
        tasks = [hall.enter("first"), hall.enter("second"), hall.enter("third")]
        await hall.settle()
        hall.leave[0].set()
        await asyncio.sleep(0)
        tasks[1].cancel()
        await hall.settle()

    assert in_hall(1, 1, story) == ["first", "third"]


def test_who_gives_up_in_the_moment_a_thread_comes_free_takes_none_with_them() -> None:
    """Their turn is cancelled at once, and they run only after whoever gives the thread back."""

    async def story(hall: Hall) -> None:
        holder = hall.enter("first")
        await hall.settle()
        gone = [hall.enter(spender) for spender in ("second", "second", "third")]
        staying = hall.enter("third")
        await hall.settle()
        hall.leave[0].set()
        for task in gone:
            task.cancel()
        results = await asyncio.gather(holder, *gone, return_exceptions=True)
        assert [type(result) for result in results[1:]] == 3 * [asyncio.CancelledError]
        await hall.settle()
        hall.leave[1].set()
        await staying
        hall.enter("fourth")

    assert in_hall(1, 1, story) == ["first", "third", "fourth"]
