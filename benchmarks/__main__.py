"""``python -m benchmarks``, or ``make bench``: everything side by side in one run.

Machines are noisy, so the ratios come first; no figure counts before its ids add up.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

import click
from rich.console import Console

from benchmarks import cpu, machine, results
from benchmarks.scenarios import SCENARIOS
from benchmarks.sizes import Sizes
from benchmarks.world import World, opened

_CPU_SIZES = ((200, cpu.FEW), (400, cpu.MANY))
"""The least and the usual counts of the two runs whose difference is what one costs."""
RESULTS = Path(__file__).with_name("results.json")


@click.command()
@click.option("--scenarios", default="", help="Some of them, with commas between; all unless told.")
@click.option("--scale", default=1.0, show_default=True, type=click.FloatRange(0.0001, 100))
@click.option("--size", "sizes", multiple=True, metavar="NAME=COUNT", help="One count by name.")
@click.option("--cpu/--no-cpu", "cpu_too", default=True, help="Measure processor time a unit too.")
@click.option("--output", default=RESULTS, show_default=True, type=click.Path(path_type=Path))
def main(scenarios: str, scale: float, sizes: tuple[str, ...], cpu_too: bool, output: Path) -> None:
    """Measure the broker beside its rivals, print a table and write it as JSON."""
    wanted = _wanted(scenarios)
    # A table that is written into a file is wanted whole.
    console = Console(width=None if Console().is_terminal else 160)
    with opened(_sizes(scale, sizes), console.log) as world:
        described = dict(machine.describe(world, scale))
        figures, before = {}, results.runs_in(output)
        for name in wanted:
            begun = time.monotonic()
            console.log(f"{name} …")
            figure = SCENARIOS[name](world)
            world.tidy()
            figures[name] = replace(figure, cpu=_cpu(world, name, scale)) if cpu_too else figure
            console.log(f"{name}: {time.monotonic() - begun:.0f} s")
            results.write(output, described, figures, before)
    results.show(console, described, figures)


def _cpu(world: World, scenario: str, scale: float) -> dict[str, float]:
    """Return microseconds of processor time a unit of each contestant; none where nobody counts."""
    runs = cpu.SCENARIOS.get(scenario, {})
    few, many = (max(least, round(count * scale)) for least, count in _CPU_SIZES)
    measured = cpu.costs(world, scenario, list(runs), few=few, many=many, repeats=1) if runs else {}
    return {name: cpu.median_of(spent) for name, spent in measured.items()}


def _wanted(names: str) -> list[str]:
    wanted = [name.strip() for name in names.split(",") if name.strip()] or [*SCENARIOS]
    if unknown := [name for name in wanted if name not in SCENARIOS]:
        raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(SCENARIOS)}.")
    return wanted


def _sizes(scale: float, given: tuple[str, ...]) -> Sizes:
    counts = asdict(Sizes().scaled(scale))
    for size in given:
        name, _, count = size.partition("=")
        if name not in counts or not count.isdecimal():
            raise click.BadParameter(f"{size}: give NAME=COUNT, NAME one of {', '.join(counts)}.")
        counts[name] = int(count)
    return Sizes(**counts)


if __name__ == "__main__":
    main()
