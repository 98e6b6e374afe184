"""A table on standard output; records where the terminal is too narrow for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from broker.cli.output import is_coloured

PIPE_COLUMNS = 200
"""How wide a view may be that goes into a file or a pipe."""
_GAP = 3
"""Columns between two columns of a table."""


def console(*, columns: int = PIPE_COLUMNS, err: bool = False) -> Console:
    """Return the terminal, or for a file or a pipe a console with so many columns."""
    # None, and not "no colour", which leaves bold and other escapes.
    system: Literal["auto"] | None = "auto" if is_coloured(err=err) else None
    terminal = Console(color_system=system, stderr=err)
    if terminal.is_terminal:
        return terminal
    return Console(color_system=system, stderr=err, width=columns)


def print_table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Print a table. Where it is wider than the terminal, print each row as a record.

    No cell is ever folded, so that an id can be copied; a file or a pipe gets the whole width.
    """
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(heads, *cells, strict=True)]
    needed = max(sum(widths) + _GAP * len(widths), len(title))
    screen = console(columns=needed)
    if screen.is_terminal and needed > screen.width:
        _print_records(screen, heads, cells, title)
        return
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, no_wrap=True)
    for row in cells:
        table.add_row(*map(Text, row))
    screen.print(table)


def _print_records(
    screen: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], title: str
) -> None:
    """Print each row as lines of name and value; the terminal itself folds what is too long."""
    wide = max(map(len, heads))
    if title:
        screen.out(title, style="bold", highlight=False)
    for row in rows:
        screen.out("", highlight=False)
        for head, cell in zip(heads, row, strict=True):
            if cell:
                screen.out(f"{head:<{wide}}  {cell}", highlight=False)
    screen.out("", highlight=False)
