"""A channel that hangs holds up no other, and gets no new work until it has ended."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from broker.flow.channel_threads import ChannelThreads
from tests.conftest import PATIENCE_SECONDS, eventually

PATIENT = timedelta(seconds=PATIENCE_SECONDS)
AT_ONCE = timedelta(0)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Open at the end, so that no thread hangs for ever."""
    event = threading.Event()
    yield event
    event.set()


def test_what_all_channels_sent_is_added_up() -> None:
    threads = ChannelThreads()
    assert threads.run({"queue": lambda: 2, "mesh": lambda: 3}, within=PATIENT) == 5
    assert threads.run({}, within=PATIENT) == 0


def test_a_channel_that_hangs_gets_no_new_work_until_it_has_ended(gate: threading.Event) -> None:
    threads, began = ChannelThreads(), list[int]()

    def hang() -> int:
        began.append(1)
        gate.wait(PATIENCE_SECONDS)
        return 7

    assert threads.run({"mesh": hang}, within=AT_ONCE) == 0
    assert threads.run({"mesh": hang, "queue": lambda: 2}, within=PATIENT) == 2
    assert began == [1]
    hanging = [thread for thread in threading.enumerate() if thread.name == "channel mesh"]
    assert [thread.daemon for thread in hanging] == [True], "it would hold up the end of a process"
    gate.set()
    assert eventually(lambda: threads.run({"mesh": lambda: 3}, within=PATIENT)) == 3


def test_what_the_work_of_a_channel_raises_is_raised_after_the_others() -> None:
    threads, sent = ChannelThreads(), list[int]()

    def fail() -> int:
        raise ValueError("refused")

    def send() -> int:
        sent.append(1)
        return 1

    with pytest.raises(ValueError, match="refused"):
        threads.run({"mesh": fail, "queue": send}, within=PATIENT)
    assert sent == [1]
    assert threads.run({"mesh": lambda: 2}, within=PATIENT) == 2
