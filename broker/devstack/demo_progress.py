"""How the demo shows its progress: a live picture in a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from broker.cli.table import console
from broker.devstack.feed_tally import ACKNOWLEDGED, COLLECTED, FeedTally, StateCounts

LONGEST_BAR, SHORTEST_BAR = 18, 4
LONGEST_NAME = 44
COLUMNS_OF_A_COUNT = 12
"""The narrowest column: the longest head, or the shortest bar with its number."""
COLUMNS_BETWEEN = 18
"""The number of deliveries, and what is left free between columns."""
LINE_SECONDS = 2.0
"""How often a line is printed without a terminal."""
REFRESHES_A_SECOND = 8
CELL = "━"


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of the demo at one moment."""

    seconds: float
    published: int
    to_publish: int
    tally: FeedTally


class Display(Protocol):
    """Where the progress is shown."""

    def show(self, progress: Progress) -> None:
        """Show this state."""


@contextmanager
def open_display(names: Mapping[str, str]) -> Iterator[Display]:
    """Open the display that fits standard error; ``names`` are those of the agencies by code."""
    screen = console(err=True)
    if not screen.is_terminal:
        yield _LineDisplay(screen)
        return
    with Live(console=screen, refresh_per_second=REFRESHES_A_SECOND, transient=True) as live:
        yield _LiveDisplay(live, names, screen.width)


class _LineDisplay:
    """Prints a line every two seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = -LINE_SECONDS

    def show(self, progress: Progress) -> None:
        if progress.seconds - self._last < LINE_SECONDS:
            return
        self._last = progress.seconds
        total = progress.tally.total()
        self._console.print(
            f"{progress.seconds:5.1f} s  published {progress.published}/{progress.to_publish}  "
            f"deliveries {total.deliveries}  collected {total.reached(COLLECTED)}  "
            f"acknowledged {total.reached(ACKNOWLEDGED)}  decided {total.reached(['decided'])}",
            highlight=False,
            soft_wrap=True,
        )


class _LiveDisplay:
    """A table that is drawn again and again in the same place."""

    def __init__(self, live: Live, names: Mapping[str, str], columns: int) -> None:
        self._live = live
        self._names = names
        free = columns - COLUMNS_BETWEEN
        self._cells = min(max((free - LONGEST_NAME) // 3 - 5, SHORTEST_BAR), LONGEST_BAR)
        self._name_columns = min(free - 3 * max(self._cells + 5, COLUMNS_OF_A_COUNT), LONGEST_NAME)

    def show(self, progress: Progress) -> None:
        parts: list[RenderableType] = [self._head(progress), self._table(progress.tally)]
        self._live.update(Padding(Group(*parts), (1, 0, 0, 0)))

    def _head(self, progress: Progress) -> RenderableType:
        states = list(progress.tally.referrals.values())
        head = Text(f"{progress.seconds:5.1f} s  ", style="dim")
        head.append("published ", style="bold")
        head.append_text(self._bar(progress.published, progress.to_publish, "blue"))
        for state, style in (("routed", "green"), ("rejected", "red"), ("unroutable", "yellow")):
            head.append(f"  {state} ", style="dim")
            head.append(str(states.count(state)), style=style)
        return head

    def _table(self, tally: FeedTally) -> RenderableType:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("agency", max_width=self._name_columns, no_wrap=True)
        for head in ("deliveries", "collected", "acknowledged", "decided"):
            table.add_column(head, justify="right", no_wrap=True)
        for agency, counts in tally.by_agency().items():
            table.add_row(self._names.get(agency, agency), *self._cells_of(counts))
        table.add_row(*([""] * 5))
        table.add_row(Text("all agencies", style="bold"), *self._cells_of(tally.total()))
        return Padding(table, (1, 0, 0, 0))

    def _cells_of(self, counts: StateCounts) -> tuple[RenderableType, ...]:
        return (
            str(counts.deliveries),
            self._bar(counts.reached(COLLECTED), counts.deliveries, "cyan"),
            self._bar(counts.reached(ACKNOWLEDGED), counts.deliveries, "magenta"),
            self._bar(counts.reached(["decided"]), counts.deliveries, "green"),
        )

    def _bar(self, done: int, of: int, style: str) -> Text:
        full = round(self._cells * done / of) if of else 0
        bar = Text(CELL * full, style=style)
        bar.append(CELL * (self._cells - full), style="grey30")
        return bar.append(f" {done:>4}", style="bold" if done == of else "")
