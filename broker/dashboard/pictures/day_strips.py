"""The last 28 days of an agency: a bar a day, whose height and pattern tell late from in time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from markupsafe import Markup

from broker.dashboard.pictures.picture import NARROW, Cell, Picture, Sign, Table, label_of, sign
from broker.dashboard.pictures.svg import Drawing, compact, element
from broker.dashboard.wording import how_many
from broker.domain.pictures import DayOfDeadlines

NAME = "agency-days"
FEW = 2
"""So many late deadlines a day are few."""
_WIDE = 600
_DAY = 7
"""Pixels of a day in the strip of a list."""
_STYLES = {"none": "pic-dot", "well": "pic-well", "few": "pic-few", "many": "pic-late"}
_HEIGHTS = {"well": 0.25, "few": 0.5, "many": 1.0}


def kind_of(day: DayOfDeadlines) -> str:
    """Return how a day looks: ``none`` was due, ``well``, ``few`` or ``many`` late."""
    if not day.due:
        return "none"
    if not day.late:
        return "well"
    return "few" if day.late <= FEW else "many"


def finding(days: Sequence[DayOfDeadlines]) -> str:
    """Return what the 28 days show, as a sentence."""
    due, late = sum(day.due for day in days), sum(day.late for day in days)
    if not due:
        return "No deadline fell in the last 28 days."
    if not late:
        return f"All of {how_many(due, 'deadline')} met in the last 28 days."
    on_days = sum(day.late > 0 for day in days)
    return (
        f"{late:,} of {how_many(due, 'deadline')} missed in the last 28 days,"
        f" on {how_many(on_days, 'day')}."
    )


def small_strip(name: str, days: Sequence[DayOfDeadlines]) -> Markup:
    """Return the strip for a row of a list, 196 by 22 pixels, with its finding as its name.

    ``name`` is an id that no other strip on the page has. Below the list stands ``legend()``.
    """
    drawing, shapes = Drawing(name, 28 * _DAY, 22), dict[str, str]()
    for place, day in enumerate(days):
        kind, x = kind_of(day), place * _DAY
        height = round(20 * _HEIGHTS[kind]) if kind in _HEIGHTS else 1
        width = _DAY - 1 if kind in _HEIGHTS else 1
        shapes[kind] = f"{shapes.get(kind, '')}M{x} 21h{width}v-{height}h-{width}z"
    for kind, path in shapes.items():
        drawing.shape(path, _STYLES[kind])
    return element("span", finding(days), class_="govuk-visually-hidden") + drawing.hidden()


def legend(name: str = NAME) -> list[Sign]:
    """Return what the bars mean."""
    texts = {
        "well": "All in time",
        "few": f"1 or {FEW} missed",
        "many": f"{FEW + 1} or more missed",
        "none": "Nothing was due",
    }
    return [
        sign(f"{name}-{kind}-sign", text, partial(_sample, kind=kind))
        for kind, text in texts.items()
    ]


def day_strips(days: Sequence[DayOfDeadlines]) -> Picture:
    """Return the picture of one agency, with the counts of what was late and its table."""
    is_any = any(day.due for day in days)
    drawings = [_drawing(f"{NAME}-wide", _WIDE, days), _drawing(f"{NAME}-narrow", NARROW, days)]
    return Picture(
        name=NAME,
        finding=finding(days),
        drawings=[drawing.markup(label_of(NAME)) for drawing in drawings if is_any],
        signs=legend() if is_any else (),
        table=Table(
            caption="Deadlines of each day and how many were missed",
            columns=("Day", "Due", "Missed"),
            rows=[
                [Cell(f"{day.day:%a %-d %b}"), Cell(f"{day.due:,}"), Cell(f"{day.late:,}")]
                for day in days
            ],
            numbers=frozenset({1, 2}),
        ),
    )


def _drawing(name: str, width: int, days: Sequence[DayOfDeadlines]) -> Drawing:
    drawing = Drawing(name, width, 100)
    step = (width - 2) / len(days)
    _draw(drawing, days, (1, step), 74, above=20)
    floor = 76
    drawing.line((0, floor), (width, floor), "pic-floor")
    for place, anchor in ((0, "start"), (len(days) // 2, "middle"), (len(days) - 1, "end")):
        x = {"start": 0.0, "middle": 1 + (place + 0.5) * step, "end": float(width)}[anchor]
        text = "Today" if anchor == "end" else f"{days[place].day:%-d %b}"
        drawing.text(x, floor + 17, text, "pic-small pic-faint-text", anchor)
    return drawing


def _draw(
    drawing: Drawing,
    days: Sequence[DayOfDeadlines],
    across: tuple[float, float],
    floor: float,
    above: int = 2,
) -> None:
    left, step = across
    tallest = floor - above
    last = float("-inf")
    for place, day in enumerate(days):
        x, kind = left + place * step, kind_of(day)
        height = _bar(drawing, (x, step - 1.5), floor, tallest, kind)
        text = compact(day.late)
        middle = x + (step - 1.5) / 2
        if above > 2 and day.late and middle - last >= 4 + 7 * len(text):
            style = "pic-small pic-strong-text"
            drawing.text(middle, floor - height - 4, text, style, "middle")
            last = middle


def _bar(
    drawing: Drawing, across: tuple[float, float], floor: float, tallest: float, kind: str
) -> float:
    """Draw one day; return how high it is."""
    x, width = across
    if kind == "none":
        drawing.add("circle", cx=x + width / 2, cy=floor - 2, r=1, class_="pic-dot")
        return 2.0
    height = tallest * _HEIGHTS[kind]
    drawing.box((x, floor - height), (width, height), _STYLES[kind])
    return height


def _sample(drawing: Drawing, kind: str) -> None:
    _bar(drawing, (9, 8), 17, 16, kind)
