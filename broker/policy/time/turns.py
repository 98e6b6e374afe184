"""When an office next opens or closes: the instants at which work changes hands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from broker.errors import BeyondCalendar
from broker.policy.time.calendars import Window, WorkingCalendar

LOOK_AHEAD = timedelta(days=60)
"""No office is closed, or open without a pause, for longer; one that is has no next turn."""


def next_opening(calendar: WorkingCalendar, now: datetime) -> datetime | None:
    """Return the first instant after ``now`` at which a closed office opens, in UTC.

    None where the calendar does not say, and for an office that never opens.
    """
    for opens, _ in _windows(calendar, now):
        if opens > now and not calendar.is_open(opens - _INSTANT):
            return opens
    return None


def next_closing(calendar: WorkingCalendar, now: datetime) -> datetime | None:
    """Return the first instant after ``now`` at which an open office closes, in UTC.

    None where the calendar does not say, and for an office that never closes.
    """
    for _, closes in _windows(calendar, now):
        if closes > now and not calendar.is_open(closes):
            return closes
    return None


_INSTANT = timedelta(microseconds=1)


def _windows(calendar: WorkingCalendar, now: datetime) -> Iterator[Window]:
    """Yield the windows from ``now`` on, as far as the calendar goes."""
    first = calendar.first_day(now)
    for after in range(LOOK_AHEAD.days):
        try:
            yield from calendar.windows(first + timedelta(days=after))
        except BeyondCalendar:
            return
