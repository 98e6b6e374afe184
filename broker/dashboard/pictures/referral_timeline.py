"""A referral as a timeline: a row for each delivery, against its deadlines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise

from broker.dashboard.pictures.axis import Axis
from broker.dashboard.pictures.local_times import clock
from broker.dashboard.pictures.picture import NARROW, Cell, Picture, Sign, Table, label_of, sign
from broker.dashboard.pictures.svg import Drawing, element, shortened
from broker.dashboard.pictures.timeline_words import (
    STATE_COUNTS,
    deadline_words,
    is_missed,
    row_words,
)
from broker.dashboard.wording import how_many
from broker.domain.codes import DeliveryKind
from broker.domain.ids import DeliveryId
from broker.domain.pictures import ReferralTimeline, RowDeadline, TimelineRow
from broker.domain.referral import ReferralStatus
from broker.domain.states import DeliveryState
from broker.policy.time.wall_clock import on_the_wall

NAME = "referral-timeline"
MOST_ROWS = 12
"""Rows that are drawn: more than these are counted, and listed below the picture."""
WIDTHS = (1000, 640, NARROW)
_BESIDE = 900
"""From this width on, the name of a row stands beside it; else above."""
_LABEL = 290
_MERGED = 13.0
"""Alerts that are nearer than so many pixels are one mark."""
_DUE_STYLES = {"late": "missed", "overdue": "missed", "in_time": "met", "ended": "over"}
_DUE_MARKS = {"met": "m4 3l3 3 5-6", "missed": "m-4-5l8 6m0-6l-8 6"}
"""The tick or the cross at a deadline: colour alone says nothing."""
_ENDS = {
    DeliveryState.RETURNED: "returned",
    DeliveryState.HANDED_OVER: "returned",
    DeliveryState.RECALLED: "recalled",
    DeliveryState.UNDELIVERABLE: "refused",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What concerns every row: a correction or a recall."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a row's bar."""

    kind: str
    """``held``, ``waiting``, ``collected`` or ``acknowledged``."""
    start: datetime
    end: datetime


def _own_card(delivery: DeliveryId) -> str:
    return f"#d-{delivery}"


def timeline(
    referral: ReferralStatus,
    figures: ReferralTimeline,
    *,
    now: datetime,
    href: Callable[[DeliveryId], str] = _own_card,
) -> Picture:
    """Return the picture of a referral; without a delivery, of the time that it has waited.

    ``href`` is the address of a delivery's card.
    """
    marks = list(_marks(referral))
    instants = [now, referral.accepted_at, *(mark.at for mark in marks)]
    instants += [at for row in figures.rows for at in _instants(row, now)]
    instants += [referral.attend_by] if referral.attend_by else []
    drawings = [
        _drawing(width, figures.rows, marks, instants, now).markup(label_of(NAME))
        for width in WIDTHS
        if figures.rows
    ]
    return Picture(
        name=NAME,
        finding=_finding(referral, figures),
        drawings=drawings,
        signs=[sign for kind, sign in _signs() if kind in _shown(figures.rows, now)],
        table=_table(figures.rows, now, href),
        notes=_notes(figures),
    )


def stretches(row: TimelineRow, now: datetime) -> list[Stretch]:
    """Return the parts of a row's bar, in order; the last one lasts until now where it is open.

    What is held lasts until its end, even where that is later than now.
    """
    over = row.decided_at or row.ended_at
    if over is None and not row.is_open:
        over = row.acknowledged_at or row.collected_at
    released_at = row.available_at
    if row.state is DeliveryState.HELD:
        return [Stretch("held", row.made_at, max(released_at or now, now))]
    points = [
        ("held", row.made_at),
        ("waiting", released_at or row.made_at),
        ("collected", row.collected_at),
        ("acknowledged", row.acknowledged_at),
        ("", over or now),
    ]
    reached = [(kind, at) for kind, at in points if at is not None]
    return [
        Stretch(kind, start, end) for (kind, start), (_, end) in pairwise(reached) if end > start
    ]


def _instants(row: TimelineRow, now: datetime) -> Iterator[datetime]:
    """Yield what must be on the axis."""
    for stretch in stretches(row, now):
        yield from (stretch.start, stretch.end)
    yield row.made_at
    yield from (deadline.due_at for deadline in row.deadlines)
    yield from (pause.end or now for pause in row.pauses)
    yield from row.alerts
    yield from row.failed_alerts


def _marks(referral: ReferralStatus) -> Iterator[Mark]:
    for version in referral.versions:
        if version.version > 1:
            yield Mark(version.accepted_at, "Correction")
    if referral.recalled_at:
        yield Mark(referral.recalled_at, "Recall")


