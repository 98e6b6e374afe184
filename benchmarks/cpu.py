"""``python -m benchmarks.cpu``: the processor time of one referral or delivery, in microseconds.

Rates on a shared machine vary by half, processor time by a tenth: changes are compared by it. It is
that of every process of a run but this one, which sends and checks: gateway, workers, PostgreSQL
and Valkey, user and system, kept apart for PostgreSQL. What starting costs is the same for few and
for many, so the difference of two sizes is what one costs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
import orjson

from benchmarks import world
from benchmarks.ours import Ours
from benchmarks.scenarios import collect, publish, route
from benchmarks.sizes import Sizes
from benchmarks.world import World, opened

SCENARIOS: Mapping[str, Callable[[Ours, int, str], float]] = {
    "route": route.rate,
    "bulk": publish.bulk_rate,
    "single": publish.single_rate,
    "collect": collect.rate,
}
_TICKS = os.sysconf("SC_CLK_TCK")
_ENDED = "ended"


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
@click.option("--few", default=500, show_default=True, type=click.IntRange(200))
@click.option("--many", default=4000, show_default=True, type=click.IntRange(400))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1))
def main(scenarios: str, few: int, many: int, repeats: int) -> None:
    """Print what a unit of each scenario costs, as JSON: the median, the least, every repeat."""
    wanted = [name.strip() for name in scenarios.split(",") if name.strip()]
    if not set(wanted) <= set(SCENARIOS) or few >= many:
        raise click.BadParameter(f"Choose from {', '.join(SCENARIOS)}, and more many than few.")
    with opened(Sizes(), lambda _: None) as world_:
        for name in wanted:
            # The first run reads programs and fills caches of the system, and counts for nothing.
            _run(world_, name, few)
            costs = [_cost(world_, name, few, many) for _ in range(repeats)]
            click.echo(orjson.dumps({name: _described(costs)}))


def _cost(world_: World, name: str, few: int, many: int) -> Spent:
    """Return what one unit costs, by the difference of two sizes."""
    first = _run(world_, name, few)
    return (_run(world_, name, many) - first).over(many - few)


def _described(costs: list[Spent]) -> dict[str, object]:
    every = [round(cost.every) for cost in costs]
    return {
        "median": round(median(every)),
        "least": min(every),
        "postgresql": round(median(cost.postgresql for cost in costs)),
        "repeats": every,
    }


def _run(world_: World, name: str, count: int) -> Spent:
    """Return what a run on a ledger of its own costs; it begins when nothing else is at work."""
    world_.tidy()
    ours = Ours.fresh(world_, f"cpu_{name}")
    world.checkpoint(ours.dsn)
    world_.until_quiet()
    before = spent()
    SCENARIOS[name](ours, count, name.upper())
    world.checkpoint(ours.dsn)
    return spent() - before


def spent() -> Spent:
    """Return the processor time so far of everything that this process has started."""
    seconds = dict(_seconds(os.getpid()))
    return Spent(sum(seconds.values()), seconds.get("postgres", 0.0))


def _seconds(parent: int) -> Iterator[tuple[str, float]]:
    """Go through the programs that a process has started, what has ended as one, with their time.

    That of a process that has ended counts where it was waited for.
    """
    table = {number: stat for number in _numbers() if (stat := _stat(number)) is not None}
    yield _ENDED, table[parent].of_children
    below: dict[str, float] = {}
    for number, stat in table.items():
        if stat.parent == parent:
            family = _family(number, table)
            below[stat.program] = below.get(stat.program, 0.0) + sum(
                table[member].own + table[member].of_children for member in family
            )
    yield from below.items()


@dataclass(frozen=True, slots=True)
class _Stat:
    """A line of /proc/PID/stat; seconds."""

    program: str
    parent: int
    own: float
    of_children: float


def _numbers() -> Iterable[int]:
    return (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdecimal())


def _stat(number: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name may hold blanks and brackets (proc_pid_stat(5)).
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    user, system, children_user, children_system = (int(ticks) / _TICKS for ticks in fields[11:15])
    return _Stat(
        head.partition("(")[2], int(fields[1]), user + system, children_user + children_system
    )


def _family(number: int, table: Mapping[int, _Stat]) -> set[int]:
    """Return a process and all below it."""
    family, waiting = set[int](), [number]
    while waiting:
        member = waiting.pop()
        family.add(member)
        waiting += [child for child, stat in table.items() if stat.parent == member]
    return family


if __name__ == "__main__":
    main()
