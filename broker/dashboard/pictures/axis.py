"""An axis of time that gives most room to when things happen, and cuts long stretches in which
nothing does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise

from broker.dashboard.pictures.local_times import LOCAL

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_STEPS = (
    *(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY),
)
_SHORTEST = 10 * _MINUTE
_GAP = 14.0
"""Pixels between two parts."""
_PAD = 10.0
"""Pixels before the first instant of a part and after its last."""
_PART = 52.0
"""Pixels of a part in which there is one instant: its time must fit."""
_NARROW = 400.0
"""Below this many pixels the axis has ``_NARROW_PARTS`` parts at most, and each may be narrower."""
_NARROW_PART, _NARROW_PARTS = 30.0, 4
_TICK = 50.0
"""Pixels between two ticks."""
_HEADING = 84.0
"""Pixels of the name of a day."""
_CUT = 0.2
"""A gap is cut that is a longer part of all that is not cut."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of time that is drawn to scale."""

    start: datetime
    end: datetime
    left: float
    right: float

    def x(self, at: datetime) -> float:
        """Return where an instant of this part is."""
        room = self.right - self.left - 2 * _PAD
        length = (self.end - self.start) / _MINUTE
        share = (at - self.start) / _MINUTE / length if length else 0.5
        return self.left + _PAD + share * room


@dataclass(frozen=True, slots=True)
class Tick:
    """A time that is written on the axis."""

    x: float
    text: str


class Axis:
    """Instants as pixels, from left to right."""

    def __init__(self, instants: Iterable[datetime], *, left: float, right: float) -> None:
        points = sorted(set(instants))
        if points[-1] - points[0] < _SHORTEST:
            points.append(points[0] + _SHORTEST)
        is_narrow = right - left < _NARROW
        least = _NARROW_PART if is_narrow else _PART
        most = _NARROW_PARTS if is_narrow else max(1, int((right - left) // (_PART + _GAP)) - 1)
        self.left, self.right = left, right
        self.parts = _placed(_spans(points, most), left, right, least)

    def x(self, at: datetime) -> float:
        """Return where an instant is; one outside the axis is at its edge."""
        if at < self.parts[0].start:
            return self.left
        for part, later in pairwise(self.parts):
            if at < part.start:
                break
            if part.end < at < later.start:
                share = (at - part.end) / (later.start - part.end)
                return part.x(part.end) + share * (later.left + _PAD - part.x(part.end))
        for part in self.parts:
            if part.start <= at <= part.end:
                return part.x(at)
        return self.right

    def breaks(self) -> Iterator[float]:
        """Yield where the axis is cut."""
        for part, later in pairwise(self.parts):
            yield (part.right + later.left) / 2

    def ticks(self) -> list[Tick]:
        """Return the times to be written, with room between them."""
        return [tick for part in self.parts for tick in _ticks_of(part)]

    def days(self) -> list[Tick]:
        """Return the days to be written above the times, where each begins on the axis."""
        days: list[Tick] = []
        for part in self.parts:
            for at in _days_of(part):
                x = part.x(at) if at > part.start else part.left
                local = at.astimezone(LOCAL)
                text = f"{local:%a %-d %b}"
                is_same = bool(days) and days[-1].text == text
                if not is_same and (not days or x - days[-1].x >= _HEADING):
                    days.append(Tick(x, text))
        return days


def _spans(points: Sequence[datetime], most: int) -> list[tuple[datetime, datetime]]:
    """Cut the longest gaps between instants until none is a large part of what is left.

    At most half of them: what is drawn to scale must remain.
    """
    gaps = sorted(pairwise(points), key=lambda gap: gap[0] - gap[1])
    left = points[-1] - points[0]
    cuts: list[tuple[datetime, datetime]] = []
    for gap in gaps[: min(most - 1, len(gaps) // 2)]:
        if gap[1] - gap[0] <= max(_CUT * left, _HOUR):
            break
        cuts.append(gap)
        left -= gap[1] - gap[0]
    cuts.sort()
    starts = [points[0], *(after for _, after in cuts)]
    ends = [*(before for before, _ in cuts), points[-1]]
    return list(zip(starts, ends, strict=True))


def _placed(
    spans: Sequence[tuple[datetime, datetime]], left: float, right: float, least: float
) -> list[Part]:
    """Give each stretch room in proportion to its length, and none less than a time needs."""
    room = right - left - _GAP * (len(spans) - 1) - least * len(spans)
    total = sum((end - start for start, end in spans), timedelta()) or _MINUTE
    parts, x = [], left
    for start, end in spans:
        width = least + room * ((end - start) / total)
        parts.append(Part(start, end, x, x + width))
        x += width + _GAP
    return parts


def _ticks_of(part: Part) -> list[Tick]:
    width = part.right - part.left - 2 * _PAD
    most = max(1.0, width / _TICK)
    step = next((step for step in _STEPS if (part.end - part.start) / step <= most), _STEPS[-1])
    shape = "%H:%M" if step < _DAY else "%-d %b"
    ticks = [
        Tick(part.x(at), f"{at.astimezone(LOCAL):{shape}}")
        for at in _multiples(part.start, part.end, step)
    ]
    return ticks or [Tick(part.x(part.start), f"{part.start.astimezone(LOCAL):%H:%M}")]


def _multiples(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """Yield each multiple of a step since the local midnight before, within a stretch."""
    midnight = datetime.combine(start.astimezone(LOCAL).date(), time(), LOCAL)
    if step >= _DAY:
        day = midnight.date()
        while (at := datetime.combine(day, time(), LOCAL)) <= end:
            if at >= start:
                yield at
            day += step
        return
    number = -(-(start - midnight) // step)
    while (at := midnight.astimezone(start.tzinfo) + number * step) <= end:
        yield at
        number += 1


def _days_of(part: Part) -> Iterator[datetime]:
    """Yield the beginning of a part, and each local midnight in it; at most 40 of them."""
    yield part.start
    day = part.start.astimezone(LOCAL).date()
    for _ in range(40):
        day += _DAY
        at = datetime.combine(day, time(), LOCAL)
        if at > part.end:
            return
        yield at