def _finding(referral: ReferralStatus, figures: ReferralTimeline) -> str:
    total = sum(figures.states.values())
    if not total:
        return "No agency has this referral."
    late = f"{figures.late:,} late now" if figures.late else "none late now"
    counts = [
        f"{count:,} {text}"
        for text, states in STATE_COUNTS.items()
        if (count := sum(figures.states.get(state, 0) for state in states))
    ]
    corrections = sum(version.version > 1 for version in referral.versions)
    times = "once" if corrections == 1 else how_many(corrections, "time")
    corrected = f" Corrected {times}." if corrections else ""
    recalled = " Recalled." if referral.recalled_at else ""
    return f"{how_many(total, 'delivery', 'deliveries')}, {late}: {', '.join(counts)}.\
{corrected}{recalled}"


def _notes(figures: ReferralTimeline) -> list[str]:
    rest = sum(figures.states.values()) - len(figures.rows)
    if rest <= 0:
        return []
    return [
        f"Drawn: the {len(figures.rows)} that need attention first. "
        f"{how_many(rest, 'more delivery', 'more deliveries')} below."
    ]


def _drawing(
    width: int,
    rows: Sequence[TimelineRow],
    marks: Sequence[Mark],
    instants: Sequence[datetime],
    now: datetime,
) -> Drawing:
    is_beside = width >= _BESIDE
    step, left = (54, _LABEL) if is_beside else (80, 4)
    top, bottom = 46, 46 + step * len(rows)
    drawing = Drawing(f"{NAME}-{width}", width, bottom + 26)
    axis = Axis(instants, left=left, right=width - 6)
    _draw_axis(drawing, axis, top, bottom)
    _draw_marks(drawing, axis, marks, (top, bottom), now)
    for place, row in enumerate(rows):
        _draw_name(drawing, row, top + place * step, now, is_beside)
        middle = top + place * step + (30 if is_beside else 58)
        _draw_row(drawing, axis, row, middle, now)
    for x in axis.breaks():
        for place in range(len(rows)):
            middle = top + place * step + (30 if is_beside else 58)
            drawing.box((x - 3, middle - 16), (6, 32), "pic-break")
    return drawing


def _draw_axis(drawing: Drawing, axis: Axis, top: int, bottom: int) -> None:
    for part in axis.parts:
        drawing.box((part.left, 20), (part.right - part.left, bottom - 20), "pic-band")
    for day in axis.days():
        drawing.text(min(day.x + 1, drawing.width - 70), 14, day.text, "pic-strong-text pic-small")
    for tick in axis.ticks():
        drawing.line((tick.x, top - 6), (tick.x, bottom), "pic-grid")
        drawing.text(tick.x, top - 10, tick.text, "pic-small pic-faint-text", "middle")


