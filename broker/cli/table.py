"""A table on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

PIPE_COLUMNS = 200
"""How wide a table may be that goes into a file or a pipe."""


def console() -> Console:
    """Return the terminal, or a wide console for a file or a pipe."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=PIPE_COLUMNS)


def print_table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Print a table as wide as the terminal; to a file or pipe, as wide as it needs to be."""
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console().print(table)
