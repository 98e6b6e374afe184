"""The four clocks, and each deadline explained in words.

Calendar hours run always; working hours run inside the recipient's opening hours; working days
end at the close of business of the nth working day after the local date of receipt; the school
clock ends when a school day opens next. The calendar is the recipient's, never the sender's. Where
the calendar is not known, a stricter length of time by the clock counts in place of it.
How a clock that was stopped goes on, and when it warns, stands in ``broker.policy.time.clocks``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Self

from broker.errors import BeyondCalendar, PolicyError
from broker.policy.time.calendars import (
    SCHOOL_OPENS,
    BankHolidays,
    Window,
    WorkingCalendar,
    day_after,
)
from broker.policy.time.wall_clock import moment_in_words, on_the_wall, short
from schemas.immutable import immutable

_FORM = re.compile(r"([1-9][0-9]{0,2}) (working hour|working day|hour|minute)s?")
_LISTED_CLOSED = 8
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_SATURDAY = 5


class Unit(StrEnum):
    """What a deadline is counted in."""

    CALENDAR_MINUTE = "minute"
    CALENDAR_HOUR = "hour"
    WORKING_HOUR = "working hour"
    WORKING_DAY = "working day"
    SCHOOL_DAY = "school day"


_LENGTHS = {Unit.CALENDAR_MINUTE: _MINUTE, Unit.CALENDAR_HOUR: _HOUR}
BY_THE_CLOCK = frozenset(_LENGTHS)
"""Units that need no calendar."""


@immutable
class Within:
    """How long a recipient has: a number of units, written as in the policy."""

    count: int
    unit: Unit
    words: str = field(init=False, repr=False, compare=False)
    """As it is written: each deadline says it twice."""

    def __post_init__(self) -> None:
        words = f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"
        if self.unit is Unit.SCHOOL_DAY:
            words = "next school day"
        object.__setattr__(self, "words", words)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``15 minutes``, ``4 hours``, ``4 working hours``, ``1 working day`` or
        ``next school day``.

        Raises PolicyError for anything else.
        """
        if text == "next school day":
            return cls(1, Unit.SCHOOL_DAY)
        match = _FORM.fullmatch(text)
        if match is None:
            raise PolicyError(
                f"{text[:40]!r} is no length of time that the policy knows. Write "
                "'15 minutes', '4 hours', '4 working hours', '1 working day' or 'next school day'."
            )
        return cls(int(match[1]), Unit(match[2]))

    @property
    def by_the_clock(self) -> timedelta:
        """How long it is by the clock, which is only said of minutes and hours of the calendar."""
        return self.count * _LENGTHS[self.unit]

    def __str__(self) -> str:
        return self.words


@immutable
class Span:
    """A stretch of time that was counted, in UTC."""

    start: datetime
    end: datetime


@immutable
class Deadline:
    """An instant in UTC, and how it came about in words."""

    due_at: datetime
    words: str
    spans: tuple[Span, ...] = ()
    """Of working hours those that were counted, to the microsecond."""


def compute(within: Within, *, start: datetime, calendar: WorkingCalendar) -> Deadline:
    """Return the deadline of a recipient whose clock starts at an aware instant.

    A referral must not wait for a calendar, and must not be without a deadline: where the calendar
    is not known, a length of time by the clock stands in that is never later, and the words say so.
    """
    try:
        return exact(within, start=start, calendar=calendar)
    except BeyondCalendar as error:
        return _stand_in(within, start.astimezone(UTC), calendar, error.message)


def exact(within: Within, *, start: datetime, calendar: WorkingCalendar) -> Deadline:
    """Return the deadline as the calendar has it.

    Raises BeyondCalendar when the deadline cannot be counted without days that are not known;
    hours and minutes by the clock need no calendar.
    """
    return _CLOCKS[within.unit](within, start.astimezone(UTC), calendar)


def _stand_in(within: Within, start: datetime, calendar: WorkingCalendar, because: str) -> Deadline:
    """Count each hour of an office as one by the clock, and each working day as 24 of them.

    A day ends no later than an office would close that had no holidays.
    """
    due = start + within.count * (_HOUR if within.unit is Unit.WORKING_HOUR else _DAY)
    if within.unit is Unit.SCHOOL_DAY:
        due = min(due, _next_weekday_at(SCHOOL_OPENS, start, calendar))
    elif within.unit is Unit.WORKING_DAY and calendar.hours:
        always = WorkingCalendar(
            _no_holidays(calendar.bank_holidays), calendar.hours, zone=calendar.zone
        )
        due = min(due, _close_of_business(within.count, calendar.local(start).date(), always)[0])
    wording = f"{_said(due, calendar)} by the clock counts in place of {within}. {because}"
    return Deadline(due, wording)


