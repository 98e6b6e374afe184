"""Collect and answer: four agencies take batches of 50 and decide each delivery."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, cast

import orjson
from redis import Redis

from benchmarks import post, world
from benchmarks.ours import Ours, must_be_equal
from benchmarks.payload import AREAS, to_one, to_three
from benchmarks.post import Line
from benchmarks.results import Figure, rates
from benchmarks.rivals.rival import KEY, Rival, delivery_in
from benchmarks.rivals.sharp.stack import Sharp
from benchmarks.rivals.weekend.stack import Weekend
from benchmarks.world import World
from broker.domain.codes import Scope

BATCH = 50
AIM = 5_000.0


@dataclass(slots=True)
class Taken:
    """What agencies have collected and answered."""

    ids: list[str] = field(default_factory=list)
    body_bytes: int = 0
    """Of the answers that held the deliveries, without headers."""
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return len(self.ids) / self.seconds


def measure(world_: World) -> Figure:
    """Measure deliveries collected and answered a second, ours and the rival's."""
    ours = collected(Ours.fresh(world_, "ours_collect"), world_.sizes.collect)
    rivals = {
        "weekend": rival_rate(Weekend.fresh(world_, "collect"), world_.sizes.weekend),
        "sharp": rival_rate(Sharp.fresh(world_, "collect"), world_.sizes.sharp),
    }
    keys = {"bytes_per_delivery": ours.body_bytes / len(ours.ids)}
    return rates(ours.rate, "deliveries/s", rivals, keys=keys, aims={"ours": AIM})


def rate(ours: Ours, count: int, prefix: str = "COLLECT") -> float:
    """Fill four queues, and return deliveries collected and answered a second."""
    return collected(ours, count, prefix).rate


def collected(ours: Ours, count: int, prefix: str = "COLLECT") -> Taken:
    """Fill four queues, and return what their agencies have collected and answered."""
    before = answered(ours)
    bodies = to_one(prefix, islice(cycle(AREAS), count))
    ours.fill(bodies)
    with ours.worker():
        ours.until_routed()
    ours.verify_routed(bodies)
    ours.settle()
    keys = {agency: ours.keys(agency, Scope.COLLECT)[0] for agency in AREAS.values()}
    with ours.gateway() as url:
        taken = empty(url, keys, most=count)
    verify_answered(ours, [*before, *taken.ids])
    return taken


def empty(url: str, keys: Mapping[str, str], *, most: int, lines: int = 1) -> Taken:
    """Collect and answer until nothing waits; return what it was."""
    taken = Taken()

    async def collect_and_answer(key: str) -> None:
        async with Line(url, key) as line:
            while len(taken.ids) < most and (batch := await _collect(line, taken)):
                await _answer(line, batch)
                taken.ids.extend(delivery["delivery"] for delivery in batch)

    begun = time.perf_counter()
    post.run(
        lambda: post.gather(
            [collect_and_answer(key) for key in keys.values() for _ in range(lines)]
        )
    )
    taken.seconds = time.perf_counter() - begun
    return taken


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


async def _collect(line: Line, taken: Taken) -> list[dict[str, Any]]:
    answer = await line.post("/v1/collect", b'{"max":%d}' % BATCH)
    deliveries: list[dict[str, Any]] = orjson.loads(answer.body)["deliveries"]
    if deliveries:
        taken.body_bytes += len(answer.body)
    return deliveries


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


def rival_rate(rival: Rival, count: int) -> float:
    """Return its deliveries a second: agencies consume a queue each and answer one by one, since
    there is no other call.
    """
    bodies = to_three("COLLECT", count)
    rival.fill(bodies)
    with rival.running() as url:
        rival.until_sent(bodies)
        rival.verify(bodies)
        begun = time.perf_counter()
        post.run(lambda: post.gather([_consume(rival, url, queue) for queue in rival.queues]))
        seconds = time.perf_counter() - begun
    found = world.rows(rival.dsn, "select count(*) from delivery where state = 'answered'")
    must_be_equal("the rival's answers", found[0][0], 3 * len(bodies))
    return 3 * len(bodies) / seconds


async def _consume(rival: Rival, url: str, name: str) -> None:
    with Redis.from_url(rival.world.engines.exchange_url) as queue:
        async with Line(url, KEY) as line:
            while (message := queue.rpop(name)) is not None:
                delivery = delivery_in(cast("bytes", message))["delivery"]
                answer = {"delivery": delivery, "outcome": "no_further_action"}
                await line.post("/answers", orjson.dumps(answer))
