"""The agencies' queues on a real Valkey: copies out, receipts back, garbage between them."""

import json
import zlib
from collections.abc import Iterator

import pytest
from kombu import Connection, Producer
from redis import Redis

from broker.devstack.engines import Engines
from broker.domain.ids import OrganisationCode
from broker.errors import Unavailable
from broker.transport.queues import QUEUE_FULL, RECEIPTS_QUEUE, AgencyQueues, Copy, SignedReceipts

STOKE = OrganisationCode("stoke-csc")


@pytest.fixture
def valkey(engines: Engines) -> Iterator[Redis]:
    engines.exchange.start()
    client = Redis.from_url(engines.exchange_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def queues(engines: Engines, valkey: Redis) -> Iterator[AgencyQueues]:
    opened = AgencyQueues(engines.exchange_url)
    yield opened
    opened.close()


def say(engines: Engines, body: str, **options: object) -> None:
    with Connection(engines.exchange_url) as connection:
        Producer(connection.default_channel).publish(
            body, exchange="", routing_key=RECEIPTS_QUEUE, **options
        )


def received(queues: AgencyQueues, rounds: int = 5) -> list[bytes]:
    """Take what comes, over as many connections as garbage makes necessary."""
    bodies: list[bytes] = []
    for _ in range(rounds):
        try:
            queues.receive(lambda message: bodies.append(message.body), limit=10, wait=0.1)
        except Unavailable:
            continue
    return bodies


def test_copies_arrive_in_order_under_their_own_ids(queues: AgencyQueues, valkey: Redis) -> None:
    copies = [Copy(STOKE, f"d{n}", b'{"delivery": 1}') for n in range(500)]
    assert queues.publish(copies) == [""] * 500
    waiting = [json.loads(item) for item in reversed(valkey.lrange("agency.stoke-csc", 0, -1))]
    assert [item["properties"]["message_id"] for item in waiting] == [c.id for c in copies]


def test_a_recall_takes_the_place_of_what_still_lies_in_the_queue(
    queues: AgencyQueues, valkey: Redis
) -> None:
    others = [Copy(STOKE, f"o{n}", b"other", "r2") for n in range(250)]
    old = [Copy(STOKE, f"d{n}", b"content", "r1") for n in (1, 2)]
    queues.publish([old[0], *others[:120], old[1], old[0], *others[120:]])
    garbage = [b"garbage about r1", b'["r1",' + b"[" * 100_000, b'{"properties": ["r1"]}']
    valkey.rpush("agency.stoke-csc", *garbage)
    elsewhere = OrganisationCode("shropshire-csc")
    queues.publish([Copy(elsewhere, "d9", b"content", "r1")])
    recall = Copy(STOKE, "d3", b"recall", "r1", is_recall=True)
    assert queues.publish([recall]) == [""]
    assert queues.publish([recall]) == [""]
    waiting = valkey.lrange("agency.stoke-csc", 0, -1)
    assert waiting[-3:] == garbage
    ids = [json.loads(item)["properties"]["message_id"] for item in waiting[:-3]]
    assert ids == ["d3", "d3", *(copy.id for copy in reversed(others))]
    assert valkey.llen("agency.shropshire-csc") == 1


def test_a_recall_of_one_part_leaves_the_copies_of_another(
    queues: AgencyQueues, valkey: Redis
) -> None:
    queues.publish([Copy(STOKE, name, b"content", "r1") for name in ("lead", "copy-1", "copy-2")])
    replaced = frozenset(["copy-1", "copy-2", "elsewhere"])
    assert queues.publish([Copy(STOKE, "recall", b"recall", "r1", True, replaced)]) == [""]
    waiting = [json.loads(item) for item in valkey.lrange("agency.stoke-csc", 0, -1)]
    assert [item["properties"]["message_id"] for item in waiting] == ["recall", "lead"]


def test_a_recall_makes_its_own_room_in_a_full_queue(engines: Engines, valkey: Redis) -> None:
    queues = AgencyQueues(engines.exchange_url, longest=1)
    assert queues.publish([Copy(STOKE, "d1", b"content", "r1")]) == [""]
    assert queues.publish([Copy(STOKE, "d2", b"recall", "r1", is_recall=True)]) == [""]
    queues.close()
    (element,) = valkey.lrange("agency.stoke-csc", 0, -1)
    assert json.loads(element)["properties"]["message_id"] == "d2"


def test_a_full_queue_holds_back_its_own_agency_alone(engines: Engines, valkey: Redis) -> None:
    queues = AgencyQueues(engines.exchange_url, longest=2)
    other = OrganisationCode("shropshire-csc")
    copies = [Copy(STOKE, str(n), b"{}") for n in range(3)] + [Copy(other, "o", b"{}")]
    assert queues.publish(copies) == ["", "", QUEUE_FULL, ""]
    queues.close()


def test_receipts_are_gone_after_they_were_handled(
    engines: Engines, queues: AgencyQueues, valkey: Redis
) -> None:
    say(engines, '{"receipts": []}')
    assert received(queues) == [b'{"receipts": []}']
    assert valkey.llen(RECEIPTS_QUEUE) == 0
    assert valkey.hlen("unacked") == 0


def test_receipts_that_could_not_be_committed_come_again(
    engines: Engines, queues: AgencyQueues
) -> None:
    def fail(message: SignedReceipts) -> None:
        raise LookupError

    say(engines, '"first"')
    say(engines, '"second"')
    with pytest.raises(LookupError):
        queues.receive(fail, limit=10, wait=1)
    assert sorted(received(queues)) == [b'"first"', b'"second"']


@pytest.mark.parametrize(
    "garbage",
    ["no json", "{}", "[]", "7", '{"body": "x"}', "\udcff", pytest.param("[" * 100_000, id="deep")],
)
def test_garbage_in_the_queue_stops_nobody(
    engines: Engines, queues: AgencyQueues, valkey: Redis, garbage: str
) -> None:
    valkey.lpush(RECEIPTS_QUEUE, garbage.encode(errors="surrogateescape"))
    say(engines, '"good"')
    assert b'"good"' in received(queues)


def test_nothing_is_unpacked(engines: Engines, queues: AgencyQueues) -> None:
    packed = zlib.compress(b"0" * 10_000_000)
    say(engines, packed, headers={"compression": "application/x-gzip"})
    assert all(len(body) < 100_000 for body in received(queues))


def test_an_exchange_that_does_not_answer_is_unavailable_and_then_back(
    engines: Engines, queues: AgencyQueues, valkey: Redis
) -> None:
    assert queues.publish([Copy(STOKE, "d1", b"{}")]) == [""]
    engines.exchange.kill()
    with pytest.raises(Unavailable):
        queues.publish([Copy(STOKE, "d2", b"{}")])
    engines.exchange.start()
    assert queues.publish([Copy(STOKE, "d2", b"{}")]) == [""]
