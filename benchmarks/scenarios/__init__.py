"""What is measured: one file each, or one for those that differ in a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.results import Figure
from benchmarks.scenarios import (
    catch_up,
    collect,
    deadlines,
    kombu,
    large_ledger,
    national,
    noisy,
    publish,
    route,
    route_queue,
    start,
    told,
    trickle,
    watch,
)
from benchmarks.world import World

SCENARIOS: Mapping[str, Callable[[World], Figure]] = {
    "route": route.measure,
    "route_queue": route_queue.measure,
    "bulk": publish.bulk,
    "single": publish.single,
    "collect": collect.measure,
    "trickle": trickle.measure,
    "told": told.measure,
    "kombu": kombu.measure,
    "start": start.measure,
    "national": national.measure,
    "large_ledger": large_ledger.measure,
    "noisy": noisy.measure,
    "catch_up": catch_up.measure,
    "deadlines": deadlines.measure,
    "watch": watch.measure,
}
