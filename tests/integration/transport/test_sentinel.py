"""Both Valkeys under Sentinel: a master is killed in traffic, and its replica takes over."""

import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread
from uuid import uuid4

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from redis import Redis, RedisError, ResponseError
from referral_broker_client.queue_consumer import opened

from broker.devstack.engines import Engines
from broker.domain.ids import OrganisationCode
from broker.engine_addresses import Use, unfit
from broker.errors import Unavailable
from broker.heartbeats import Heartbeats
from broker.transport.clients import valkey
from broker.transport.exchange_users import add_user, address_for, default_reads_all
from broker.transport.memory_policy import KEEPS_ALL, eviction
from broker.transport.nudges import NudgeListener, Nudges
from broker.transport.queues import AgencyQueues, Copy
from broker.transport.wakeups import Wakeups, task_name
from tests.conftest import eventually
from tests.sentinel import Sentinel, is_installed
from workers.celery_settings import celery_settings

pytestmark = pytest.mark.skipif(not is_installed(), reason="no redis-sentinel")
STOKE = OrganisationCode("stoke-csc")
QUEUE = f"agency.{STOKE}"


@pytest.fixture
def sentinel(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinel]:
    server = Sentinel(tmp_path_factory.mktemp("sentinel") / "s", engines.reaper)
    try:
        server.start()
        yield server
    finally:
        server.stop()


class Traffic:
    """Sends copies one by one until it is ended, each again until it was taken."""

    def __init__(self, url: str) -> None:
        self.queues = AgencyQueues(url)
        self.sent: list[str] = []
        self.longest = 0.0
        self._ended = Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            id_, began = f"d{len(self.sent)}", time.monotonic()
            while not self._ended.is_set():
                with suppress(Unavailable):
                    assert self.queues.publish([Copy(STOKE, id_, b"copy")]) == [""]
                    self.sent.append(id_)
                    break
                time.sleep(0.05)
            self.longest = max(self.longest, time.monotonic() - began)
            time.sleep(0.01)

    def end(self) -> None:
        self._ended.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        self.queues.close()


def test_a_failover_in_traffic_loses_nothing_but_what_was_not_replicated(
    sentinel: Sentinel,
) -> None:
    url, password = sentinel.url, secrets.token_urlsafe(24)
    assert not unfit(url, Use.EXCHANGE)
    assert not unfit(url, Use.WAKEUPS)
    assert eviction(url) == KEEPS_ALL
    assert add_user(url, STOKE, password), "at the master and at its replica"
    assert not default_reads_all(url)
    app = Celery(set_as_current=False)
    app.conf.update(celery_settings(url), task_default_queue="trial")
    ran: list[float] = []

    @app.task(name=task_name("trial"), shared=False)
    def route() -> None:
        ran.append(time.monotonic())

    wakeups = Wakeups(url, new_id=uuid4)
    wakeups.check()
    traffic = Traffic(url)
    before = sentinel.master()
    try:
        with start_worker(app, pool="solo", perform_ping_check=False):
            eventually(lambda: len(traffic.sent) > 10)
            assert eventually(lambda: _woken(wakeups, ran, 0.0))
            eventually(lambda: wakeups.waiting(["trial"]) == {"trial": 0})
            sentinel.first.kill()
            count = len(traffic.sent)
            eventually(lambda: sentinel.master() != before)
            eventually(lambda: len(traffic.sent) > count + 10)
            # Celery waits ever longer between two tries.
            assert eventually(lambda: _woken(wakeups, ran, time.monotonic()), within=180)
    finally:
        traffic.end()
        wakeups.close()
    agency = address_for(url, STOKE, password)
    with opened(agency) as connection, connection.channel() as channel:
        ids = set()
        while message := channel.basic_get(QUEUE, no_ack=True):
            ids.add(message.properties["message_id"])
    lost = set(traffic.sent) - ids
    assert len(lost) <= 2, "what the replica had not yet, which the ledger sends again"
    assert traffic.longest < 60


def _woken(wakeups: Wakeups, ran: list[float], since: float) -> bool:
    """Wake, and tell whether a task has run since an instant."""
    until = time.monotonic() + 2
    while time.monotonic() < until:
        wakeups.notify("trial")
        wakeups.clear("trial")
        if ran and ran[-1] >= since:
            return True
        time.sleep(0.1)
    return False


def test_nudges_are_heard_again_after_a_failover(sentinel: Sentinel) -> None:
    heard: list[float] = []
    listener = NudgeListener(sentinel.url, lambda: heard.append(time.monotonic()), Heartbeats())
    sender = Nudges(sentinel.url)

    def nudged() -> bool:
        sender.send()
        time.sleep(0.1)
        return len(heard) > since

    listener.start()
    try:
        eventually(lambda: heard)  # it has subscribed
        since = len(heard)
        eventually(nudged)
        before = sentinel.master()
        sentinel.first.kill()
        eventually(lambda: sentinel.master() != before)
        since = len(heard) + 1  # beside what a new subscription is
        eventually(nudged)
    finally:
        sender.close()
        listener.close()


def test_a_client_follows_the_master_that_was_demoted(sentinel: Sentinel) -> None:
    """A planned failover: the old master lives on, as a replica that takes no writes."""
    assert add_user(sentinel.url, STOKE, "secret")
    wakeups = Wakeups(sentinel.url, new_id=uuid4)
    wakeups.check()
    queues = AgencyQueues(sentinel.url)
    assert queues.publish([Copy(STOKE, "before", b"copy")]) == [""]
    before = sentinel.master()

    def fails_over() -> bool:
        """Ask for it: refused while the Sentinel has not seen that the replica is in step."""
        with Redis(port=sentinel._port, password=sentinel._password) as client:
            with suppress(ResponseError):
                client.sentinel_failover("agencies")
            return sentinel.master() != before

    assert eventually(fails_over)

    def has_arrived() -> bool:
        with suppress(Unavailable, RedisError), valkey(sentinel.url) as master:
            queues.publish([Copy(STOKE, "after", b"copy")])
            return b"after" in b"".join(master.lrange(QUEUE, 0, -1))
        return False

    assert eventually(has_arrived)
    queues.close()
    wakeups.check()
    wakeups.close()
    agency = address_for(sentinel.url, STOKE, "secret")
    with opened(agency) as connection, connection.channel() as channel:
        assert channel.basic_get(QUEUE, no_ack=True)
