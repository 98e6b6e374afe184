"""Collect and answer: four agencies take batches of 50 and decide each delivery."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import cycle, islice
from typing import Any

import orjson
from kombu import Connection

from benchmarks import post, world
from benchmarks.ours import Ours, must_be_equal
from benchmarks.payload import AREAS, to_one, to_three
from benchmarks.post import Line
from benchmarks.results import Figure, rates
from benchmarks.rivals.weekend.stack import KEY, Weekend
from benchmarks.rivals.weekend.tasks import QUEUES
from benchmarks.world import World
from broker.domain.codes import Scope

BATCH = 50
AIM = 5_000.0


def measure(world_: World) -> Figure:
    """Measure deliveries collected and answered a second, ours and the rival's."""
    ours = rate(Ours.fresh(world_, "ours_collect"), world_.sizes.collect)
    rivals = {"weekend": _weekend(world_)}
    return rates(ours, "deliveries/s", rivals, aims={"ours": AIM})


def rate(ours: Ours, count: int, prefix: str = "COLLECT") -> float:
    """Fill four queues, and return deliveries collected and answered a second."""
    before = answered(ours)
    bodies = to_one(prefix, islice(cycle(AREAS), count))
    ours.fill(bodies)
    with ours.worker():
        ours.until_routed()
    ours.verify_routed(bodies, deliveries=1)
    ours.settle()
    keys = {agency: ours.keys(agency, Scope.COLLECT)[0] for agency in AREAS.values()}
    with ours.gateway() as url:
        taken, seconds = empty(url, keys, most=count)
    verify_answered(ours, [*before, *taken])
    return len(taken) / seconds


def empty(
    url: str, keys: Mapping[str, str], *, most: int, lines: int = 1
) -> tuple[list[str], float]:
    """Collect and answer until nothing waits; return the ids and the seconds that it took."""
    taken: list[str] = []

    async def one_line(key: str) -> None:
        async with Line(url, key) as line:
            while len(taken) < most and (batch := await _collected(line)):
                await _answer(line, batch)
                taken.extend(delivery["delivery"] for delivery in batch)

    begun = time.perf_counter()
    post.run(lambda: post.gather([one_line(key) for key in keys.values() for _ in range(lines)]))
    return taken, time.perf_counter() - begun


def verify_answered(ours: Ours, taken: list[str]) -> None:
    """Raise unless each delivery was given out once, and the ledger holds each answer."""
    must_be_equal("deliveries", len(set(taken)), len(taken))
    must_be_equal("answers", answered(ours), set(taken))


def answered(ours: Ours) -> set[str]:
    """Return the deliveries for which the ledger holds an answer of ours."""
    question = (
        "select delivery.id::text from delivery join answer on answer.delivery = delivery.id"
        " where delivery.state = 'decided' and answer.stage = 'decided' and given_by = 'bench'"
    )
    return {row[0] for row in world.rows(ours.dsn, question)}


async def _collected(line: Line) -> list[dict[str, Any]]:
    answer = await line.post("/v1/collect", b'{"max":%d}' % BATCH)
    found: list[dict[str, Any]] = orjson.loads(answer.body)["deliveries"]
    return found


async def _answer(line: Line, batch: list[dict[str, Any]]) -> None:
    receipts = [
        {
            "delivery": delivery["delivery"],
            "lease": delivery["lease"]["id"],
            "stage": "decided",
            "by": "bench",
            "outcome": "no_further_action",
        }
        for delivery in batch
    ]
    told = await line.post("/v1/receipts", orjson.dumps({"receipts": receipts}))
    results = [result["result"] for result in orjson.loads(told.body)["results"]]
    must_be_equal("results", results, ["recorded"] * len(batch))


def _weekend(world_: World) -> float:
    """Its agencies consume a queue each and answer one by one: there is no other call."""
    rival = Weekend.fresh(world_, "weekend_collect")
    bodies = to_three("COLLECT", world_.sizes.weekend)
    with rival.running() as url:
        post.send(url, "/referrals", list(bodies.values()), [KEY] * 8)
        rival.until_sent(3 * len(bodies))
        rival.verify(bodies)
        begun = time.perf_counter()
        post.run(lambda: post.gather([_consume(world_, url, queue) for queue in QUEUES]))
        seconds = time.perf_counter() - begun
    found = world.rows(rival.dsn, "select count(*) from delivery where state = 'answered'")
    must_be_equal("the rival's answers", found[0][0], 3 * len(bodies))
    return 3 * len(bodies) / seconds


async def _consume(world_: World, url: str, name: str) -> None:
    with Connection(world_.engines.exchange_url) as connection:
        channel = connection.channel()
        async with Line(url, KEY) as line:
            while (message := channel.basic_get(name)) is not None:
                told = {"delivery": message.payload["delivery"], "outcome": "no_further_action"}
                await line.post("/answers", orjson.dumps(told))
                message.ack()
