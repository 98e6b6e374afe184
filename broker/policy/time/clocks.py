"""A clock while it runs: when it warns, and how it goes on after it was stopped.

Nothing is kept in a counter. What has run is counted anew each time, from the start, the stretches
in which the clock stood, and the recipient's calendar: calendar time by the clock, everything else
in the recipient's opening hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain

from broker.errors import BeyondCalendar
from broker.policy.time.calendars import (
    SCHOOL_OPENS,
    WorkingCalendar,
    day_after,
)
from broker.policy.time.deadlines import BY_THE_CLOCK, Deadline, Span, Unit, Within, compute, exact
from broker.policy.time.wall_clock import moment_in_words

_NEVER = datetime.max.replace(tzinfo=UTC)
_NOTHING = timedelta(0)


def point(  # noqa: PLR0913 - each of them is a fact about the clock
    unit: Unit,
    *,
    start: datetime,
    due_at: datetime,
    percent: int,
    calendar: WorkingCalendar,
    stood: Sequence[Span] = (),
    first_due_at: datetime | None = None,
) -> datetime:
    """Return when so many percent of the time between a start and a deadline have run.

    ``first_due_at`` is what the deadline was before the clock ``stood``: the time there is is
    measured to it, so that a pause moves only what had not been reached.
    Working time is counted while the recipient is open, so that a warning reaches somebody; when
    it is not open before the deadline at all, or the calendar does not know, the time is counted by
    the clock.
    """
    if percent >= 100 or due_at <= start:
        return due_at
    try:
        if not stood and first_due_at in (None, due_at):
            return _never_stood(unit, start, due_at, percent, calendar)
        total_at = first_due_at or due_at
        return min(_reached(unit, start, total_at, percent, calendar, stood), due_at)
    except BeyondCalendar:
        return start + (due_at - start) * percent / 100


def _reached(
    unit: Unit,
    start: datetime,
    total_at: datetime,
    percent: int,
    calendar: WorkingCalendar,
    stood: Sequence[Span],
) -> datetime:
    """Return when so much has run of what runs until an instant in a clock that never stands."""
    for by_the_clock in (unit in BY_THE_CLOCK, True):
        plain = _running(start, calendar, (), by_the_clock=by_the_clock)
        total = _length(plain, total_at)
        if total:
            running = _running(start, calendar, stood, by_the_clock=by_the_clock)
            return _after(total * percent / 100, running)
    return total_at


def _never_stood(
    unit: Unit, start: datetime, due_at: datetime, percent: int, calendar: WorkingCalendar
) -> datetime:
    """Return the same for a clock that never stood: most of them, so it goes a short way."""
    if unit not in BY_THE_CLOCK:
        # What is open after a window is the same whenever in it a clock starts.
        for begin, end, then, length in _office(calendar, calendar.first_day(start), due_at):
            if end > start:
                first = Span(max(start, begin), end)
                total = end - first.start + length
                return _after(total * percent / 100, chain((first,), then))
    return start + (due_at - start) * percent / 100


@lru_cache(maxsize=4096)
def _office(
    calendar: WorkingCalendar, first: date, due_at: datetime
) -> tuple[tuple[datetime, datetime, tuple[Span, ...], timedelta], ...]:
    """Return the opening hours from a day on until a deadline, which many have in common.

    Each has its beginning and end, the opening hours after it, and how long those are together.
    """
    begin = datetime.combine(first, time.min, calendar.zone).astimezone(UTC)
    spans = tuple(_until(due_at, _open(begin, calendar)))
    later = [spans[number + 1 :] for number in range(len(spans))]
    return tuple(
        (span.start, span.end, then, sum([each.end - each.start for each in then], _NOTHING))
        for span, then in zip(spans, later, strict=True)
    )


def resumed(
    within: Within, *, start: datetime, calendar: WorkingCalendar, stood: Sequence[Span]
) -> Deadline:
    """Return the deadline of a clock that stood for some stretches, each of which has ended.

    Hours go on where they stopped. A deadline in working days moves by the opening hours that
    were lost, and up to the close of that day; the school clock moves to the next school opening.
    Where the calendar is not known, the deadline stays where the stretches before had moved it.
    """
    try:
        return _moved(within, start, calendar, stood)
    except BeyondCalendar:
        if not stood:
            return compute(within, start=start, calendar=calendar)
        earlier = sorted(stood, key=lambda span: span.start)[:-1]
        return resumed(within, start=start, calendar=calendar, stood=earlier)


def _moved(
    within: Within, start: datetime, calendar: WorkingCalendar, stood: Sequence[Span]
) -> Deadline:
    plain = exact(within, start=start, calendar=calendar)
    lost = [span for span in _joined(stood) if span.end > start]
    by_the_clock = within.unit in BY_THE_CLOCK or within.unit is Unit.SCHOOL_DAY
    needed = _length(_running(start, calendar, (), by_the_clock=by_the_clock), plain.due_at)
    reached = _after(needed, _running(start, calendar, lost, by_the_clock=by_the_clock))
    counted_until = [span for span in lost if span.start < reached]
    if not counted_until or reached == plain.due_at:
        return plain
    due = _rounded(within.unit, reached, calendar)
    wording = f"{plain.words}; the clock stood {_said(counted_until, calendar)}, so until "
    return Deadline(due, f"{wording}{_instant(due, calendar)}")


def _rounded(unit: Unit, reached: datetime, calendar: WorkingCalendar) -> datetime:
    """Move an instant on to where its clock can end: a close of business, a school's opening."""
    day = calendar.local(reached).date()
    if unit is Unit.WORKING_DAY:
        return max([reached, *_close_of_business(reached, calendar)])
    if unit is Unit.SCHOOL_DAY:
        while True:
            opens = datetime.combine(day, SCHOOL_OPENS, calendar.zone).astimezone(UTC)
            if calendar.is_school_day(day) and opens >= reached:
                return opens
            day = day_after(day)
    return reached


