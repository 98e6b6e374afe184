"""Start: from the start of a process until it does its work."""

from __future__ import annotations

import statistics

from benchmarks import world
from benchmarks.ours import Ours
from benchmarks.payload import rotated
from benchmarks.results import Figure
from benchmarks.world import World

BATCH = 200
"""Referrals that wait when a worker starts."""
AIMS = {
    "first_batch_seconds": -0.5,
    "gateway_ready_seconds": -2.0,
    "worker_ready_seconds": -2.0,
}
_SHOWN = "select exists (select from lead where starts_with(name, 'worker '))"
"""A worker shows itself in the ledger once its threads work."""
_FIRST = (
    "select extract(epoch from min(pg_xact_commit_timestamp(xmin)))::float8 from referral"
    " where state <> 'accepted'"
)


def measure(world_: World) -> Figure:
    """Measure the median of some starts; the first batch is the figure."""
    first, worker, gateway = [], [], []
    for _ in range(world_.sizes.starts):
        ours = Ours.fresh(world_, "ours_start")
        batch, ready = _worker(ours)
        first.append(batch)
        worker.append(ready)
        gateway.append(_gateway(ours))
    keys = {
        "first_batch_seconds": statistics.median(first),
        "gateway_ready_seconds": statistics.median(gateway),
        "worker_ready_seconds": statistics.median(worker),
    }
    unit = "s until a worker's first batch is committed"
    return Figure(keys["first_batch_seconds"], unit, keys=keys, aims=AIMS)


def _worker(ours: Ours) -> tuple[float, float]:
    """Return the seconds until the first batch is committed, and until a worker shows itself."""
    bodies = rotated("START", BATCH)
    ours.fill(bodies)
    ours.settle()
    ours.world.until_quiet()
    begun = world.now()
    with ours.worker():
        ours.world.until(lambda: world.rows(ours.dsn, _SHOWN)[0][0])
        ready = world.now() - begun
        ours.until_routed()
    ours.verify_routed(bodies)
    return float(world.rows(ours.dsn, _FIRST)[0][0]) - begun, ready


def _gateway(ours: Ours) -> float:
    """Return the seconds until a gateway says that it is ready."""
    ours.world.until_quiet()
    begun = world.now()
    with ours.gateway():
        return world.now() - begun
