"""A RabbitMQ as sites run it: queues of any type, what it refuses, and what it loses."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kombu import Connection

from broker.devstack.engines import Engines
from broker.domain.ids import OrganisationCode
from broker.errors import Misconfigured, Unavailable
from broker.transport.queues import QUEUE_FULL, REFUSED, AgencyQueues, Copy, SignedReceipts
from tests.conftest import ROOT, eventually
from tests.rabbitmq import RabbitMQ, is_installed

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="no rabbitmq-server"),
    pytest.mark.xdist_group("rabbitmq"),
]
STOKE, SHROPSHIRE = OrganisationCode("stoke-csc"), OrganisationCode("shropshire-csc")


Limit = Callable[[str, str, str], None]


@pytest.fixture
def url(rabbitmq: RabbitMQ) -> str:
    """The broker's address, with no queue yet."""
    with Connection(rabbitmq.url) as connection, connection.channel() as channel:
        for name in (f"agency.{STOKE}", f"agency.{SHROPSHIRE}", "receipts"):
            channel.queue_delete(name)
        channel.exchange_delete("receipts")
    return rabbitmq.url


@pytest.fixture
def limit(rabbitmq: RabbitMQ) -> Iterator[Limit]:
    """Give the broker's user these rights: to configure, to write and to read."""
    yield lambda *rights: rabbitmq.control("set_permissions", "broker", *rights)
    rabbitmq.control("set_permissions", "broker", ".*", ".*", ".*")


@pytest.fixture
def queues(url: str) -> Iterator[AgencyQueues]:
    opened = AgencyQueues(url)
    yield opened
    opened.close()


def copies(count: int, agency: OrganisationCode = STOKE) -> list[Copy]:
    return [Copy(agency, f"d{number}", b"copy") for number in range(count)]


def waiting(url: str, agency: OrganisationCode = STOKE) -> int:
    """Return how many messages lie in an agency's queue."""
    with Connection(url) as connection, connection.channel() as channel:
        return int(channel.queue_declare(f"agency.{agency}", passive=True).message_count)


def test_queues_are_made_of_the_type_that_is_set(rabbitmq: RabbitMQ, url: str) -> None:
    for kind, agency in (("quorum", STOKE), ("classic", SHROPSHIRE)):
        queues = AgencyQueues(url, queue_type=kind)
        assert queues.publish(copies(2, agency)) == ["", ""]
        queues.close()
        assert waiting(url, agency) == 2
    made = rabbitmq.control("list_queues", "name", "type").splitlines()
    assert {f"agency.{STOKE}\tquorum", f"agency.{SHROPSHIRE}\tclassic"} <= set(made)


@pytest.mark.parametrize(
    "declared",
    [{"x-queue-type": "quorum"}, {"x-message-ttl": 60_000}, {"x-max-length": 100}],
    ids=lambda declared: next(iter(declared)),
)
def test_queues_that_are_there_are_used_as_they_are(
    url: str, queues: AgencyQueues, rabbitmq: RabbitMQ, declared: dict[str, object]
) -> None:
    with Connection(url) as connection, connection.channel() as channel:
        for name in (f"agency.{STOKE}", "receipts"):
            channel.queue_declare(name, durable=True, auto_delete=False, arguments=declared)
    queues.check()
    assert queues.publish(copies(3)) == ["", "", ""]
    assert queues.receive(lambda _: None, limit=1, wait=0.1) == 0
    assert waiting(url) == 3


def test_what_a_queue_refuses_was_not_sent(
    rabbitmq: RabbitMQ, url: str, queues: AgencyQueues
) -> None:
    limit = '{"max-length": 5, "overflow": "reject-publish"}'
    rabbitmq.control("set_policy", "five", "^agency", limit)
    narrow = AgencyQueues(url, queue_type="classic")
    fates = narrow.publish(copies(20)) + narrow.publish(copies(2, SHROPSHIRE))
    narrow.close()
    rabbitmq.control("clear_policy", "five")
    assert fates.count(QUEUE_FULL) == 15
    assert fates[-2:] == ["", ""]
    assert waiting(url) == 5


def test_a_queue_that_is_refused_to_us_holds_up_its_own_agency_alone(
    queues: AgencyQueues, limit: Limit
) -> None:
    assert queues.publish(copies(1)) == [""]
    limit("^receipts$", ".*", ".*")
    assert queues.publish([*copies(1, SHROPSHIRE), *copies(1)]) == [REFUSED, ""]


def test_rights_that_are_missing_are_no_outage(queues: AgencyQueues, limit: Limit) -> None:
    cases = {
        ("", ".*", ".*"): "exchange 'receipts'",
        (".*", "^receipts$", ".*"): "exchange 'amq.default'",
        (".*", ".*", "^none$"): "receipts",
    }
    for rights, refused in cases.items():
        limit(*rights)
        with pytest.raises(Misconfigured, match=refused) as raised:
            queues.check()
        assert "ACCESS_REFUSED" in raised.value.message


