"""Wake-ups through a real Valkey, and without one."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from kombu import Producer, Queue
from redis import Redis

from broker.devstack.engines import Engines, Valkey
from broker.transport.clients import kombu_connection
from broker.transport.wakeups import KEY_PREFIX, TRANSPORT_OPTIONS, Wakeups, task_name
from tests.conftest import ends, eventually


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
    eventually(lambda: messages(valkey))
    wakeups.close()
    assert messages(valkey) == 1
    assert 0 < valkey.pttl(f"{KEY_PREFIX}wake:route") <= 5_000


def test_after_the_token_is_taken_the_next_call_sends_again(
    wakeups: Wakeups, valkey: Redis
) -> None:
    wakeups.notify("route")
    eventually(lambda: messages(valkey) == 1)
    wakeups.clear("route")
    wakeups.notify("route")
    eventually(lambda: messages(valkey) == 2)


def test_the_message_holds_no_content(wakeups: Wakeups, valkey: Redis) -> None:
    wakeups.notify("route")
    eventually(lambda: messages(valkey))
    message = json.loads(valkey.lindex(f"{KEY_PREFIX}route", 0))
    assert message["headers"].keys() == {"lang", "task", "id", "root_id"}


def test_without_valkey_no_caller_fails(engines: Engines, wakeups: Wakeups) -> None:
    engines.wakeup.kill()
    try:
        for _ in range(1_000):
            wakeups.notify("route")
        wakeups.clear("route")
    finally:
        engines.wakeup.start()


def test_no_caller_waits_until_a_wake_up_is_sent(engines: Engines, valkey: Redis) -> None:
    sending, go_on = Event(), Event()

    def hold(_point: str) -> None:
        sending.set()
        go_on.wait()

    wakeups = Wakeups(engines.wakeup_url, new_id=uuid4, hit=hold)

    def wake_often() -> None:
        wakeups.notify("route")
        sending.wait()
        for _ in range(1_000):
            wakeups.notify("route")

    assert ends(wake_often)
    assert messages(valkey) == 0
    go_on.set()
    eventually(lambda: messages(valkey) == 1)
    wakeups.close()


def test_an_acknowledgement_that_is_lost_takes_no_place_for_good(
    engines: Engines, tmp_path: Path
) -> None:
    """A consumer without a place asks for nothing, so it would never notice a lost connection."""
    server = Valkey(tmp_path / "valkey", engines.reaper, keeps=False)
    server.start()
    try:
        connection = kombu_connection(server.url, TRANSPORT_OPTIONS)
        with connection, connection.channel() as channel:
            channel.basic_qos(0, 1, False)
            producer, queue = Producer(channel), Queue("places")(channel)
            queue.declare()
            producer.publish(b"", routing_key="places")
            taken = channel.basic_get("places")
            assert not channel.qos.can_consume()
            server.kill()
            with pytest.raises(connection.connection_errors):
                taken.ack()
            assert channel.qos.can_consume()
    finally:
        server.stop()


def test_it_works_again_once_valkey_is_back(
    engines: Engines, wakeups: Wakeups, valkey: Redis
) -> None:
    wakeups.notify("route")
    eventually(lambda: messages(valkey) == 1)
    engines.wakeup.kill()
    wakeups.notify("route")
    engines.wakeup.start()

    def woken() -> bool:
        wakeups.notify("route")
        return messages(Redis.from_url(engines.wakeup_url)) == 1

    eventually(woken)


def test_a_celery_worker_runs_the_task_that_the_message_names(
    engines: Engines, wakeups: Wakeups
) -> None:
    app = Celery(broker=engines.wakeup_url, set_as_current=False)
    app.conf.update(broker_transport_options=TRANSPORT_OPTIONS, task_default_queue="trial")
    ran: list[int] = []

    # The name is not one of the broker's own tasks, which every app of this process has.
    @app.task(name=task_name("trial"), shared=False)
    def route() -> None:
        ran.append(1)

    with start_worker(app, pool="solo", perform_ping_check=False):
        wakeups.notify("trial")
        eventually(lambda: ran)
    assert ran == [1]
