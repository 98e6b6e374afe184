"""What a policy knows only up to a day: bank holidays, terms, and entries of the directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from broker.policy.language.directory import Directory, Organisation
from broker.policy.published.policy import Policy
from broker.policy.time.calendars import in_words

NOTICE = timedelta(days=90)
"""How long before an end people are told: time enough to publish what comes after."""
BANK_HOLIDAYS, TERMS, ENTRY = "bank_holidays", "terms", "entry"


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that is known up to a day and not beyond."""

    what: str
    """``bank_holidays``, ``terms`` or ``entry``."""
    of: str
    """The nation, or the organisation's code."""
    last: date
    """The last day that is known, or on which the entry counts."""

    def ends_soon(self, on: date) -> bool:
        """Tell whether it has ended, or ends within 90 days of a day."""
        return self.last <= on + NOTICE

    @property
    def words(self) -> str:
        """What ends when."""
        wordings = {
            BANK_HOLIDAYS: f"the bank holidays of {self.of} end",
            TERMS: f"the term dates of {self.of} end",
            ENTRY: f"{self.of} ends without a successor",
        }
        return f"{wordings[self.what]} on {in_words(self.last)}"


def endings(policy: Policy, *, on: date) -> list[Ending]:
    """Return everything that ends, soonest first; of entries those that count on a day or later."""
    holidays = (
        Ending(BANK_HOLIDAYS, nation, calendar.bank_holidays.ends)
        for nation, calendar in policy.calendars.items()
    )
    return sorted([*holidays, *_of_directory(policy.directory.dated_as, on)], key=_order)


def _order(ending: Ending) -> tuple[date, str, str]:
    return ending.last, ending.what, ending.of


def ending_soon(policy: Policy, *, on: date) -> Sequence[Ending]:
    """Return what has ended, or ends within 90 days of a day, soonest first."""
    return [ending for ending in endings(policy, on=on) if ending.ends_soon(on)]


@lru_cache(maxsize=2)
def _of_directory(directory: Directory, on: date) -> Sequence[Ending]:
    """Return what ends in a directory, sorted; worked out once a day, as metrics ask each time."""
    return sorted(_entries_and_terms(directory, on), key=_order)


def _entries_and_terms(directory: Directory, on: date) -> Iterator[Ending]:
    for organisation in directory.organisations:
        ends = organisation.effective_until
        if ends is not None and ends < on:
            continue
        if organisation.school_days is not None:
            last = _last_day(organisation.school_days) or organisation.effective_from
            yield Ending(TERMS, organisation.code, last)
        if ends is not None and not _is_succeeded(
            organisation, directory, ends + timedelta(days=1)
        ):
            yield Ending(ENTRY, organisation.code, ends)


@lru_cache(maxsize=1024)
def _last_day(school_days: frozenset[date]) -> date | None:
    """Return the last school day; schools that share their terms share the answer."""
    return max(school_days, default=None)


def _is_succeeded(organisation: Organisation, directory: Directory, day: date) -> bool:
    """Tell whether somebody of its kind serves each of its places on a day."""
    places = [*organisation.areas, *([organisation.urn] if organisation.urn else [])] or [
        "anywhere"
    ]
    return all(directory.serving(organisation.kind, place, day) for place in places)
