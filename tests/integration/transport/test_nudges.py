"""Nudges through a real Valkey, without one, and with one that says nothing."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from broker.devstack.engines import Engines
from broker.heartbeats import Heartbeats, Watchdog
from broker.transport import nudges
from broker.transport.nudges import EVERY_SECONDS, LISTENER, NudgeListener, Nudges
from broker.transport.wakeups import CHANNEL
from tests.conftest import ends, eventually


class Heard:
    """Counts nudges, and what of this listener beats."""

    def __init__(self, url: str) -> None:
        self.count = 0
        self.heartbeats = Heartbeats()
        self.listener = NudgeListener(url, self.hear, self.heartbeats)

    def hear(self) -> None:
        self.count += 1

    @property
    def is_running(self) -> bool:
        return any(thread is self.listener._thread for thread in threading.enumerate())


@pytest.fixture
def valkey(engines: Engines) -> Iterator[Redis]:
    engines.wakeup.start()
    with Redis.from_url(engines.wakeup_url) as client:
        yield client


@pytest.fixture
def heard(engines: Engines, valkey: Redis) -> Iterator[Heard]:
    """Somebody who listens, and is subscribed."""
    opened = Heard(engines.wakeup_url)
    opened.listener.start()
    eventually(lambda: opened.count == 1)  # what may have been lost before
    yield opened
    opened.listener.close()


@pytest.fixture
def sender(engines: Engines, valkey: Redis) -> Iterator[Nudges]:
    opened = Nudges(engines.wakeup_url)
    yield opened
    opened.close()


def test_a_nudge_is_heard(heard: Heard, sender: Nudges) -> None:
    sender.send()
    eventually(lambda: heard.count == 2)


def test_many_nudges_are_few_empty_messages(valkey: Redis, sender: Nudges) -> None:
    with valkey.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(CHANNEL)
        channel.get_message(timeout=5)
        began = time.monotonic()
        for _ in range(20_000):
            sender.send()
        sender.close()
        most = (time.monotonic() - began) / EVERY_SECONDS + 2
        messages = []
        while message := channel.get_message(timeout=0.2):
            messages.append(message["data"])
    assert 1 <= len(messages) <= most
    assert set(messages) == {b""}


def test_what_is_asked_for_is_sent_before_the_end(heard: Heard, engines: Engines) -> None:
    sender = Nudges(engines.wakeup_url)
    sender.send()
    sender.close()
    eventually(lambda: heard.count >= 2)


def test_without_valkey_no_caller_fails_or_waits(engines: Engines, sender: Nudges) -> None:
    engines.wakeup.kill()
    try:

        def send_often() -> None:
            for _ in range(1_000):
                sender.send()

        assert ends(send_often)
    finally:
        engines.wakeup.start()


def test_it_is_heard_again_once_valkey_is_back(
    engines: Engines, heard: Heard, sender: Nudges
) -> None:
    engines.wakeup.kill()
    engines.wakeup.start()
    eventually(lambda: heard.count == 2)  # it is subscribed anew

    def nudged() -> bool:
        sender.send()
        return heard.count > 2

    eventually(nudged)


def test_a_connection_that_says_nothing_is_given_up(
    engines: Engines, valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nudges, "HEARTBEAT", 0.2)
    heard = Heard(engines.wakeup_url)
    number = int(valkey.info("server")["process_id"])
    results: list[str] = []

    def listen() -> None:
        try:
            heard.listener.listen()
        except TimeoutError as error:
            results.append(str(error))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    eventually(lambda: heard.count == 1)
    beats = heard.heartbeats.counts()[LISTENER]
    eventually(lambda: heard.heartbeats.counts()[LISTENER] > beats + 4)  # it answers
    assert not results
    os.kill(number, signal.SIGSTOP)
    try:
        eventually(lambda: results == ["The Valkey of wake-ups does not answer."])
    finally:
        os.kill(number, signal.SIGCONT)


def test_who_floods_the_channel_is_not_listened_to(
    engines: Engines, valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nudges, "MOST_EACH_SECOND", 50)
    monkeypatch.setattr(nudges, "PAUSE_SECONDS", 3600)
    heard = Heard(engines.wakeup_url)
    heard.listener.start()
    eventually(lambda: heard.count == 1)

    def subscribers() -> int:
        return int(valkey.pubsub_numsub(CHANNEL)[0][1])

    before = subscribers()
    with valkey.pipeline(transaction=False) as flood:
        for _ in range(5_000):
            flood.publish(CHANNEL, b"")
        flood.execute()
    eventually(lambda: subscribers() == before - 1)
    assert heard.count < 5_000
    heard.listener.close()


def test_the_end_ends_the_thread_and_its_watch(heard: Heard) -> None:
    assert heard.is_running
    assert LISTENER in heard.heartbeats.counts()
    assert ends(heard.listener.close)
    eventually(lambda: not heard.is_running)
    assert heard.heartbeats.counts() == {}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_is_noticed(engines: Engines, valkey: Redis) -> None:
    heartbeats = Heartbeats()

    def die() -> None:
        raise SystemExit

    listener = NudgeListener(engines.wakeup_url, die, heartbeats)
    listener.start()
    eventually(lambda: not listener._thread.is_alive())
    watchdog = Watchdog(heartbeats, limit=3, end=lambda: None)
    for _ in range(5):
        watchdog.look()
    assert watchdog.stuck() == [LISTENER]