def _draw_name(
    drawing: Drawing, row: TimelineRow, top: int, now: datetime, is_beside: bool
) -> None:
    drawing.line((0, top), (drawing.width, top), "pic-grid")
    room = _LABEL if is_beside else drawing.width
    text, tone = row_words(row, now)
    drawing.text(
        0, top + 20, shortened(f"{row.number}. {row.name}", room // 9), "pic-strong-text pic-halo"
    )
    style = "pic-late-text" if tone == "late" else "pic-faint-text"
    letters = int(room / (7.5 if tone else 6.9))
    drawing.text(0, top + 37, shortened(text, letters), f"pic-small pic-halo {style}")


def _draw_row(drawing: Drawing, axis: Axis, row: TimelineRow, middle: float, now: datetime) -> None:
    for stretch in stretches(row, now):
        start, end = axis.x(stretch.start), axis.x(stretch.end)
        size = (max(end - start, 2.0), 14)
        drawing.box((start, middle - 7), size, f"pic-{stretch.kind}", _title(stretch))
    for pause in row.pauses:
        start, end = axis.x(pause.start), axis.x(pause.end or now)
        drawing.line((start, middle + 12), (max(end, start + 4), middle + 12), "pic-pause")
        _draw_pause(drawing, start, middle)
    for deadline in row.deadlines:
        _draw_deadline(drawing, axis, row, deadline, (middle, now))
    for at, count in merged([axis.x(at) for at in row.alerts]):
        _draw_alert(drawing, at, middle - 8, "pic-alert", f"{how_many(count, 'alert')} sent")
    for at, count in merged([axis.x(at) for at in row.failed_alerts]):
        failed = f"{how_many(count, 'alert')} failed"
        _draw_alert(drawing, at, middle - 8, _FAILED, failed)
    if row.decided_at:
        _draw_tick(drawing, axis.x(row.decided_at), middle)
    elif row.ended_at and row.state in _ENDS:
        _draw_end(drawing, axis.x(row.ended_at), middle, _ENDS[row.state])


def _title(stretch: Stretch) -> str:
    return f"{stretch.kind.capitalize()} {clock(stretch.start)} to {clock(stretch.end)}"


def _draw_deadline(
    drawing: Drawing,
    axis: Axis,
    row: TimelineRow,
    deadline: RowDeadline,
    where: tuple[float, datetime],
) -> None:
    middle, now = where
    x = axis.x(deadline.due_at)
    missed = is_missed(deadline)
    if missed:
        end = axis.x(deadline.met_at or row.ended_at or now)
        drawing.box((x, middle + 8), (max(end - x, 3.0), 6), "pic-late")
    style = _DUE_STYLES.get(deadline.verdict, "ahead")
    drawing.box(
        (x - 1.5, middle - 12), (3, 24), f"pic-due pic-due--{style}", deadline_words(deadline, now)
    )
    if style in _DUE_MARKS:
        path = f"M{x:.1f} {middle - 12:.1f}{_DUE_MARKS[style]}"
        drawing.add("path", d=path, class_=f"pic-due-{style}", fill="none")


def _draw_marks(
    drawing: Drawing,
    axis: Axis,
    marks: Sequence[Mark],
    span: tuple[int, int],
    now: datetime,
) -> None:
    """Draw lines across every row; a text that would cover another one is left out."""
    top, bottom = span
    at_now = axis.x(now)
    drawing.line((at_now, top), (at_now, bottom + 6), "pic-now")
    taken = [_write_below(drawing, at_now, bottom + 20, f"Now {on_the_wall(now)}")]
    recalls_first = sorted(marks, key=lambda mark: mark.text, reverse=True)
    for text, at, count in _together(recalls_first, axis):
        x = axis.x(at)
        drawing.line((x, top), (x, bottom + 6), "pic-across")
        written = f"{text}s from {on_the_wall(at)}" if count > 1 else f"{text} {on_the_wall(at)}"
        half = len(written) * 3.7
        if all(abs(x - other) > half + room for other, room in taken):
            taken.append(_write_below(drawing, x, bottom + 20, written))


def _together(marks: Sequence[Mark], axis: Axis) -> list[tuple[str, datetime, int]]:
    """Return marks that do not cover one another: text, first instant, and how many it is."""
    together: list[tuple[str, datetime, int]] = []
    for mark in marks:
        text, at, count = together[-1] if together else ("", mark.at, 0)
        if text == mark.text and axis.x(mark.at) - axis.x(at) < _MERGED * count:
            together[-1] = (text, at, count + 1)
        else:
            together.append((mark.text, mark.at, 1))
    return together


def _write_below(drawing: Drawing, x: float, y: float, text: str) -> tuple[float, float]:
    """Write a text at the foot of a line; return its middle and half its width."""
    half = len(text) * 3.5
    middle = min(max(x, half), drawing.width - half)
    drawing.text(middle, y, text, "pic-strong-text pic-small", "middle")
    return middle, half


def merged(places: Sequence[float]) -> list[tuple[float, int]]:
    """Return marks that do not cover one another: where each is, and how many it stands for."""
    marks: list[tuple[float, int]] = []
    for x in sorted(places):
        if marks and x - marks[-1][0] < _MERGED:
            marks[-1] = (marks[-1][0], marks[-1][1] + 1)
        else:
            marks.append((x, 1))
    return marks


def _draw_alert(drawing: Drawing, x: float, y: float, style: str, title: str) -> None:
    drawing.add(
        "path",
        element("title", title) if title else "",
        d=f"M{x:.1f} {y - 11:.1f}l6 11h-12z",
        class_=style,
    )


def _draw_pause(drawing: Drawing, x: float, middle: float) -> None:
    drawing.box((x - 7, middle - 7), (14, 14), "pic-sign")
    for side in (-2.5, 2.5):
        drawing.line((x + side, middle - 4), (x + side, middle + 4), "pic-sign-line")


def _draw_tick(drawing: Drawing, x: float, middle: float) -> None:
    drawing.add("circle", cx=x, cy=float(middle), r=9, class_="pic-done")
    path = f"M{x - 4:.1f} {middle + 0.5:.1f}l3 3 5-6"
    drawing.add("path", d=path, class_="pic-done-line", fill="none")


def _draw_end(drawing: Drawing, x: float, middle: float, kind: str) -> None:
    """Draw how a delivery ended: an arrow back, a cross where its channel refused it, or a bar
    where it was taken back."""
    drawing.add("circle", cx=x, cy=float(middle), r=9, class_="pic-sign")
    shapes = {
        "returned": "m4 0h-8m3-3-3 3 3 3",
        "refused": "m-3-3 6 6m0-6-6 6",
        "recalled": "m-4 0h8",
    }
    path = f"M{x:.1f} {middle:.1f}{shapes[kind]}"
    drawing.add("path", d=path, class_="pic-sign-line", fill="none")


def _shown(rows: Sequence[TimelineRow], now: datetime) -> set[str]:
    """Return which signs the rows have."""
    shown = {stretch.kind for row in rows for stretch in stretches(row, now)}
    for row in rows:
        styles = {_DUE_STYLES.get(deadline.verdict, "ahead") for deadline in row.deadlines}
        marks = {
            "late": any(map(is_missed, row.deadlines)),
            "done": row.decided_at is not None,
            "alert": bool(row.alerts),
            "failed": bool(row.failed_alerts),
            "pause": bool(row.pauses),
            _ENDS.get(row.state, ""): row.ended_at is not None,
        }
        shown |= styles | {kind for kind, is_there in marks.items() if is_there}
    return shown


def _signs() -> Iterator[tuple[str, Sign]]:
    """Yield the legend, by kind of sign."""
    for kind, text in _BARS.items():
        yield kind, sign(f"{NAME}-{kind}", text, partial(_bar, kind=kind))
    for kind, (text, draw) in _GLYPHS.items():
        yield kind, sign(f"{NAME}-{kind}", text, draw)


def _bar(drawing: Drawing, kind: str) -> None:
    drawing.box((1, 5), (24, 8 if kind == "late" else 12), f"pic-{kind}")


def _due_sign(drawing: Drawing, style: str) -> None:
    drawing.box((11.5, 0), (3, 18), f"pic-due pic-due--{style}")
    if style in _DUE_MARKS:
        path = f"M13 5{_DUE_MARKS[style]}"
        drawing.add("path", d=path, class_=f"pic-due-{style}", fill="none")


_BARS = {
    "held": "Held back",
    "waiting": "Waiting to be collected",
    "collected": "Collected",
    "acknowledged": "Acknowledged by a person",
    "late": "Late",
}
_FAILED = "pic-alert pic-alert--failed"
_GLYPHS: Mapping[str, tuple[str, Callable[[Drawing], None]]] = {
    "done": ("Decided", partial(_draw_tick, x=13, middle=9)),
    "ahead": ("Deadline", partial(_due_sign, style="ahead")),
    "met": ("Deadline met", partial(_due_sign, style="met")),
    "missed": ("Deadline missed", partial(_due_sign, style="missed")),
    "over": ("Deadline no longer owed", partial(_due_sign, style="over")),
    "alert": ("Alert sent", partial(_draw_alert, x=13, y=15, style="pic-alert", title="")),
    "failed": ("Alert failed", partial(_draw_alert, x=13, y=15, style=_FAILED, title="")),
    "pause": ("Deadline paused", partial(_draw_pause, x=13, middle=9)),
    "returned": ("Returned or handed over", partial(_draw_end, x=13, middle=9, kind="returned")),
    "recalled": ("Recalled", partial(_draw_end, x=13, middle=9, kind="recalled")),
    "refused": ("Not delivered", partial(_draw_end, x=13, middle=9, kind="refused")),
}


def _table(rows: Sequence[TimelineRow], now: datetime, href: Callable[[DeliveryId], str]) -> Table:
    return Table(
        caption="Each delivery with its deadlines",
        columns=("Agency", "State", "Collect", "Acknowledge", "Decide", "Pauses", "Alerts"),
        rows=[_table_row(row, now, href(row.delivery)) for row in rows],
    )


def _table_row(row: TimelineRow, now: datetime, href: str) -> list[Cell]:
    deadlines = {str(deadline.milestone): deadline for deadline in row.deadlines}
    met = {
        "collect": row.collected_at,
        "acknowledge": row.acknowledged_at,
        "decide": row.decided_at,
    }
    cells = [
        Cell(deadline_words(deadlines[step], now) if step in deadlines else clock(at))
        for step, at in met.items()
    ]
    pauses = "; ".join(
        f"{clock(pause.start)} to {clock(pause.end) if pause.end else 'now'}"
        for pause in row.pauses
    )
    failed = f", {len(row.failed_alerts)} failed" if row.failed_alerts else ""
    kind = "" if row.kind is DeliveryKind.REFERRAL else f" ({row.kind}, version {row.version})"
    return [
        Cell(f"{row.number}. {row.name}{kind}", href),
        Cell(row_words(row, now)[0]),
        *cells,
        Cell(pauses or "–"),
        Cell(f"{len(row.alerts)} sent{failed}"),
    ]
