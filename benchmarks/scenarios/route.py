"""Route: validate, route to its agencies, commit; one worker with two processes."""

from __future__ import annotations

import time
from pathlib import Path

from redis import Redis

from benchmarks import world
from benchmarks.ours import Ours, must_be_equal
from benchmarks.payload import rotated
from benchmarks.results import Figure, rates
from benchmarks.rivals import floor
from benchmarks.rivals.noop import app, noop
from benchmarks.rivals.rival import Rival
from benchmarks.rivals.sharp.stack import Sharp
from benchmarks.rivals.weekend.stack import Weekend
from benchmarks.world import CELERY, PROCESSES, QUIET, World


def measure(world_: World) -> Figure:
    """Measure ours and all four rivals."""
    routed = Ours.fresh(world_, "ours_route")
    ours = rate(routed, world_.sizes.route)
    target = Ours.fresh(world_, "floor_route")
    rivals = {
        "celery_noop": _noop(world_),
        "weekend": rival_rate(Weekend.fresh(world_, "route"), world_.sizes.weekend),
        "sharp": rival_rate(Sharp.fresh(world_, "route"), world_.sizes.sharp),
        "copy": floor.measure(routed.dsn, target.dsn),
    }
    return rates(ours, "referrals/s", rivals, aims={"weekend": 12, "sharp": 5, "celery_noop": 2.5})


def rate(ours: Ours, count: int, prefix: str = "ROUTE") -> float:
    """Return how many referrals a worker routes a second."""
    bodies = rotated(prefix, count)
    ours.fill(bodies)
    ours.settle()
    with ours.worker():
        ours.until_routed()
    ours.verify_routed(bodies)
    return world.steady_rate(ours.dsn, "referral", where=f"reference like '{prefix}-%%'")


def rival_rate(rival: Rival, count: int) -> float:
    """Return how many referrals a rival's worker routes a second."""
    bodies = rotated("ROUTE", count)
    rival.fill(bodies)
    with rival.worker():
        rival.until_sent(bodies)
    rival.verify(bodies)
    return world.steady_rate(rival.dsn, "referral")


def _noop(world_: World) -> float:
    world_.wipe()
    url, count = world_.engines.wakeup_url, world_.sizes.noop
    seen = Path(world_.engines.folder / "run" / "noop")
    seen.mkdir()
    ids = [f"NOOP-{number}" for number in range(count)]
    with app.connection_for_write(url) as connection:
        for id_ in ids:
            noop.apply_async((id_,), connection=connection)
    with Redis.from_url(url) as queue:
        celery = [*CELERY, "-A", "benchmarks.rivals.noop", "worker", *QUIET]
        celery += [f"--concurrency={PROCESSES}"]
        with world_.processes([celery], {"NOOP_URL": url, "NOOP_SEEN": str(seen)}):
            world_.until(lambda: queue.llen("celery") < count * 0.8)
            left, begun = int(queue.llen("celery")), time.perf_counter()
            world_.until(lambda: not queue.llen("celery") and not queue.hlen("unacked"))
            seconds = time.perf_counter() - begun
    found = [line for file in seen.iterdir() for line in file.read_text().splitlines()]
    must_be_equal("plain Celery's tasks", sorted(found), sorted(ids))
    return left / seconds
