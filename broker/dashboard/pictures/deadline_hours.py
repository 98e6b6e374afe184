"""What is late, and the next 24 hours of deadlines by the hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from broker.dashboard.pictures.local_times import LOCAL, clock
from broker.dashboard.pictures.picture import NARROW, Cell, Picture, Table, label_of, sign
from broker.dashboard.pictures.svg import Drawing, compact
from broker.dashboard.wording import how_many
from broker.domain.pictures import HourOfDeadlines
from broker.policy.time.wall_clock import on_the_wall

NAME = "deadline-hours"
_WIDTHS = (1000, 640)
_TALLEST = 120
_FIRST_COLUMN = 66
"""Where the hours begin, beside the bar of what is late."""
_LETTER = 8
"""How wide a letter of a label is at most."""
_NARROW_HOURS = 3
"""So many hours are one row of the narrow drawing."""
_NARROW_COUNT = 54
"""Room for the widest count beside a row of it, such as 3.69k."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    hours: Sequence[HourOfDeadlines]

    @property
    def urgent(self) -> int:
        return sum(hour.urgent for hour in self.hours)

    @property
    def count(self) -> int:
        return sum(hour.count for hour in self.hours)

    @property
    def is_late(self) -> bool:
        return self.hours[0].begins_at is None


def deadline_hours(hours: Sequence[HourOfDeadlines]) -> Picture:
    """Return the picture; ``hours`` is what is late, then each hour from the one that runs."""
    late, ahead = hours[0], hours[1:]
    total = late.count + sum(hour.count for hour in ahead)
    drawings = [_columns(width, late, ahead) for width in _WIDTHS] if total else []
    drawings += [_rows(late, ahead)] if total else []
    signs = [
        sign(f"{NAME}-late-sign", "Late", partial(_sample, kind="late")),
        sign(f"{NAME}-urgent-sign", "Immediate or very high", partial(_sample, kind="urgent")),
        sign(
            f"{NAME}-other-sign", "High, medium, low or not graded", partial(_sample, kind="other")
        ),
    ]
    return Picture(
        name=NAME,
        finding=_finding(late, ahead),
        drawings=[drawing.markup(label_of(NAME)) for drawing in drawings],
        signs=signs if total else (),
        table=_table(late, ahead),
        notes=("Each delivery counts once, at its next deadline. What is held does not count.",),
    )


def _finding(late: HourOfDeadlines, ahead: Sequence[HourOfDeadlines]) -> str:
    due = sum(hour.count for hour in ahead)
    first = f"{late.count:,} late now" if late.count else "None late now"
    if not due:
        return f"{first}. No deadline falls in the next 24 hours."
    worst = max(ahead, key=lambda hour: hour.count)
    most = f": the most {_between(worst)} ({worst.count:,})" if due > worst.count else ""
    falls = how_many(due, "deadline falls", "deadlines fall")
    return f"{first}. {falls} in the next 24 hours{most}."


def _between(hour: HourOfDeadlines) -> str:
    assert hour.begins_at is not None
    return f"between {on_the_wall(hour.begins_at)} and {on_the_wall(hour.begins_at + _HOUR)}"


def _columns(width: int, late: HourOfDeadlines, ahead: Sequence[HourOfDeadlines]) -> Drawing:
    """Draw a column for each hour."""
    floor = _TALLEST + 24
    drawing = Drawing(f"{NAME}-{width}", width, floor + 42)
    most = max(hour.count for hour in (late, *ahead))
    step = (width - _FIRST_COLUMN) / len(ahead)
    _column(drawing, (4, 44), late, most, floor)
    drawing.text(26, floor + 17, "Late", "pic-small pic-late-text", "middle")
    for place, hour in enumerate(ahead):
        x = _FIRST_COLUMN + place * step
        _column(drawing, (x, step - 4), hour, most, floor)
        _write_hour(drawing, (x, step), place, hour, floor)
    drawing.line((0, floor), (width, floor), "pic-floor")
    return drawing


