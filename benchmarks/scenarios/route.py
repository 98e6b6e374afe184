"""Route: validate, route to three agencies, commit; one worker with two processes."""

from __future__ import annotations

import time
from pathlib import Path

from redis import Redis

from benchmarks import post, world
from benchmarks.ours import Ours, must_be_equal
from benchmarks.payload import to_three
from benchmarks.results import Figure, rates
from benchmarks.rivals import floor
from benchmarks.rivals.noop import app, noop
from benchmarks.rivals.weekend.stack import KEY, Weekend
from benchmarks.world import CELERY, PROCESSES, QUIET, World


def measure(world_: World) -> Figure:
    """Measure ours and all three rivals."""
    routed = Ours.fresh(world_, "ours_route")
    ours = rate(routed, world_.sizes.route)
    target = Ours.fresh(world_, "floor_route")
    rivals = {
        "celery_noop": _noop(world_),
        "weekend": _weekend(world_),
        "copy": floor.measure(routed.dsn, target.dsn),
    }
    return rates(ours, "referrals/s", rivals, aims={"weekend": 10, "celery_noop": 2.5})


def rate(ours: Ours, count: int, prefix: str = "ROUTE") -> float:
    """Return how many referrals a worker routes a second."""
    bodies = to_three(prefix, count)
    ours.fill(bodies)
    ours.settle()
    with ours.worker():
        ours.until_routed()
    ours.verify_routed(bodies)
    return world.steady_rate(ours.dsn, "referral", where=f"reference like '{prefix}-%%'")


def _weekend(world_: World) -> float:
    rival = Weekend.fresh(world_, "weekend_route")
    bodies = to_three("ROUTE", world_.sizes.weekend)
    with rival.web() as url:
        post.send(url, "/referrals", list(bodies.values()), [KEY] * 8)
    world.vacuum(rival.dsn)
    with rival.worker():
        rival.until_sent(3 * len(bodies))
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
