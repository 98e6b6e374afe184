"""When an office is open: local hours, bank holidays, closures and school days of a recipient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from broker.errors import BeyondCalendar, PolicyError
from broker.policy.time import wall_clock

LONDON = wall_clock.LONDON
Hours = tuple[time, time]
"""A local opening and closing time; one that closes at or before it opens closes the next day."""
Window = tuple[datetime, datetime]
"""When an office opens and when it closes, in UTC."""
OFFICE_HOURS: Hours = (time(9), time(17))
SCHOOL_OPENS = time(8, 30)
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Edition:
    """Which calendar data it is: where it comes from, its digest, and how far it reaches."""

    source: str
    """Who sets these days, in words; empty in data from before sources were asked for."""
    sha256: str
    """Of the document, in hexadecimal: what ``sha256sum`` says of the file."""
    ends: date
    """The last day that is known."""
    begins: date = date.min
    """The first day that is known."""

    @property
    def version(self) -> str:
        """Its name: the last day and the beginning of the digest."""
        return f"{self.ends}-{self.sha256[:8]}"


@dataclass(frozen=True, slots=True)
class BankHolidays:
    """The bank holidays of one nation (Banking and Financial Dealings Act 1971).

    ``days`` maps a date to its name; which days are holidays is not known before ``begins`` and
    after ``ends``.
    """

    nation: str
    days: Mapping[date, str]
    edition: Edition

    @property
    def ends(self) -> date:
        """The last day that is known."""
        return self.edition.ends

    @property
    def begins(self) -> date:
        """The first day that is known."""
        return self.edition.begins

    def check(self, day: date) -> None:
        """Raise BeyondCalendar for a day of which it is not known whether it is a holiday."""
        if day > self.ends:
            raise BeyondCalendar(
                f"The bank holidays of {self.nation} end on {in_words(self.ends)}, "
                f"before {in_words(day)}: add the next years to the calendar."
            )
        if day < self.begins:
            raise BeyondCalendar(
                f"The bank holidays of {self.nation} begin on {in_words(self.begins)}, "
                f"after {in_words(day)}: add the earlier years to the calendar."
            )


@dataclass(frozen=True, slots=True, eq=False)
class WorkingCalendar:
    """The opening hours of one recipient in its own local time.

    ``hours`` maps a weekday (Monday is 0) to the times at which the office opens and closes, in
    their order; a weekday that is missing is closed. A closing time that is not after its opening
    time is that of the next day, so 22:00 to 06:00 is a night that belongs to the day it begins on.
    ``closures`` are local: a date and why. ``school_days`` is given for schools alone.
    """

    bank_holidays: BankHolidays
    hours: Mapping[int, tuple[Hours, ...]] = field(
        default_factory=lambda: dict.fromkeys(range(5), (OFFICE_HOURS,))
    )
    closures: Mapping[date, str] = field(default_factory=dict)
    school_days: frozenset[date] | None = None
    zone: ZoneInfo = LONDON

    @property
    def nation(self) -> str:
        """The nation whose bank holidays count: ``ENG``, ``WLS``, ``SCT`` or ``NIR``."""
        return self.bank_holidays.nation

    def local(self, instant: datetime) -> datetime:
        """Return the instant in the recipient's local time."""
        return instant.astimezone(self.zone)

    def first_day(self, instant: datetime) -> date:
        """Return the first local day of which the office may still be open at an instant."""
        today = self.local(instant).date()
        return today - _DAY if _is_open_at_midnight(self) else today

    def windows(self, day: date) -> tuple[Window, ...]:
        """Return when the office opens and closes on a day, in UTC; nothing when it is closed.

        Raises BeyondCalendar where the bank holidays are not known, and for an office that never
        opens.
        """
        if not self.hours:
            raise BeyondCalendar("This office has no opening hours in the directory.")
        self.bank_holidays.check(day)
        return _windows(self, day)

    def is_open(self, instant: datetime) -> bool | None:
        """Tell whether the office is open at an instant; closing time itself is closed.

        None where the bank holidays are not known and the hours of the week alone do not tell.
        """
        today = self.local(instant).date()
        open_on = [
            day
            for day in {self.first_day(instant), today}
            if any(opens <= instant < closes for opens, closes in _windows(self, day))
        ]
        if not open_on:
            return False
        try:
            self.bank_holidays.check(open_on[0])
        except BeyondCalendar:
            return None
        return True

    def is_school_day(self, day: date) -> bool:
        """Tell whether pupils are in school on a day; without terms, every open weekday is one.

        Raises BeyondCalendar where the term dates or the bank holidays are not known.
        """
        if self.school_days is None:
            return bool(self.windows(day))
        self.bank_holidays.check(day)
        first, last = _ends_of_terms(self)
        if day > last:
            raise BeyondCalendar(f"The term dates end before {in_words(day)}: add the next ones.")
        if day < first:
            raise BeyondCalendar(f"The term dates begin after {in_words(day)}: add earlier ones.")
        return day in self.school_days and day not in self.closures

    def why_closed(self, day: date) -> str:
        """Return the reason in a word or two: a holiday's name, a closure, or ``not open``."""
        return self.bank_holidays.days.get(day) or self.closures.get(day) or "not open"


