"""The figures of a run: a table with the ratios first, and the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

RIVALS = ("celery_noop", "weekend", "copy")


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
    aims: Mapping[str, float] = field(default_factory=dict)
    """The least that ``ratio`` should be, by the same names; ``ours`` for the figure itself."""

    def as_json(self) -> dict[str, Any]:
        """Return it in the form of results.json."""
        return {
            "ours": _short(self.ours),
            "unit": self.unit,
            "rivals": {name: _maybe(self.rivals.get(name)) for name in RIVALS},
            "ratio": {name: round(value, 3) for name, value in self.ratio.items()},
            "ids_verified": True,
        }

    def misses(self) -> list[str]:
        """Return which aims were missed."""
        reached = {**self.ratio, "ours": self.ours}
        return [
            f"{name} {_text(reached[name])}, aim {'at most ' if least < 0 else ''}{abs(least):g}"
            for name, least in self.aims.items()
            if (reached[name] < least if least >= 0 else reached[name] > -least)
        ]


def rates(ours: float, unit: str, rivals: Mapping[str, float], **more: Any) -> Figure:
    """Return a figure of which more is better."""
    return Figure(ours, unit, rivals, {who: ours / rate for who, rate in rivals.items()}, **more)


def times(ours: float, unit: str, rivals: Mapping[str, float], **more: Any) -> Figure:
    """Return a figure of which less is better."""
    return Figure(ours, unit, rivals, {who: time / ours for who, time in rivals.items()}, **more)


def write(path: Path, machine: Mapping[str, Any], figures: Mapping[str, Figure]) -> None:
    """Write results.json; the further figures stand with the machine."""
    notes = {name: dict(one.notes) for name, one in figures.items() if one.notes}
    told = {
        "machine": {**machine, "notes": notes},
        "scenarios": {name: one.as_json() for name, one in figures.items()},
    }
    path.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")


def show(console: Console, machine: Mapping[str, Any], figures: Mapping[str, Figure]) -> None:
    """Print the table, ratios first, then what it was measured on."""
    table = Table(title="Side by side, in one run: how many times as good", title_justify="left")
    for name in ("scenario", "ratio", "ours", "unit", *RIVALS, "aim"):
        table.add_column(name, justify="left" if name in ("scenario", "unit", "aim") else "right")
    for name, one in figures.items():
        ratio = "\n".join(f"{who} {value:.2f}" for who, value in one.ratio.items())
        rivals = [_text(one.rivals.get(rival)) for rival in RIVALS]
        aim = "\n".join(f"missed: {miss}" for miss in one.misses()) or ("met" if one.aims else "")
        table.add_row(name, ratio, _text(one.ours), one.unit, *rivals, aim)
    console.print(table)
    for name, one in figures.items():
        for what, value in one.notes.items():
            console.print(f"  {name}: {what}: {value}")
    for what, value in machine.items():
        console.print(f"  {what}: {value}")


def _maybe(value: float | None) -> float | None:
    return None if value is None else _short(value)


def _short(value: float) -> float:
    return round(value, 1 if abs(value) >= 100 else 3)


def _text(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
