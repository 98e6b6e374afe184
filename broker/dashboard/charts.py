"""Charts as coordinates, which the templates draw as SVG, each with a sentence that sums it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.dashboard.wording import BAND_NAMES, CAUSE_NAMES, GRADE_NAMES, how_many, share
from broker.domain.monitoring import Breaches, DeadlineStats, HeatmapRow
from broker.ledger.monitoring import BANDS

WIDTH = 640
LABEL = 150
STACK_WIDTH = 440
"""Narrow enough for half a page, with the numbers beside the bars in sight."""
STACK_LABEL = 118
ROW = 26
_SHADES = ((0.999999, "all"), (0.95, "most"), (0.8, "some"), (0.0, "few"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: where it is, and which pattern fills it."""

    x: float
    width: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a chart."""

    label: str
    y: int
    pieces: Sequence[Piece]
    end: float
    """Where the text after the bar begins."""
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its one-sentence finding."""

    finding: str
    height: int
    bars: Sequence[Bar]


def burn_down(bands: Mapping[str, Mapping[str, int]]) -> Chart:
    """Draw open work by time left, stacked by grade."""
    shown = [band for band in BANDS if bands[band] or band not in ("none", "paused", "held")]
    most = max((sum(bands[band].values()) for band in shown), default=0)
    bars = [_stack(BAND_NAMES[band], bands[band], place, most) for place, band in enumerate(shown)]
    return Chart(_burn_finding(bands), len(bars) * ROW + 4, bars)


def _stack(label: str, counts: Mapping[str, int], place: int, most: int) -> Bar:
    room, x = STACK_WIDTH - STACK_LABEL - 50, float(STACK_LABEL)
    pieces = []
    for grade, name in GRADE_NAMES.items():
        if count := counts.get(grade, 0):
            width = count / most * room
            pieces.append(Piece(round(x, 1), round(width, 1), grade, f"{name}: {count:,}"))
            x += width
    total = sum(counts.values())
    return Bar(label, place * ROW, pieces, round(x, 1) + 8, f"{total:,}")


def _burn_finding(bands: Mapping[str, Mapping[str, int]]) -> str:
    total = sum(sum(band.values()) for band in bands.values())
    if not total:
        return "Nothing is open."
    hour = sum(sum(bands[band].values()) for band in ("5", "15", "30", "60"))
    late = sum(bands["breached"].values())
    open_ = how_many(total, "open item")
    return f"{open_}: {late or 'none'} late, {hour or 'none'} due within the hour."


@dataclass(frozen=True, slots=True)
class Cell:
    """A slot of an agency: its share, its shade, and what it says."""

    x: int
    shade: str
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """An agency's row."""

    agency: str
    y: int
    cells: Sequence[Cell]
    slots: Mapping[datetime, DeadlineStats]
    """When each slot began in which something was due, and what was met."""
    total: DeadlineStats


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The slots of the agencies that met the fewest of their deadlines."""

    finding: str
    columns: Sequence[tuple[int, datetime]]
    rows: Sequence[HeatRow]
    height: int
    step: int


def heat_map(
    heats: Sequence[HeatmapRow], slots: Sequence[datetime], name_of: Callable[[str], str]
) -> HeatMap:
    """Draw the share of deadlines met, by agency and slot, worst agency first."""
    step = (WIDTH - LABEL) // len(slots)
    columns = [(LABEL + n * step, at) for n, at in enumerate(slots)]
    rows = [_heat_row(heat, place, columns) for place, heat in enumerate(heats)]
    return HeatMap(_heat_finding(rows, name_of), columns, rows, len(rows) * ROW + 22, step)


def _heat_row(heat: HeatmapRow, place: int, columns: Sequence[tuple[int, datetime]]) -> HeatRow:
    cells = [_cell(x, heat.slots[at]) for x, at in columns if at in heat.slots]
    due = sum(slot.due for slot in heat.slots.values())
    in_time = sum(slot.in_time for slot in heat.slots.values())
    return HeatRow(heat.agency, place * ROW + 20, cells, heat.slots, DeadlineStats(due, in_time))


def _cell(x: int, slot: DeadlineStats) -> Cell:
    part = slot.share or 0.0
    shade = next(name for least, name in _SHADES if part >= least)
    return Cell(x, shade, f"{int(part * 100)}", f"{slot.in_time} of {slot.due} on time")


def _heat_finding(rows: Sequence[HeatRow], name_of: Callable[[str], str]) -> str:
    missed = [row for row in rows if row.total.in_time < row.total.due]
    if not rows:
        return "No deadline was due in this time."
    if not missed:
        return "Every deadline in this time was met."
    worst = missed[0]
    return f"{how_many(len(missed), 'agency', 'agencies')} shown missed a deadline; \
{name_of(worst.agency)} met the fewest: {share(worst.total.share)} of {worst.total.due}."


def timeline(breaches: Breaches, *, now: datetime, since: datetime) -> Chart:
    """Draw each of the latest missed deadlines as a bar until it was met, or until now."""
    room = WIDTH - LABEL
    span = (now - since).total_seconds()

    def at(instant: datetime) -> float:
        return LABEL + max(0.0, (instant - since).total_seconds()) / span * room

    bars = []
    for place, breach in enumerate(breaches.latest):
        start, end = at(breach.due_at), at(min(breach.ended_at or now, now))
        kind = "over" if breach.ended_at else "lasting"
        piece = Piece(round(start, 1), round(max(3.0, end - start), 1), kind, breach.cause)
        bars.append(Bar(breach.agency or "ops", place * ROW, [piece], round(end, 1), ""))
    return Chart(_breach_finding(breaches), len(bars) * ROW + 22, bars)


def _breach_finding(breaches: Breaches) -> str:
    if not breaches.count:
        return "No deadline was missed."
    cause, count = Counter(breach.cause for breach in breaches.latest).most_common(1)[0]
    latest = len(breaches.latest)
    listed = f" of the {latest} latest" if breaches.count > latest else ""
    return f"{how_many(breaches.count, 'deadline')} missed, {breaches.lasting:,} still open; \
most often{listed}: {CAUSE_NAMES[cause].lower()} ({count})."