def _close_of_business(at: datetime, calendar: WorkingCalendar) -> Iterator[datetime]:
    """Yield when the working day closes that an instant ends a stretch of; a night may hold it."""
    for day in {calendar.first_day(at), calendar.local(at).date()}:
        windows = calendar.windows(day)
        if any(opens < at <= closes for opens, closes in windows):
            yield windows[-1][1]


def _running(
    start: datetime, calendar: WorkingCalendar, stood: Sequence[Span], *, by_the_clock: bool
) -> Iterator[Span]:
    """Go through the stretches in which a clock runs, from its start on."""
    stood = _joined(stood)
    for span in [Span(start, _NEVER)] if by_the_clock else _open(start, calendar):
        yield from _without(span, stood)


def _open(start: datetime, calendar: WorkingCalendar) -> Iterator[Span]:
    day = calendar.first_day(start)
    while True:
        for opens, closes in calendar.windows(day):
            if closes > start:
                yield Span(max(start, opens), closes)
        day = day_after(day)


def _without(span: Span, stood: Sequence[Span]) -> Iterator[Span]:
    at = span.start
    for gap in stood:
        if gap.end <= at or gap.start >= span.end:
            continue
        if gap.start > at:
            yield Span(at, gap.start)
        at = gap.end
    if at < span.end:
        yield Span(at, span.end)


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Return stretches in order, those that overlap made one."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda stretch: stretch.start):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def _until(end: datetime, running: Iterator[Span]) -> Iterator[Span]:
    for span in running:
        if span.start >= end:
            return
        yield Span(span.start, min(span.end, end))
        if span.end >= end:
            return


def _length(running: Iterator[Span], until: datetime) -> timedelta:
    return sum((span.end - span.start for span in _until(until, running)), _NOTHING)


def _after(length: timedelta, running: Iterator[Span]) -> datetime:
    """Return the first instant at which so much has run."""
    for span in running:
        if span.end - span.start >= length:
            return span.start + length
        length -= span.end - span.start
    raise AssertionError("A clock runs on without end.")


def _said(spans: Sequence[Span], calendar: WorkingCalendar) -> str:
    return ", ".join(
        f"{_instant(span.start, calendar)} to {_instant(span.end, calendar)}" for span in spans
    )


def _instant(instant: datetime, calendar: WorkingCalendar) -> str:
    return moment_in_words(instant, calendar.zone)
