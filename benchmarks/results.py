"""The figures of a run: a table with the ratios first, and the same as JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

OURS = "ours"
Run = Mapping[str, Any]
"""One run in results.json: its ``machine``, and its ``scenarios`` by name."""
RIVALS = ("celery_noop", "weekend", "sharp", "copy")


@dataclass(frozen=True, slots=True)
class Figure:
    """What came out of one scenario. There is none whose ids were not verified."""

    ours: float
    unit: str
    rivals: Mapping[str, float] = field(default_factory=dict)
    ratio: Mapping[str, float] = field(default_factory=dict)
    """How many times as good we are; against whom, or against what of our own."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """Further figures of the same run, by name."""
    cpu: Mapping[str, float] = field(default_factory=dict)
    """Microseconds of processor time a unit, of all processes; ours under ``ours``."""
    keys: Mapping[str, float] = field(default_factory=dict)
    """Further figures that results.json has under names of their own, beside ``ours``."""
    aims: Mapping[str, float] = field(default_factory=dict)
    """The least that ``ratio`` and ``keys`` should be, by the same names; ``ours`` for the figure
    itself. Below nought: the most."""

    def as_json(self) -> dict[str, Any]:
        """Return it in the form of results.json."""
        return {
            "ours": _short(self.ours),
            "unit": self.unit,
            "rivals": {name: _maybe(self.rivals.get(name)) for name in RIVALS},
            "ratio": {name: round(value, 3) for name, value in self.ratio.items()},
            "cpu_us": _maybe(self.cpu.get(OURS)),
            "rivals_cpu_us": {name: _maybe(self.cpu.get(name)) for name in RIVALS},
            "cpu_ratio": {name: round(value, 3) for name, value in self.cpu_ratio.items()},
            **{name: _short(value) for name, value in self.keys.items()},
            "ids_verified": True,
        }

    @property
    def cpu_ratio(self) -> Mapping[str, float]:
        """How many times the processor time of ours a rival takes."""
        rivals = {name: cost for name, cost in self.cpu.items() if name != OURS}
        return {name: cost / self.cpu[OURS] for name, cost in rivals.items()}

    def misses(self) -> list[str]:
        """Return which aims were missed."""
        reached = {**self.ratio, **self.keys, OURS: self.ours}
        return [
            f"{name} {_text(reached[name])}, aim {'at most ' if least < 0 else ''}{abs(least):g}"
            for name, least in self.aims.items()
            if (reached[name] < least if least >= 0 else reached[name] > -least)
        ]


def rates(ours: float, unit: str, rivals: Mapping[str, float], **more: Any) -> Figure:
    """Return a figure of which more is better."""
    return Figure(ours, unit, rivals, {name: ours / rate for name, rate in rivals.items()}, **more)


def times(ours: float, unit: str, rivals: Mapping[str, float], **more: Any) -> Figure:
    """Return a figure of which less is better."""
    return Figure(ours, unit, rivals, {name: time / ours for name, time in rivals.items()}, **more)


def runs_in(path: Path) -> list[Run]:
    """Return the runs that results.json has, the latest first; none where there is no such file."""
    if not path.exists():
        return []
    document = orjson.loads(path.read_bytes())
    latest = {name: document[name] for name in ("machine", "scenarios")}
    return [latest, *document.get("earlier", [])]


def write(
    path: Path,
    machine: Mapping[str, Any],
    figures: Mapping[str, Figure],
    before: Sequence[Run] = (),
) -> None:
    """Write results.json; the further figures stand with the machine.

    What was not measured this time stays under ``earlier``, from the runs ``before``, the latest
    first: a figure is compared only with those of its own run.
    """
    notes = {name: dict(figure.notes) for name, figure in figures.items() if figure.notes}
    document: dict[str, Any] = {
        "machine": {**machine, "notes": notes},
        "scenarios": {name: figure.as_json() for name, figure in figures.items()},
    }
    if earlier := _not_measured_since(before, figures):
        document["earlier"] = earlier
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")


def _not_measured_since(before: Sequence[Run], measured: Collection[str]) -> list[Run]:
    """Return of each run the scenarios that no later one has measured."""
    known = set(measured)
    earlier: list[Run] = []
    for run in before:
        left = {name: run["scenarios"][name] for name in run["scenarios"] if name not in known}
        if left:
            earlier.append({"machine": run["machine"], "scenarios": left})
        known |= left.keys()
    return earlier


def show(console: Console, machine: Mapping[str, Any], figures: Mapping[str, Figure]) -> None:
    """Print the table, ratios first, then what it was measured on."""
    table = Table(title="Side by side, in one run: how many times as good", title_justify="left")
    for name in ("scenario", "ratio", "cpu ratio", "cpu us", "ours", "unit", *RIVALS, "aim"):
        table.add_column(name, justify="left" if name in ("scenario", "unit", "aim") else "right")
    for name, figure in figures.items():
        rivals = [_text(figure.rivals.get(rival)) for rival in RIVALS]
        missed = "\n".join(f"missed: {miss}" for miss in figure.misses())
        aim = missed or ("met" if figure.aims else "")
        ratios = [_ratios(figure.ratio), _ratios(figure.cpu_ratio), _text(figure.cpu.get(OURS))]
        table.add_row(name, *ratios, _text(figure.ours), figure.unit, *rivals, aim)
    console.print(table)
    for name, figure in figures.items():
        for what, value in [*figure.keys.items(), *figure.notes.items()]:
            console.print(f"  {name}: {what}: {value}")
    for what, value in machine.items():
        console.print(f"  {what}: {value}")


def _ratios(ratios: Mapping[str, float]) -> str:
    return "\n".join(f"{name} {value:.2f}" for name, value in ratios.items())


def _maybe(value: float | None) -> float | None:
    return None if value is None else _short(value)


def _short(value: float) -> float:
    return round(value, 1 if abs(value) >= 100 else 3)


def _text(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
