"""A picture as a page shows it: its finding, its drawings, what the signs mean, and its table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from broker.dashboard.pictures.svg import Drawing

NARROW = 272
"""Pixels of a drawing that a window of 320 pixels has room for."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One entry of a legend."""

    drawing: Markup
    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its text, and the address that it leads to, if any."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a picture; the first cell of each row names it."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: frozenset[int] = frozenset()
    """Which columns are numbers, from 0."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture. Its drawings differ in width alone: the page shows the widest that fits."""

    name: str
    """Its id on the page."""
    finding: str
    """What it shows, as a sentence."""
    drawings: Sequence[Markup]
    """Widest first; empty where there is nothing to draw."""
    table: Table
    signs: Sequence[Sign] = ()
    notes: Sequence[str] = field(default=())


def label_of(name: str) -> str:
    """Return the id of a picture's finding, which names its drawings."""
    return f"{name}-finding"


def sign(name: str, text: str, draw: Callable[[Drawing], None]) -> Sign:
    """Return an entry of a legend, drawn on 26 by 18 pixels."""
    drawing = Drawing(name, 26, 18)
    draw(drawing)
    return Sign(drawing.hidden(), text)
