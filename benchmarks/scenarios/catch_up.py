"""Catch-up: an agency was away while deliveries piled up, comes back and takes them all."""

from __future__ import annotations

from benchmarks import history, world
from benchmarks.history import Copies
from benchmarks.ours import Ours, must_be_equal
from benchmarks.payload import AREAS, to_one
from benchmarks.results import Figure
from benchmarks.scenarios import collect
from benchmarks.world import World
from broker.domain.codes import Scope

LINES = 4
"""Connections of the agency that comes back."""


def measure(world_: World) -> Figure:
    """Measure deliveries collected and answered a second, beside a queue of ordinary length."""
    short = rate(world_, min(world_.sizes.waiting, 4_000))
    long = rate(world_, world_.sizes.waiting)
    notes = {"waiting": world_.sizes.waiting, "seconds": round(world_.sizes.waiting / long, 1)}
    ratio = {"short_queue": long / short}
    return Figure(long, "deliveries/s", ratio=ratio, notes=notes)


def rate(world_: World, waiting: int) -> float:
    """Return deliveries a second until nothing waits any more."""
    ours = Ours.fresh(world_, "ours_catch_up")
    area, agency = next(iter(AREAS.items()))
    ours.fill(to_one("AWAY", [area]))
    with ours.worker():
        ours.until_routed()
    ((source,),) = world.rows(ours.dsn, "select id from referral")
    history.make(ours.dsn, [Copies(source, 1, waiting - 1, finished=False)], world_.say)
    keys = {agency: ours.keys(agency, Scope.COLLECT)[0]}
    with ours.gateway() as url:
        taken = collect.empty(url, keys, most=waiting, lines=LINES)
    collect.verify_answered(ours, taken.ids)
    expected = {row[0] for row in world.rows(ours.dsn, "select id::text from delivery")}
    must_be_equal("what waited", set(taken.ids), expected)
    return taken.rate
