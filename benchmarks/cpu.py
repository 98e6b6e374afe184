"""``python -m benchmarks.cpu``: the processor time of one referral or delivery, in microseconds.

Rates on a shared machine vary by half, processor time by a tenth: changes are compared by it. It is
that of every process of a run but this one, which sends and checks: gateway, workers, PostgreSQL
and Valkey, user and system, kept apart for PostgreSQL. What starting costs is the same for few and
for many, so the difference of two sizes is what one costs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import click
import orjson

from benchmarks import process_table, world
from benchmarks.ours import Ours
from benchmarks.rivals.rival import Rival
from benchmarks.rivals.sharp.stack import Sharp
from benchmarks.rivals.weekend.stack import Weekend
from benchmarks.scenarios import collect, publish, route, route_queue
from benchmarks.sizes import Sizes
from benchmarks.world import World, opened

Run = Callable[[World, int], None]
"""Do so many units of a scenario, on a ledger of its own."""
DELIVERIES = 3
"""Of each referral that a rival routes: its agencies collect these one by one."""


def _ours(rate: Callable[[Ours, int, str], float], channel: str) -> Run:
    def run(world_: World, count: int) -> None:
        ours = Ours.fresh(world_, "cpu", channel=channel)
        _start_quiet(world_, ours.dsn)
        rate(ours, count, "CPU")

    return run


def _rival(kind: type[Rival], rate: Callable[[Rival, int], float], units: int = 1) -> Run:
    def run(world_: World, count: int) -> None:
        rival = kind.fresh(world_, "cpu")
        _start_quiet(world_, rival.dsn)
        rate(rival, count // units)

    return run


def _contestants(
    ours: Callable[[Ours, int, str], float],
    theirs: Callable[[Rival, int], float],
    units: int = 1,
    channel: str = "mailbox",
) -> Mapping[str, Run]:
    rivals = {kind.name: _rival(kind, theirs, units) for kind in (Weekend, Sharp)}
    return {OURS: _ours(ours, channel), **rivals}


OURS = "ours"
SCENARIOS: Mapping[str, Mapping[str, Run]] = {
    "route": _contestants(route.rate, route.rival_rate),
    "route_queue": _contestants(route_queue.rate, route_queue.rival_rate, channel="queue"),
    "bulk": _contestants(publish.bulk_rate, publish.rival_rate),
    "single": _contestants(publish.single_rate, publish.rival_rate),
    "collect": _contestants(collect.rate, collect.rival_rate, DELIVERIES),
}
_ENDED = "ended"
FEW, MANY = 500, 4000


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor seconds, or what they come to for one unit."""

    every: float
    postgresql: float

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.every - other.every, self.postgresql - other.postgresql)

    def over(self, count: int) -> Spent:
        """Return microseconds a unit."""
        return Spent(self.every / count * 1e6, self.postgresql / count * 1e6)


@click.command()
@click.option("--scenarios", default=",".join(SCENARIOS), show_default=True)
@click.option("--few", default=FEW, show_default=True, type=click.IntRange(200))
@click.option("--many", default=MANY, show_default=True, type=click.IntRange(400))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1))
@click.option("--rivals/--no-rivals", default=False, help="Measure the rivals too, in turn.")
def main(scenarios: str, few: int, many: int, repeats: int, rivals: bool) -> None:
    """Print what a unit of each scenario costs, as JSON: the median, the least, every repeat."""
    wanted = [name.strip() for name in scenarios.split(",") if name.strip()]
    if not set(wanted) <= set(SCENARIOS) or few >= many:
        raise click.BadParameter(f"Choose from {', '.join(SCENARIOS)}, and more many than few.")
    with opened(Sizes(), lambda _: None) as world_:
        for name in wanted:
            names = list(SCENARIOS[name]) if rivals else [OURS]
            measured = costs(world_, name, names, few=few, many=many, repeats=repeats)
            described = {contestant: _described(spent) for contestant, spent in measured.items()}
            click.echo(orjson.dumps({name: described}))


def costs(
    world_: World, scenario: str, contestants: Sequence[str], *, few: int, many: int, repeats: int
) -> dict[str, list[Spent]]:
    """Return what one unit costs each contestant, by the difference of two sizes, in turn."""
    runs = SCENARIOS[scenario]
    measured: dict[str, list[Spent]] = {name: [] for name in contestants}
    for name in contestants:
        # The first run reads programs and fills caches of the system, and counts for nothing.
        _cost(world_, runs[name], few)
    for _ in range(repeats):
        for name in contestants:
            first = _cost(world_, runs[name], few)
            both = _cost(world_, runs[name], many) - first
            measured[name].append(both.over(many - few))
    return measured


def median_of(spent: Sequence[Spent]) -> float:
    """Return microseconds a unit in the middle of some repeats."""
    return median(cost.every for cost in spent)


def _described(spent: Sequence[Spent]) -> dict[str, object]:
    every = [round(cost.every) for cost in spent]
    return {
        "median": round(median(every)),
        "least": min(every),
        "postgresql": round(median(cost.postgresql for cost in spent)),
        "repeats": every,
    }


def _cost(world_: World, run: Run, count: int) -> Spent:
    """Return what a run on a ledger of its own costs."""
    world_.tidy()
    before = spent()
    run(world_, count)
    world.checkpoint(world_.engines.database_url)
    return spent() - before


def _start_quiet(world_: World, dsn: str) -> None:
    """Begin when nothing else is at work, and nothing is left to be written out."""
    world.checkpoint(dsn)
    world_.until_quiet()


def spent() -> Spent:
    """Return the processor time so far of everything that this process has started."""
    seconds = dict(_seconds(os.getpid()))
    return Spent(sum(seconds.values()), seconds.get("postgres", 0.0))


def _seconds(parent: int) -> Iterator[tuple[str, float]]:
    """Go through the programs that a process has started, what has ended as one, with their time.

    That of a process that has ended counts where it was waited for.
    """
    table = process_table.read()
    yield _ENDED, table[parent].of_children
    below: dict[str, float] = {}
    for number, stat in table.items():
        if stat.parent == parent:
            family = process_table.family(number, table)
            below[stat.program] = below.get(stat.program, 0.0) + sum(
                table[member].own + table[member].of_children for member in family
            )
    yield from below.items()


if __name__ == "__main__":
    main()
