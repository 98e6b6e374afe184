"""Instants, days and lengths of time as people read them, in UK time (GOV.UK style guide).

Every page and every email uses these.

A screen says "today 16:50"; paper and mail, which are read later, say the date in full.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from broker.domain.outstanding import is_past
from broker.policy.time.duration_words import how_many
from broker.policy.time.wall_clock import LONDON, on_the_wall

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_NEAR = {-1: "yesterday", 0: "today", 1: "tomorrow"}
_NEAR_YEAR = timedelta(days=180)
"""Within so long a day needs no year."""
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def day(of: date) -> str:
    """Return a date: ``15 March 2012``."""
    return f"{of.day} {_MONTHS[of.month - 1]} {of.year}"


def moment(at: datetime, now: datetime | None = None) -> str:
    """Return an instant: ``today 16:50``, ``Monday 30 November, 17:00``, with the year where far.

    Without ``now``, for paper, always ``Monday 30 November 2026, 17:00``.
    """
    try:
        local = at.astimezone(LONDON)
    except OverflowError:  # the first and last day of the calendar
        local = at
    if now is not None:
        near = _NEAR.get((local.date() - local_day(now)).days)
        if near:
            return f"{near} {on_the_wall(at)}"
    year = f" {local.year}" if now is None or abs(at - now) > _NEAR_YEAR else ""
    weekday, month = _WEEKDAYS[local.weekday()], _MONTHS[local.month - 1]
    return f"{weekday} {local.day} {month}{year}, {_time_of_day(at, local)}"


def to_the_second(at: datetime) -> str:
    """Return an instant for a record: ``Monday 30 November 2026, 17:00:12``."""
    local = at.astimezone(LONDON)
    return moment(at).replace(f", {local:%H:%M}", f", {local:%H:%M:%S}")


def instant_text(text: object, now: datetime | None = None) -> str:
    """Return an instant of a document in words, or the text as it is where it is none."""
    try:
        return moment(datetime.fromisoformat(str(text)), now)
    except (ValueError, TypeError):
        return str(text)


def day_text(text: object) -> str:
    """Return a day of a document in words, or the text as it is where it is none."""
    try:
        return day(date.fromisoformat(str(text)))
    except ValueError:
        return str(text)


def day_of(at: datetime, now: datetime) -> str:
    """Return the day of an instant: ``today``, or ``Monday 30 November``."""
    local, today = local_day(at), local_day(now)
    near = _NEAR.get((local - today).days)
    return near or f"{_WEEKDAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}"


def local_day(at: datetime) -> date:
    """Return the day in the United Kingdom at an instant."""
    return at.astimezone(LONDON).date()


def length(of: timedelta) -> str:
    """Return a length of time in minutes, hours or days: ``25 minutes``, ``3 hours 10 minutes``."""
    minutes = int(abs(of).total_seconds() // 60)
    if abs(of) < _HOUR:
        return how_many(minutes, "minute")
    if abs(of) < _DAY:
        rest = minutes % 60
        hours = how_many(minutes // 60, "hour")
        return f"{hours} {how_many(rest, 'minute')}" if rest else hours
    return how_many(abs(of).days, "day")


def by_when(due_at: datetime, now: datetime, *, is_paper: bool = False) -> str:
    """Return a deadline that runs: ``by today 16:50``, or ``was due today 16:50`` once it passed.

    ``is_paper``: the date is in full.
    """
    verb = "was due" if is_past(due_at, now) else "by"
    return f"{verb} {moment(due_at, None if is_paper else now)}"


def time_left(due_at: datetime, now: datetime) -> str:
    """Return how long there is to a deadline: ``25 minutes left``, or ``23 minutes late``."""
    return f"{length(due_at - now)} {'late' if is_past(due_at, now) else 'left'}"


def _time_of_day(at: datetime, local: datetime) -> str:
    try:
        return on_the_wall(at)
    except OverflowError:
        return f"{local:%H:%M}"
