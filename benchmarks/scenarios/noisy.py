"""Noisy neighbour: one agency gets 95 % of the traffic; what do the others feel of it?

The traffic is as much both times: once it is spread evenly over four agencies, once nearly all of
it is for one, which does not keep up. All four collect all the time, one connection each.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from itertools import cycle, islice

import orjson

from benchmarks import post
from benchmarks.ours import Ours, must_be_equal, receipts_of
from benchmarks.payload import AREAS, to_one
from benchmarks.post import Answer, Line
from benchmarks.results import Figure
from benchmarks.scenarios.trickle import p99
from benchmarks.world import World
from broker.domain.codes import Scope

PER_SECOND = 150.0
PAUSE_SECONDS = 0.01
NOISY = next(iter(AREAS))
OTHERS = tuple(area for area in AREAS if area != NOISY)
AIM_PERCENT = 10.0


def measure(world_: World) -> Figure:
    """Measure how much later the others get theirs, in per cent of the median."""
    even = _felt(world_, list(islice(cycle(AREAS), world_.sizes.noisy)))
    noisy = _felt(world_, _mostly_one(world_.sizes.noisy))
    slower = (statistics.median(noisy) / statistics.median(even) - 1) * 100
    notes = {
        "evenly p50, p99 ms": [round(statistics.median(even), 1), round(p99(even), 1)],
        "noisy p50, p99 ms": [round(statistics.median(noisy), 1), round(p99(noisy), 1)],
        "deliveries of the others": len(noisy),
    }
    ratio = {"evenly_p50": statistics.median(even) / statistics.median(noisy)}
    ratio["evenly_p99"] = p99(even) / p99(noisy)
    aims = {"ours": -AIM_PERCENT}
    return Figure(slower, "% later for the others, p50", ratio=ratio, notes=notes, aims=aims)


def _mostly_one(count: int) -> list[str]:
    others = cycle(OTHERS)
    return [next(others) if number % 20 == 0 else NOISY for number in range(count)]


def _felt(world_: World, areas: Sequence[str]) -> list[float]:
    """Return the milliseconds from publishing to having it, of everybody but the noisy one."""
    ours = Ours.fresh(world_, "ours_noisy")
    bodies, keys = to_one("NOISY", areas), ours.publishing()
    collecting = {area: ours.keys(agency, Scope.COLLECT)[0] for area, agency in AREAS.items()}
    with ours.running() as url:
        ours.warm_up(url, keys[0])
        answers, collected = post.run(lambda: _traffic(url, bodies, keys, collecting))
    ours.verify_receipts(receipts_of(answers))
    ours.verify_routed(bodies)
    wanted = dict(zip(bodies, zip(areas, answers, strict=True), strict=True))
    theirs = {reference: answer for reference, answer in wanted.items() if answer[0] != NOISY}
    must_be_equal("deliveries of the others", theirs.keys() - collected.keys(), set())
    return [(collected[ref] - answer.sent_at) * 1000 for ref, (_, answer) in theirs.items()]


async def _traffic(
    url: str, bodies: Mapping[str, bytes], keys: Sequence[str], collecting: Mapping[str, str]
) -> tuple[list[Answer], dict[str, float]]:
    collected: dict[str, float] = {}
    ended = asyncio.Event()
    agencies = [
        asyncio.create_task(_collect(url, key, collected, ended)) for key in collecting.values()
    ]
    answers = await post.evenly(url, "/v1/referrals", list(bodies.values()), keys, PER_SECOND)
    await asyncio.sleep(1)
    ended.set()
    await post.gather(agencies)
    return answers, collected


async def _collect(url: str, key: str, collected: dict[str, float], ended: asyncio.Event) -> None:
    """Take what there is, ten at a time, with a pause whether or not there was anything."""
    async with Line(url, key) as line:
        while not ended.is_set():
            found = orjson.loads((await line.post("/v1/collect", b'{"max":10}')).body)
            for delivery in found["deliveries"]:
                collected.setdefault(delivery["reference"], time.time())
            await asyncio.sleep(PAUSE_SECONDS)