def _no_holidays(bank_holidays: BankHolidays) -> BankHolidays:
    edition = replace(bank_holidays.edition, begins=date.min, ends=date.max)
    return BankHolidays(bank_holidays.nation, {}, edition)


def _next_weekday_at(at: time, start: datetime, calendar: WorkingCalendar) -> datetime:
    day = calendar.local(start).date()
    while True:
        opens = datetime.combine(day, at, calendar.zone).astimezone(UTC)
        if day.weekday() < _SATURDAY and opens > start:
            return opens
        day = day_after(day)


def _calendar_time(within: Within, start: datetime, calendar: WorkingCalendar) -> Deadline:
    due = start + within.count * _LENGTHS[within.unit]
    wording = f"{_said(start, calendar)} and {within.words} by the clock, day and night"
    return Deadline(due, wording)


def _working_hours(within: Within, start: datetime, calendar: WorkingCalendar) -> Deadline:
    left, spans, closed = timedelta(hours=within.count), [], []
    received = calendar.local(start).date()
    for day, windows in _days(calendar, calendar.first_day(start)):
        if not windows and day >= received:
            closed.append(day)
        for opens, closes in windows:
            begins = max(start, opens)
            if begins < closes and left:
                spans.append(Span(begins, min(closes, begins + left)))
                left -= spans[-1].end - begins
        if not left:
            break
    counted = ", ".join(_span_said(span, calendar) for span in spans)
    wording = f"{within}: {counted}{_closed_said(closed, calendar)}"
    return Deadline(spans[-1].end, wording, tuple(spans))


def _working_days(within: Within, start: datetime, calendar: WorkingCalendar) -> Deadline:
    due, wording = _close_of_business(within.count, calendar.local(start).date(), calendar)
    return Deadline(due, wording)


@lru_cache(maxsize=4096)
def _close_of_business(
    count: int, received: date, calendar: WorkingCalendar
) -> tuple[datetime, str]:
    """Count once what all have in common that came on one day, to offices with the same hours."""
    left, closed = count, []
    for day, windows in _days(calendar, day_after(received)):
        if not windows:
            closed.append(day)
            continue
        left, due = left - 1, windows[-1][1]
        if not left:
            break
    wording = (
        f"close of business on {_said(due, calendar)}, {Within(count, Unit.WORKING_DAY)} after "
        f"{short(received)}"
        f"{_closed_said(closed, calendar)}"
    )
    return due, wording


def _school_day(_: Within, start: datetime, calendar: WorkingCalendar) -> Deadline:
    received = calendar.local(start).date()
    opens = datetime.combine(received, SCHOOL_OPENS, calendar.zone).astimezone(UTC)
    if start < opens and calendar.is_school_day(received):
        wording = f"opening of the next school day, {_said(opens, calendar)}"
        return Deadline(opens, wording)
    due, wording = _next_school_opening(received, calendar)
    return Deadline(due, wording)


@lru_cache(maxsize=4096)
def _next_school_opening(received: date, calendar: WorkingCalendar) -> tuple[datetime, str]:
    day, closed = day_after(received), []
    while not calendar.is_school_day(day):
        closed.append(day)
        day = day_after(day)
    due = datetime.combine(day, SCHOOL_OPENS, calendar.zone).astimezone(UTC)
    wording = (
        f"opening of the next school day after {short(received)}, {_said(due, calendar)}"
        f"{_closed_said(closed, calendar)}"
    )
    return due, wording


_CLOCKS: Mapping[Unit, Callable[[Within, datetime, WorkingCalendar], Deadline]] = {
    Unit.CALENDAR_MINUTE: _calendar_time,
    Unit.CALENDAR_HOUR: _calendar_time,
    Unit.WORKING_HOUR: _working_hours,
    Unit.WORKING_DAY: _working_days,
    Unit.SCHOOL_DAY: _school_day,
}


def _days(calendar: WorkingCalendar, first: date) -> Iterator[tuple[date, tuple[Window, ...]]]:
    """Go through the days from the first on; the end of the calendar data ends it by an error."""
    day = first
    while True:
        yield day, calendar.windows(day)
        day = day_after(day)


def _said(instant: datetime, calendar: WorkingCalendar) -> str:
    return moment_in_words(instant, calendar.zone)


def _span_said(span: Span, calendar: WorkingCalendar) -> str:
    same_day = calendar.local(span.start).date() == calendar.local(span.end).date()
    end = on_the_wall(span.end, calendar.zone) if same_day else _said(span.end, calendar)
    return f"{_said(span.start, calendar)} to {end}"


def _closed_said(days: list[date], calendar: WorkingCalendar) -> str:
    if not days:
        return ""
    listed = [f"{short(day)} ({calendar.why_closed(day)})" for day in days[:_LISTED_CLOSED]]
    if len(days) > _LISTED_CLOSED:
        listed.append(f"{len(days) - _LISTED_CLOSED} more days")
    return "; not counted: " + ", ".join(listed)
