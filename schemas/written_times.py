"""Days and instants as people and systems in Britain write them, read as ISO 8601.

Where the day or the month could be meant, the day comes first. A year of two digits, a month alone
and a day that does not exist are not read.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,? ?)?"
_YEAR_FIRST = r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
_BASIC = r"(\d{4})(\d\d)(\d\d)"
_DAY_FIRST = r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})"
_DAY_MONTH = rf"(\d{{1,2}})(?:st|nd|rd|th)?(?: of)?[-/., ]{{0,2}}{_MONTH}[-/., ]{{0,2}}(\d{{4}})"
_MONTH_DAY = rf"{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})"
_TIME = (
    r"(\d{1,2})(?:[:.]?(\d\d))?(?::?(\d\d)(?:[.,]\d{1,9})?)? ?(am|pm|a\.m\.|p\.m\.|hrs|hours)?"
    r" ?(?:(z|utc|gmt|bst)|([+-]\d\d):?(\d\d))?(?:\[[a-z/_]{1,40}\])?"
)
_BETWEEN = r"(?:t|,? at |, ?| ?@ ?| )"
_DATES = tuple(
    re.compile(rf"{_WEEKDAY}{pattern}(?:{_BETWEEN}(?P<time>.{{1,60}}))?", re.ASCII | re.IGNORECASE)
    for pattern in (_YEAR_FIRST, _BASIC, _DAY_FIRST, _DAY_MONTH, _MONTH_DAY)
)
_CLOCK = re.compile(_TIME, re.ASCII | re.IGNORECASE)
_SECONDS = range(946_684_800, 4_102_444_800)
"""Of the years 2000 to 2099, since 1970."""
_LONGEST = 80


def read_day(value: Any) -> Any:
    """Return a day as YYYY-MM-DD, or the value itself where none can be read."""
    if isinstance(value, int) and not isinstance(value, bool) and len(str(value)) == 8:
        value = str(value)
    parts = _parted(value)
    if parts is None:
        return value
    day, clock = parts
    return day.isoformat() if clock is None or _CLOCK.fullmatch(clock) else value


def read_instant(value: Any, *, is_past: bool) -> Any:
    """Return an instant in UTC, or the value itself where none can be read.

    A time without an offset is local. A day without a time began at midnight where it is past, and
    lasts to its end where it is to come, so that nothing ends too early.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _since_1970(value)
    parts = _parted(value)
    if parts is None:
        return value
    day, clock = parts
    if clock is None:
        local = datetime.combine(day, time() if is_past else time(23, 59), LONDON)
        return _utc(local, value)
    return _at(day, clock, value)


def _since_1970(value: int) -> Any:
    seconds = value // 1000 if value // 1000 in _SECONDS else value
    return _utc(datetime.fromtimestamp(seconds, UTC), value) if seconds in _SECONDS else value


def _parted(value: Any) -> tuple[date, str | None] | None:
    """Return the day in a text and what stands after it, or None where there is no day."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    for number, pattern in enumerate(_DATES):
        if parts := pattern.fullmatch(value.strip()):
            day = _day(number, parts.groups()[:3])
            return (day, parts["time"]) if day else None
    return None


def _day(pattern: int, parts: tuple[str, ...]) -> date | None:
    first, second, third = parts
    if pattern <= 1:
        year, month, day = int(first), int(second), int(third)
    elif pattern == 2:
        year, month, day = int(third), int(second), int(first)
        if month > 12 >= day:
            month, day = day, month
    else:
        named, number = (second, first) if pattern == 3 else (first, second)
        year, month, day = int(third), _MONTHS.index(named.lower()) + 1, int(number)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _at(day: date, clock: str, value: Any) -> Any:
    parts = _CLOCK.fullmatch(clock.strip())
    if parts is None:
        return value
    hour, minute, second, half, zone, hours, minutes = parts.groups()
    if minute is None and half is None:
        return value  # a number alone is no time
    number = int(hour)
    is_half = (half or "")[:1].lower() in ("a", "p")
    if is_half:
        if not 1 <= number <= 12:
            return value
        number = number % 12 + (12 if half and half[0].lower() == "p" else 0)
    try:
        local = datetime.combine(day, time(number, int(minute or 0), int(second or 0)))
        return _utc(
            local.replace(tzinfo=LONDON)
            if not (zone or hours)
            else _moved(local, zone, hours, minutes),
            value,
        )
    except (ValueError, OverflowError):
        return value


def _moved(local: datetime, zone: str | None, hours: str | None, minutes: str | None) -> datetime:
    if zone:
        offset = timedelta(hours=1 if zone.lower() == "bst" else 0)
    else:
        sign = -1 if hours and hours.startswith("-") else 1
        offset = sign * timedelta(hours=abs(int(hours or 0)), minutes=int(minutes or 0))
    return local.replace(tzinfo=UTC) - offset


def _utc(moment: datetime, value: Any) -> Any:
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return value
