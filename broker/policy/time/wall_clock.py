"""Times of day in local time, as people read them: BST or GMT is said where a day has both.

Whatever writes a time of day for people uses these: on the night on which the clocks go back,
01:30 comes twice.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
_DAY = timedelta(days=1)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def short(day: date) -> str:
    """Return a date without its year: ``Fri 18 Dec``."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def on_the_wall(instant: datetime, zone: ZoneInfo = LONDON) -> str:
    """Return the time of day: ``09:00``, on a day when the clocks change ``01:30 BST``."""
    return _in_words(instant.replace(second=0, microsecond=0), zone)[1]


def moment_in_words(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant in local time without its year: ``Fri 18 Dec 09:00``."""
    return " ".join(_in_words(instant.replace(second=0, microsecond=0), zone))


@lru_cache(maxsize=4096)
def _in_words(minute: datetime, zone: ZoneInfo) -> tuple[str, str]:
    """Return day and time of day of a minute, which many referrals have in common."""
    local = minute.astimezone(zone)
    said = f"{local.hour:02}:{local.minute:02}"
    return short(local.date()), f"{said}{summer_or_winter(local)}"


def summer_or_winter(local: datetime) -> str:
    """Return what follows a local time of day: `` BST`` on a day with both, nothing on others."""
    zone = local.tzinfo
    assert isinstance(zone, ZoneInfo)
    return f" {local.tzname()}" if _clocks_change(local.date(), zone) else ""


@lru_cache(maxsize=4096)
def _clocks_change(day: date, zone: ZoneInfo) -> bool:
    first, next_ = (datetime.combine(each, time(0), zone) for each in (day, day + _DAY))
    return first.utcoffset() != next_.utcoffset()
