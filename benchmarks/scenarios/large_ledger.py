"""Large ledger: the same again with a million open and five million finished deliveries."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import history, world
from benchmarks.history import LEGS, Copies
from benchmarks.ours import Ours
from benchmarks.payload import to_three
from benchmarks.results import Figure
from benchmarks.scenarios import collect, publish, route
from benchmarks.world import World

AIM = 0.9
"""At most a tenth slower."""
PAIRS = 3
Trial = Callable[[Ours, int, str], float]


def measure(world_: World) -> Figure:
    """Measure each thing on an empty ledger and on a large one; the slowest counts."""
    large = Ours.fresh(world_, "ours_large")
    seconds = load(large)
    sizes, small = world_.sizes, "ours_small"
    trials: dict[str, tuple[Trial, int]] = {
        "route": (route.rate, max(600, sizes.route // 2)),
        "bulk": (publish.bulk_rate, sizes.bulk // 2),
        "single": (publish.single_rate, sizes.single // 2),
        "collect": (collect.rate, sizes.collect // 2),
    }
    before, after, ratio = {}, {}, {}
    for name, (trial, number) in trials.items():
        # Pairs side by side and the pair in the middle, because machines have good and bad minutes.
        pairs = [
            (
                trial(Ours.fresh(world_, small), number, prefix),
                trial(large, number, prefix),
            )
            for prefix in (f"{name.upper()}{turn}" for turn in range(PAIRS))
        ]
        before[name], after[name] = sorted(pairs, key=lambda pair: pair[1] / pair[0])[PAIRS // 2]
        ratio[name] = after[name] / before[name]
    notes = {
        "loaded in s": round(seconds),
        "deliveries": world.rows(large.dsn, "select count(*) from delivery")[0][0],
        "megabytes": world.rows(large.dsn, "select pg_database_size(current_database()) >> 20")[0][
            0
        ],
        "rates, small": {name: round(rate) for name, rate in before.items()},
        "rates, large": {name: round(rate) for name, rate in after.items()},
    }
    unit = "of the speed on an empty ledger, the slowest"
    aims = dict.fromkeys(ratio, AIM)
    return Figure(min(ratio.values()), unit, ratio=ratio, notes=notes, aims=aims)


def load(ours: Ours) -> float:
    """Fill a ledger with history; return the seconds that it took."""
    sizes, say = ours.world.sizes, ours.world.say
    ours.fill(to_three("OLD", 1))
    with ours.worker():
        ours.until_routed()
    ((source,),) = world.rows(ours.dsn, "select id from referral")
    agencies = world.rows(ours.dsn, "select code from organisation where kind <> 'ops' order by 1")
    names = [row[0] for row in agencies]
    last_open = sizes.open // LEGS
    return history.make(
        ours.dsn,
        [
            Copies(source, 1, last_open, finished=False, agencies=names),
            Copies(
                source,
                last_open + 1,
                last_open + sizes.finished // LEGS,
                finished=True,
                agencies=names,
            ),
        ],
        say,
    )
