"""Areas by their worst state: a tile for each, near where it lies among those of its region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from importlib.resources import files

import orjson
from markupsafe import Markup

from broker.dashboard.pictures.local_times import clock
from broker.dashboard.pictures.picture import Cell, Picture, Sign, Table, label_of, sign
from broker.dashboard.pictures.svg import Drawing, compact
from broker.dashboard.wording import duration, how_many
from broker.domain.outstanding import is_past
from broker.domain.pictures import AreaState

NAME = "area-tiles"
ELSEWHERE = "Other areas"
"""The region of what the arrangement does not know; its tiles are a row of their own."""
MOST_AT_ONCE = 40
"""More areas than these are shown a region at a time."""
_TILE, _HEIGHT, _GAP = 91, 84, 3
_ROW = 7
"""Tiles of a row of other areas."""
_LINE = 12
"""Letters of a line of a tile."""
_BREAKS = ("shire", "ton", "ham", "borough", "cester", "land", "worth")
"""Where a long word may be divided."""
STATES: Mapping[str, str] = {
    "late": "Late",
    "soon": "Due soon",
    "well": "On time",
    "none": "Nothing open",
    "nobody": "No agency serves it",
}
"""What the states of an area are called."""
ORDER = ("late", "soon", "nobody", "well", "none")
"""The states, worst first."""


@dataclass(frozen=True, slots=True)
class Area:
    """An area of the directory with the open work of its agencies."""

    code: str
    name: str
    state: AreaState | None
    """None: no agency serves it."""

    @property
    def kind(self) -> str:
        """One of ``STATES``."""
        if self.state is None:
            return "nobody"
        if self.state.late:
            return "late"
        if self.state.due_soon:
            return "soon"
        return "well" if self.state.open else "none"


@dataclass(frozen=True, slots=True)
class Region:
    """A region with those of its areas that the directory has."""

    name: str
    slug: str
    areas: Sequence[Area]

    @property
    def kind(self) -> str:
        """The worst state of its areas."""
        return min((area.kind for area in self.areas), key=ORDER.index)


@cache
def arrangement() -> Mapping[str, Sequence[Sequence[str]]]:
    """Return the rows of tiles of each region: codes of authorities, and ``.`` for a blank."""
    text = (files("broker.dashboard.pictures") / "tiles.json").read_bytes()
    return {name: [row.split() for row in rows] for name, rows in orjson.loads(text).items()}


def regions(areas: Sequence[Area]) -> list[Region]:
    """Return the regions that have areas, each area in one of them."""
    of_code = {code: name for name, rows in arrangement().items() for row in rows for code in row}
    named: dict[str, list[Area]] = {}
    for area in areas:
        named.setdefault(of_code.get(area.code, ELSEWHERE), []).append(area)
    return [
        Region(name, name.lower().replace(" ", "-"), worst_first(named[name]))
        for name in (*arrangement(), ELSEWHERE)
        if name in named
    ]


def worst_first(areas: Sequence[Area]) -> list[Area]:
    """Return areas in the order in which they need somebody."""
    return sorted(areas, key=_place)


def _place(area: Area) -> tuple[int, float, str]:
    due = area.state.next_due_at if area.state else None
    return ORDER.index(area.kind), due.timestamp() if due else float("inf"), area.name


def finding(areas: Sequence[Area]) -> str:
    """Return how many areas are in which state, as a sentence."""
    counts = {kind: sum(area.kind == kind for area in areas) for kind in ORDER}
    total = how_many(len(areas), "area")
    late = [area.name for area in worst_first(areas) if area.kind == "late"]
    named = f" ({', '.join(late[:3])}{' and others' if len(late) > 3 else ''})" if late else ""
    rest = [
        f"{counts[kind]} {text}"
        for kind, text in (
            ("soon", "due soon"),
            ("well", "on time"),
            ("none", "with nothing open"),
            ("nobody", "without an agency"),
        )
        if counts[kind]
    ]
    first = f"{counts['late'] or 'none'} with late deliveries{named}"
    return f"{total}: {', '.join([first, *rest])}."


def area_tiles(region: Region, *, now: datetime) -> Picture:
    """Return the picture of one region."""
    name = f"{NAME}-{region.slug}"
    return Picture(
        name=name,
        finding=finding(region.areas),
        drawings=[_drawing(name, region)],
        table=area_table(region.areas, now=now),
    )


def area_table(areas: Sequence[Area], *, now: datetime) -> Table:
    """Return each area with its figures, worst first."""
    return Table(
        caption="Each area, worst first",
        columns=("Area", "State", "Worst, or next", "Open"),
        rows=[_table_row(area, now) for area in worst_first(areas)],
        numbers=frozenset({3}),
    )


def signs() -> list[Sign]:
    """Return what the marks of the tiles mean."""
    return [
        sign(f"{NAME}-{kind}-sign", text, partial(_icon, x=13, y=9, kind=kind))
        for kind, text in STATES.items()
    ]


def state_text(area: Area) -> str:
    """Return what a tile says of its area."""
    if area.state and area.kind == "late":
        return f"{compact(area.state.late)} late"
    if area.state and area.kind == "soon":
        return f"{compact(area.state.due_soon)} due soon"
    return STATES[area.kind]


def _table_row(area: Area, now: datetime) -> list[Cell]:
    due = area.state.next_due_at if area.state else None
    next_ = "–"
    if due and is_past(due, now):
        next_ = f"worst by {duration((now - due).total_seconds())}"
    elif due:
        next_ = f"next {clock(due)}"
    count = f"{area.state.open:,}" if area.state else "0"
    return [Cell(area.name), Cell(state_text(area)), Cell(next_), Cell(count)]


def _drawing(name: str, region: Region) -> Markup:
    placed = list(_placed(region))
    columns = max(column for _, column, _ in placed) + 1
    rows = max(row for _, _, row in placed) + 1
    width, height = columns * (_TILE + _GAP), rows * (_HEIGHT + _GAP)
    drawing = Drawing(name, width, height)
    for area, column, row in placed:
        _tile(drawing, area, column * (_TILE + _GAP) + 2, row * (_HEIGHT + _GAP) + 2)
    return drawing.markup(label_of(name))


def _placed(region: Region) -> Iterator[tuple[Area, int, int]]:
    """Yield the areas with their column and row; blanks around all of them are left out."""
    known = {area.code: area for area in region.areas}
    cells = [
        (known[code], column, row)
        for row, codes in enumerate(arrangement().get(region.name, ()))
        for column, code in enumerate(codes)
        if code in known
    ]
    if not cells:
        cells = [
            (area, place % _ROW, place // _ROW)
            for place, area in enumerate(sorted(region.areas, key=lambda area: area.name))
        ]
    left = min(column for _, column, _ in cells)
    top = min(row for _, _, row in cells)
    yield from ((area, column - left, row - top) for area, column, row in cells)


def _tile(drawing: Drawing, area: Area, x: float, y: float) -> None:
    title = f"{area.name}: {state_text(area)}"
    drawing.box((x, y), (_TILE - 2, _HEIGHT - 2), f"pic-tile pic-tile--{area.kind}", title)
    middle = x + _TILE / 2 - 1
    _icon(drawing, middle, y + 13, area.kind)
    lines = wrapped(area.name)
    for place, line in enumerate(lines):
        drawing.text(middle, y + 34 + place * 13, line, "pic-tile-name", "middle")
    if area.kind in ("late", "soon"):
        tone = "pic-late-text" if area.kind == "late" else "pic-soon-text"
        drawing.text(middle, y + _HEIGHT - 9, state_text(area), f"pic-tile-name {tone}", "middle")


def wrapped(name: str) -> list[str]:
    """Return a name in three lines at most, long words divided."""
    text = name.partition(",")[0] if name.endswith((", City of", ", County of")) else name
    lines: list[str] = []
    for word in (piece for whole in text.split() for piece in _divided(whole)):
        if lines and len(lines[-1]) + 1 + len(word) <= _LINE and not lines[-1].endswith("-"):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [*lines[:2], lines[2] + "…"] if len(lines) > 3 else lines


def _divided(word: str) -> list[str]:
    if len(word) <= _LINE:
        return [word]
    parts = word.split("-")
    if len(parts) > 1:
        return [f"{parts[0]}-", "-".join(parts[1:])]
    for ending in _BREAKS:
        if word.endswith(ending) and len(word) - len(ending) < _LINE:
            return [f"{word.removesuffix(ending)}-", ending]
    return [f"{word[: _LINE - 1]}-", word[_LINE - 1 :]]


def _icon(drawing: Drawing, x: float, y: float, kind: str) -> None:
    """Draw a state's mark, 16 pixels wide: no two have the same shape."""
    shapes = {
        "late": f"M{x - 3.5:.1f} {y - 8:.1f}h7l4.500 4.500v7l-4.500 4.500h-7l-4.500-4.500v-7z",
        "soon": f"M{x:.1f} {y - 8:.1f}l9 16h-18z",
    }
    lines = {
        "late": f"M{x:.1f} {y - 4.5:.1f}v5M{x:.1f} {y + 3:.1f}v2",
        "soon": f"M{x:.1f} {y - 2.5:.1f}v5M{x:.1f} {y + 4.5:.1f}v2",
        "well": f"M{x - 4:.1f} {y + 0.5:.1f}l3 3 5-6",
        "none": f"M{x - 4:.1f} {y:.1f}h8",
        "nobody": f"M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8",
    }
    if kind in shapes:
        drawing.add("path", d=shapes[kind], class_=f"pic-icon pic-icon--{kind}")
    elif kind == "nobody":
        drawing.box((x - 8, y - 8), (16, 16), "pic-icon pic-icon--nobody")
    else:
        drawing.add("circle", cx=x, cy=y, r=8, class_=f"pic-icon pic-icon--{kind}")
    drawing.add("path", d=lines[kind], class_=f"pic-icon-line pic-icon-line--{kind}", fill="none")