def test_the_rights_that_the_documents_name_are_enough(queues: AgencyQueues, limit: Limit) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").replace("\n", " ")
    needed = re.search(r"`configure` and `read` on `([^`]+)`, and `write` on `([^`]+)`", text)
    assert needed is not None
    limit(needed[1], needed[2], needed[1])
    queues.prepare(STOKE)
    assert queues.publish(copies(2)) == ["", ""]
    assert queues.receive(lambda _: None, limit=1, wait=0.1) == 0


def test_a_wrong_password_or_virtual_host_is_no_outage(rabbitmq: RabbitMQ) -> None:
    password = rabbitmq.url.partition("broker:")[2].partition("@")[0]
    for wrong in (
        rabbitmq.url.replace(password, "guess"),
        f"{rabbitmq.url.removesuffix('//')}/none",
    ):
        queues = AgencyQueues(wrong)
        with pytest.raises(Misconfigured) as raised:
            queues.publish(copies(1))
        assert password not in raised.value.message
        assert "guess" not in raised.value.message


@pytest.mark.proof
def test_one_that_hangs_or_is_killed_holds_nobody_up_and_is_found_again(
    rabbitmq: RabbitMQ, queues: AgencyQueues
) -> None:
    server = AgencyQueues(rabbitmq.url)
    assert server.publish(copies(1)) == [""]
    rabbitmq.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(Unavailable) as raised:
            server.publish(copies(2))
        assert not isinstance(raised.value, Misconfigured)
        assert time.monotonic() - began < 30
    finally:
        rabbitmq.signal(signal.SIGCONT)
    assert server.publish(copies(3)) == ["", "", ""]
    rabbitmq.kill()
    with pytest.raises(Unavailable):
        server.publish(copies(1))
    rabbitmq.start()
    ids: list[str] = []

    def reached() -> bool:
        try:
            return server.publish(copies(1)) == [""]
        except Unavailable:
            return False

    eventually(reached)
    server.close()
    with Connection(rabbitmq.url) as connection, connection.channel() as channel:
        while message := channel.basic_get(f"agency.{STOKE}", no_ack=True):
            ids.append(message.properties["message_id"])
    assert {"d0", "d1", "d2"} <= set(ids), "what was confirmed outlives kill -9"


@pytest.fixture
def cluster(engines: Engines, tmp_path: Path) -> Iterator[list[RabbitMQ]]:
    """Three nodes of one cluster."""
    first = RabbitMQ(tmp_path / "1", engines.reaper)
    nodes = [first]
    try:
        first.start()
        for number in (2, 3):
            # Made when it is started: until then others on this machine may take its ports.
            nodes.append(RabbitMQ(tmp_path / str(number), engines.reaper, beside=first))
            nodes[-1].start()
            nodes[-1].join()
        yield nodes
    finally:
        for node in reversed(nodes):
            node.kill()
        first.stop()


@pytest.mark.proof
def test_an_election_among_three_nodes_loses_nothing_that_was_confirmed(
    cluster: list[RabbitMQ],
) -> None:
    """The leader of a quorum queue is killed in traffic that goes by another node."""
    first, second, _ = cluster
    maker = AgencyQueues(second.url, queue_type="quorum")
    maker.prepare(STOKE)
    maker.close()
    leaders = first.control("list_queues", "name", "leader").splitlines()
    assert f"agency.{STOKE}\t{second.node}" in leaders
    queues, confirmed = AgencyQueues(first.url, queue_type="quorum"), 0

    def publish() -> bool:
        """Publish until one is confirmed, each under an id of its own."""
        nonlocal confirmed
        try:
            is_confirmed = queues.publish([Copy(STOKE, f"d{confirmed}", b"copy")]) == [""]
        except Unavailable:
            return False
        confirmed += is_confirmed
        return is_confirmed

    for _ in range(20):
        assert publish()
    second.kill()
    began = time.monotonic()
    eventually(publish)
    print(f"confirmed again {time.monotonic() - began:.1f} s after the leader was killed")
    for _ in range(20):
        assert publish()
    queues.close()
    taken = set()
    with Connection(first.url) as connection, connection.channel() as channel:
        while message := channel.basic_get(f"agency.{STOKE}", no_ack=True):
            taken.add(message.properties["message_id"])
    assert {f"d{number}" for number in range(confirmed)} <= taken


def test_receipts_come_from_a_queue_of_any_type(url: str, queues: AgencyQueues) -> None:
    queues.check()
    with Connection(url) as connection, connection.channel() as channel:
        channel.basic_publish(channel.prepare_message(b"signed"), "receipts", "receipts")
    taken: list[SignedReceipts] = []
    assert queues.receive(taken.append, limit=5, wait=2) == 1
    assert taken[0].body == b"signed"
