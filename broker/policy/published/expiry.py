"""What a policy knows only up to a day: bank holidays, terms, and entries of the directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

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
    return sorted(_endings(policy, on), key=lambda ending: (ending.last, ending.what, ending.of))


def ending_soon(policy: Policy, *, on: date) -> Sequence[Ending]:
    """Return what has ended, or ends within 90 days of a day."""
    return [ending for ending in endings(policy, on=on) if ending.last <= on + NOTICE]


def _endings(policy: Policy, on: date) -> Iterator[Ending]:
    for nation, calendar in policy.calendars.items():
        yield Ending(BANK_HOLIDAYS, nation, calendar.bank_holidays.ends)
    for organisation in policy.directory.organisations:
        ends = organisation.effective_until
        if ends is not None and ends < on:
            continue
        if organisation.school_days is not None:
            yield Ending(
                TERMS,
                organisation.code,
                max(organisation.school_days, default=organisation.effective_from),
            )
        if ends is not None and not _is_succeeded(
            organisation, policy.directory, ends + timedelta(days=1)
        ):
            yield Ending(ENTRY, organisation.code, ends)


def _is_succeeded(organisation: Organisation, directory: Directory, day: date) -> bool:
    """Tell whether somebody of its kind serves each of its places on a day."""
    places = [*organisation.areas, *([organisation.urn] if organisation.urn else [])] or [
        "anywhere"
    ]
    return all(directory.serving(organisation.kind, place, day) for place in places)
