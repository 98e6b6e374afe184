"""The first signal ends a command in order, and further ones do not disturb that."""

from __future__ import annotations

import os
import signal

import pytest

from broker.cli.interrupt import SIGNALS, Interrupted, interruptible


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_block_and_further_ones_wait_until_it_has_ended(number: int) -> None:
    before = {each: signal.getsignal(each) for each in SIGNALS}
    ended: list[str] = []

    def work() -> None:
        with interruptible():
            try:
                os.kill(os.getpid(), number)
                signal.pause()
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                ended.append("in order")

    with pytest.raises(Interrupted):
        work()
    assert ended == ["in order"]
    assert {each: signal.getsignal(each) for each in SIGNALS} == before
