"""Readiness is answered in time, and a ledger that hangs holds few threads."""

import asyncio
import threading
import time

import pytest

from broker.errors import PolicyError, Unavailable
from broker.gateway import readiness as module
from broker.gateway.readiness import Readiness
from tests.conftest import in_a_loop

WAIT_SECONDS = 0.3


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that hangs is given up after a moment instead of after seconds."""
    monkeypatch.setattr(module, "WAIT_SECONDS", WAIT_SECONDS)


def test_many_who_ask_while_the_ledger_hangs_hold_one_thread() -> None:
    released, begun = threading.Event(), []

    def hang() -> None:
        begun.append(threading.get_ident())
        released.wait(30)

    async def ask() -> tuple[list[BaseException | None], float]:
        readiness, start = Readiness(hang), time.monotonic()
        answers = await asyncio.gather(
            *(readiness.check() for _ in range(50)), return_exceptions=True
        )
        return answers, time.monotonic() - start

    try:
        answers, seconds = in_a_loop(ask())
    finally:
        released.set()
    assert {type(answer) for answer in answers} == {Unavailable}
    assert len(begun) == 1
    assert WAIT_SECONDS <= seconds < WAIT_SECONDS + 5


def test_a_check_that_hangs_does_not_keep_the_process_unready() -> None:
    released, first = threading.Event(), threading.Event()

    def hang_once() -> None:
        if not first.is_set():
            first.set()
            released.wait(30)

    async def ask() -> None:
        readiness = Readiness(hang_once)
        with pytest.raises(Unavailable):
            await readiness.check()
        await readiness.check()

    try:
        in_a_loop(ask())
    finally:
        released.set()


def test_what_the_check_raises_reaches_everybody() -> None:
    def no_policy() -> None:
        raise PolicyError("No policy is published.")

    async def ask() -> list[BaseException | None]:
        readiness = Readiness(no_policy)
        return await asyncio.gather(*(readiness.check() for _ in range(3)), return_exceptions=True)

    assert {type(answer) for answer in in_a_loop(ask())} == {PolicyError}
