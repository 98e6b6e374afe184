"""Wake-ups through a real Valkey, and without one."""

import json
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from redis import Redis

from broker.devstack.engines import Engines
from broker.transport.wakeups import KEY_PREFIX, TRANSPORT_OPTIONS, Wakeups, task_name


def until(check: Callable[[], object], seconds: float = 10) -> None:
    """Wait for it, or fail."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


@pytest.fixture
def valkey(engines: Engines) -> Iterator[Redis]:
    engines.wakeup.start()
    client = Redis.from_url(engines.wakeup_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def wakeups(engines: Engines, valkey: Redis) -> Iterator[Wakeups]:
    opened = Wakeups(engines.wakeup_url, new_id=uuid4)
    yield opened
    opened.close()


def messages(valkey: Redis) -> int:
    return int(valkey.llen(f"{KEY_PREFIX}route"))


def test_many_calls_make_one_message_that_lapses(wakeups: Wakeups, valkey: Redis) -> None:
    for _ in range(200):
        wakeups.notify("route")
    until(lambda: messages(valkey))
    wakeups.close()
    assert messages(valkey) == 1
    assert 0 < valkey.pttl(f"{KEY_PREFIX}wake:route") <= 5_000


def test_after_the_token_is_taken_the_next_call_sends_again(
    wakeups: Wakeups, valkey: Redis
) -> None:
    wakeups.notify("route")
    until(lambda: messages(valkey) == 1)
    wakeups.clear("route")
    wakeups.notify("route")
    until(lambda: messages(valkey) == 2)


def test_the_message_holds_no_content(wakeups: Wakeups, valkey: Redis) -> None:
    wakeups.notify("route")
    until(lambda: messages(valkey))
    message = json.loads(valkey.lindex(f"{KEY_PREFIX}route", 0))
    assert message["headers"].keys() == {"lang", "task", "id", "root_id"}


def test_without_valkey_no_caller_waits_and_none_fails(engines: Engines, wakeups: Wakeups) -> None:
    engines.wakeup.kill()
    try:
        started = time.monotonic()
        for _ in range(1_000):
            wakeups.notify("route")
        assert time.monotonic() - started < 0.2
        wakeups.clear("route")
    finally:
        engines.wakeup.start()


def test_it_works_again_once_valkey_is_back(
    engines: Engines, wakeups: Wakeups, valkey: Redis
) -> None:
    wakeups.notify("route")
    until(lambda: messages(valkey) == 1)
    engines.wakeup.kill()
    wakeups.notify("route")
    engines.wakeup.start()

    def woken() -> bool:
        wakeups.notify("route")
        return messages(Redis.from_url(engines.wakeup_url)) == 1

    until(woken)


def test_a_celery_worker_runs_the_task_that_the_message_names(
    engines: Engines, wakeups: Wakeups
) -> None:
    app = Celery(broker=engines.wakeup_url, set_as_current=False)
    app.conf.update(broker_transport_options=TRANSPORT_OPTIONS, task_default_queue="route")
    ran: list[int] = []

    @app.task(name=task_name("route"))
    def route() -> None:
        ran.append(1)

    with start_worker(app, pool="solo", perform_ping_check=False):
        wakeups.notify("route")
        until(lambda: ran)
    assert ran == [1]