def _write_hour(
    drawing: Drawing, across: tuple[float, float], place: int, hour: HourOfDeadlines, floor: float
) -> None:
    """Write an hour below its column, and the day below the first one of each day."""
    x, step = across
    assert hour.begins_at is not None
    local = hour.begins_at.astimezone(LOCAL)
    style = "pic-faint-text" if place else "pic-strong-text"
    text = f"{local:%H}" if place else "Now"
    drawing.text(x + step / 2 - 2, floor + 17, text, f"pic-small {style}", "middle")
    if place and local.hour:
        return
    drawing.line((x - 2, floor), (x - 2, floor + 38), "pic-grid")
    if drawing.width - x > 75:
        drawing.text(x + 2, floor + 35, f"{local:%a %-d %b}", "pic-small pic-strong-text")


def _column(
    drawing: Drawing,
    across: tuple[float, float],
    hour: HourOfDeadlines,
    most: int,
    floor: float,
) -> None:
    if not hour.count:
        return
    x, width = across
    height = max(3.0, hour.count / most * _TALLEST)
    if hour.begins_at is None:
        drawing.box((x, floor - height), (width, height), "pic-late", f"Late: {hour.count:,}")
    else:
        top = height * hour.urgent / hour.count
        when = _between(hour)
        if hour.urgent:
            title = f"Immediate or very high {when}: {hour.urgent:,}"
            drawing.box((x, floor - height), (width, top), "pic-urgent", title)
        if hour.other:
            title = f"Others {when}: {hour.other:,}"
            drawing.box((x, floor - height + top), (width, height - top), "pic-other", title)
    style = "pic-small pic-late-text" if hour.begins_at is None else "pic-small pic-strong-text"
    drawing.text(x + width / 2, floor - height - 5, compact(hour.count), style, "middle")


def _rows(late: HourOfDeadlines, ahead: Sequence[HourOfDeadlines]) -> Drawing:
    """Draw a row for three hours each, so that the text keeps its size on a telephone."""
    groups = [ahead[place : place + _NARROW_HOURS] for place in range(0, len(ahead), _NARROW_HOURS)]
    spans = [_Bar(_span(group, place), group) for place, group in enumerate(groups)]
    bars = [_Bar("Late", [late]), *spans]
    step, label = 28, _LETTER * max(len(bar.label) for bar in bars)
    room = NARROW - label - _NARROW_COUNT
    drawing = Drawing(f"{NAME}-narrow", NARROW, step * len(bars) + 4)
    most = max(bar.count for bar in bars)
    for place, bar in enumerate(bars):
        y = place * step + 4
        drawing.text(0, y + 15, bar.label, "pic-late-text" if bar.is_late else "")
        if not bar.count:
            drawing.text(label, y + 15, "0", "pic-faint-text")
            continue
        width = max(3.0, bar.count / most * room)
        if bar.is_late:
            drawing.box((label, y), (width, 20), "pic-late")
        else:
            part = width * bar.urgent / bar.count
            if bar.urgent:
                drawing.box((label, y), (part, 20), "pic-urgent")
            if bar.count > bar.urgent:
                drawing.box((label + part, y), (width - part, 20), "pic-other")
        drawing.text(label + width + 6, y + 15, compact(bar.count), "pic-strong-text")
    return drawing


def _span(hours: Sequence[HourOfDeadlines], place: int) -> str:
    first, last = hours[0].begins_at, hours[-1].begins_at
    assert first is not None
    assert last is not None
    start = on_the_wall(first) if place else "Now"
    return f"{start} to {on_the_wall(last + _HOUR)}"


def _sample(drawing: Drawing, kind: str) -> None:
    drawing.box((1, 3), (24, 12), f"pic-{kind}")


def _table(late: HourOfDeadlines, ahead: Sequence[HourOfDeadlines]) -> Table:
    rows = [
        [
            Cell(_row_name(hour, place)),
            *(Cell(f"{count:,}") for count in (hour.urgent, hour.other, hour.count)),
        ]
        for place, hour in enumerate((late, *ahead))
    ]
    return Table(
        caption="What is late, and deadlines of the next 24 hours by the hour",
        columns=("Due", "Immediate or very high", "Others", "All"),
        rows=rows,
        numbers=frozenset({1, 2, 3}),
    )


def _row_name(hour: HourOfDeadlines, place: int) -> str:
    if hour.begins_at is None:
        return "Late now"
    end = on_the_wall(hour.begins_at + _HOUR)
    return f"Now to {end}" if place == 1 else f"{clock(hour.begins_at)} to {end}"