@lru_cache(maxsize=4096)
def _ends_of_terms(calendar: WorkingCalendar) -> tuple[date, date]:
    """Return the first and the last school day that are known; without any all days are past."""
    days = calendar.school_days or (date.min,)
    return min(days), max(days)


@lru_cache(maxsize=4096)
def _is_open_at_midnight(calendar: WorkingCalendar) -> bool:
    windows = [hours for day in calendar.hours.values() for hours in day]
    return any(closes <= opens for opens, closes in windows)


@lru_cache(maxsize=4096)
def _windows(calendar: WorkingCalendar, day: date) -> tuple[Window, ...]:
    """Return the windows that begin on a day, without one that a change of the clocks skips."""
    if day in calendar.bank_holidays.days or day in calendar.closures:
        return ()
    windows = []
    for opening, closing in calendar.hours.get(day.weekday(), ()):
        opens = _instant(day, opening, calendar.zone)
        closes = _instant(day if closing > opening else day + _DAY, closing, calendar.zone)
        if opens < closes:
            windows.append((opens, closes))
    return tuple(windows)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return a local time in UTC: the first of two, and for one that does not exist the change."""
    local = datetime.combine(day, at, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).time() == at:
        return instant
    before = local.replace(fold=1).astimezone(UTC)
    offset = instant.astimezone(zone).utcoffset()
    steps = range(int((instant - before) / _MINUTE) + 1)
    minutes = (before + step * _MINUTE for step in steps)
    return next(minute for minute in minutes if minute.astimezone(zone).utcoffset() == offset)


def read_bank_holidays(text: str) -> Mapping[str, BankHolidays]:
    """Read the calendar document: each nation's bank holidays.

    Raises PolicyError when the document has another form than ``bank_holidays.yaml``.
    """
    try:
        document = yaml.safe_load(text)
        edition = Edition(
            source=str(document.get("source") or "").strip(),
            sha256=sha256(text.encode()).hexdigest(),
            ends=date.fromisoformat(str(document["ends"])),
            begins=_begins(document),
        )
        return {
            nation: BankHolidays(nation, dict(days), edition)
            for nation, days in document["nations"].items()
        }
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise PolicyError(
            "The bank holidays cannot be read: write 'source', 'begins', 'ends' and 'nations', "
            "each nation with a line 'date: name' for every holiday."
        ) from error


def _begins(document: Mapping[str, Any]) -> date:
    """Return the first day that is known; data that does not say begins with its first year."""
    if "begins" in document:
        return date.fromisoformat(str(document["begins"]))
    first = min(day for days in document["nations"].values() for day in days)
    return date(first.year, 1, 1)


def national(nation: str, holidays: Mapping[str, BankHolidays]) -> WorkingCalendar:
    """Return the calendar of an ordinary office: Monday to Friday, 09:00 to 17:00.

    Raises PolicyError when the data holds no such nation.
    """
    if nation not in holidays:
        raise PolicyError(f"There are no bank holidays for {nation}; try {', '.join(holidays)}.")
    return WorkingCalendar(holidays[nation])


def day_after(day: date) -> date:
    """Return the day after a date."""
    return day + _DAY


def in_words(day: date) -> str:
    """Return a date as people say it, whatever the locale: ``Fri 18 Dec 2026``."""
    return f"{wall_clock.short(day)} {day.year}"


def window_said(hours: Hours) -> str:
    """Return a window as it is written in a directory: ``09:00-17:00``, ``22:00-24:00``."""
    opens, closes = hours
    return f"{opens:%H:%M}-{'24:00' if closes == time(0) else f'{closes:%H:%M}'}"
