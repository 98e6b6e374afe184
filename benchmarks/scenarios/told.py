"""Told: how long after a delivery is available an agency has it that waits in a long poll."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping
from itertools import cycle, islice

import orjson

from benchmarks import post, world
from benchmarks.ours import Ours, must_be_equal, receipts_of
from benchmarks.payload import AREAS, to_one
from benchmarks.post import Line
from benchmarks.results import Figure
from benchmarks.scenarios.trickle import p99
from benchmarks.world import World
from broker.domain.codes import Scope

PER_SECOND = 8.0
"""Referrals for four agencies: each has half a second to be in its next long poll."""
AIM_MILLISECONDS = 5.0
WAIT_SECONDS = 20
_AVAILABLE = """
select delivery::text, extract(epoch from pg_xact_commit_timestamp(event.xmin))::float8
from event where kind = 'delivery.available'
"""
"""Events are never changed, so that their commits stay those of routing."""


def measure(world_: World) -> Figure:
    """Measure the 99th percentile from the commit that made it available; no rival has a poll."""
    ours = Ours.fresh(world_, "ours_told")
    bodies = to_one("TOLD", islice(cycle(AREAS), world_.sizes.told))
    keys = {agency: ours.keys(agency, Scope.COLLECT)[0] for agency in AREAS.values()}
    publishing = ours.publishing()
    with ours.running() as url:
        ours.warm_up(url, publishing[0])
        ours.until_routed()
        received, answers = post.run(lambda: _traffic(url, bodies, keys, publishing))
    ours.verify_receipts(receipts_of(answers))
    ours.verify_routed(bodies)
    available = dict(world.rows(ours.dsn, _AVAILABLE))
    waits = [(at - available[delivery]) * 1000 for delivery, at in received.items()]
    must_be_equal("deliveries that agencies were told of", len(waits), len(bodies))
    notes = {"p50 ms": round(statistics.median(waits), 1), "deliveries": len(waits)}
    aims = {"ours": -AIM_MILLISECONDS}
    return Figure(p99(waits), "ms, p99, after available", notes=notes, aims=aims)


async def _traffic(
    url: str, bodies: Mapping[str, bytes], keys: Mapping[str, str], publishing: list[str]
) -> tuple[dict[str, float], list[post.Answer]]:
    """Publish evenly while each agency waits; return when each delivery was received."""
    received: dict[str, float] = {}
    emptied = [asyncio.Event() for _ in keys]
    agencies = [
        asyncio.create_task(_wait(url, key, bodies, received, empty))
        for key, empty in zip(keys.values(), emptied, strict=True)
    ]
    await asyncio.wait_for(post.gather([empty.wait() for empty in emptied]), WAIT_SECONDS)
    answers = await post.evenly(
        url, "/v1/referrals", list(bodies.values()), publishing, per_second=PER_SECOND
    )
    async with asyncio.timeout(world.PATIENCE_SECONDS):
        while len(received) < len(bodies):
            await asyncio.sleep(0.05)
    for agency in agencies:
        agency.cancel()
    await asyncio.gather(*agencies, return_exceptions=True)
    return received, answers


async def _wait(
    url: str,
    key: str,
    bodies: Mapping[str, bytes],
    received: dict[str, float],
    emptied: asyncio.Event,
) -> None:
    """Take what lies there from before, then wait for each delivery in a long poll."""
    wait = 0
    async with Line(url, key) as line:
        while True:
            answer = await line.post("/v1/collect", b'{"max":100,"wait":%d}' % wait)
            deliveries = orjson.loads(answer.body)["deliveries"]
            for delivery in deliveries:
                if delivery["reference"] in bodies:
                    received.setdefault(delivery["delivery"], answer.answered_at)
            if not deliveries:
                wait = WAIT_SECONDS
                emptied.set()
