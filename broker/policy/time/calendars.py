"""When an office is open: local hours, bank holidays, closures and school days of a recipient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from zoneinfo import ZoneInfo

import yaml

from broker.errors import BeyondCalendar, PolicyError

LONDON = ZoneInfo("Europe/London")
OFFICE_HOURS = (time(9), time(17))
SCHOOL_OPENS = time(8, 30)
_DAY = timedelta(days=1)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Edition:
    """Which calendar data it is: where it comes from, its digest, and how far it reaches."""

    source: str
    """Who sets these days, in words; empty in data from before sources were asked for."""
    sha256: str
    """Of the document, in hexadecimal: what ``sha256sum`` says of the file."""
    ends: date
    """The last day that is known."""

    @property
    def version(self) -> str:
        """Its name: the last day and the beginning of the digest."""
        return f"{self.ends}-{self.sha256[:8]}"


@dataclass(frozen=True, slots=True)
class BankHolidays:
    """The bank holidays of one nation (Banking and Financial Dealings Act 1971), to a last day.

    ``days`` maps a date to its name; nothing may be computed past ``ends``.
    """

    nation: str
    days: Mapping[date, str]
    edition: Edition

    @property
    def ends(self) -> date:
        """The last day that is known."""
        return self.edition.ends


@dataclass(frozen=True, slots=True, eq=False)
class WorkingCalendar:
    """The opening hours of one recipient in its own local time.

    ``hours`` maps a weekday (Monday is 0) to opening and closing time; a weekday that is missing
    is closed. ``closures`` are local: a date and why. ``school_days`` is given for schools alone.
    """

    bank_holidays: BankHolidays
    hours: Mapping[int, tuple[time, time]] = field(
        default_factory=lambda: dict.fromkeys(range(5), OFFICE_HOURS)
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

    def opening(self, day: date) -> tuple[datetime, datetime] | None:
        """Return when the office opens and closes on a day, in UTC, or None when it is closed.

        Raises BeyondCalendar past the end of the bank holiday data.
        """
        self._check(day)
        return _opening(self, day)

    def is_open(self, instant: datetime) -> bool:
        """Tell whether the office is open at an instant; closing time itself is closed."""
        opening = self.opening(self.local(instant).date())
        return opening is not None and opening[0] <= instant < opening[1]

    def is_school_day(self, day: date) -> bool:
        """Tell whether pupils are in school on a day; without terms, every open weekday is one.

        Raises BeyondCalendar past the end of the term dates or of the bank holiday data.
        """
        self._check(day)
        if self.school_days is None:
            return self.opening(day) is not None
        if day > _last_school_day(self):
            raise BeyondCalendar(f"The term dates end before {in_words(day)}: add the next ones.")
        return day in self.school_days and day not in self.closures

    def why_closed(self, day: date) -> str:
        """Return the reason in a word or two: a holiday's name, a closure, or ``not open``."""
        return self.bank_holidays.days.get(day) or self.closures.get(day) or "not open"

    def _check(self, day: date) -> None:
        if day > self.bank_holidays.ends:
            raise BeyondCalendar(
                f"The bank holidays of {self.nation} end on {in_words(self.bank_holidays.ends)}, "
                f"before {in_words(day)}: add the next years to the calendar."
            )


@lru_cache(maxsize=4096)
def _last_school_day(calendar: WorkingCalendar) -> date:
    return max(calendar.school_days or (), default=date.min)


@lru_cache(maxsize=4096)
def _opening(calendar: WorkingCalendar, day: date) -> tuple[datetime, datetime] | None:
    hours = calendar.hours.get(day.weekday())
    if hours is None or day in calendar.bank_holidays.days or day in calendar.closures:
        return None
    opens, closes = (datetime.combine(day, at, calendar.zone).astimezone(UTC) for at in hours)
    return opens, closes


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
        )
        return {
            nation: BankHolidays(nation, dict(days), edition)
            for nation, days in document["nations"].items()
        }
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise PolicyError(
            "The bank holidays cannot be read: write 'source', 'ends' and 'nations', each nation "
            "with a line 'date: name' for every holiday."
        ) from error


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
    return f"{short(day)} {day.year}"


def short(day: date) -> str:
    """Return a date without its year: ``Fri 18 Dec``."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
