"""The deadline report: which stretch of time is asked for, and its figures as JSON and as CSV.

Figures have no content and name no referral: codes of organisations, grades, hours and numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from broker.errors import Fault, Invalid
from broker.ledger.deadline_report import Figures, Spread
from broker.ledger.ledger import Ledger
from broker.policy.time.calendars import LONDON, day_after

LONGEST = timedelta(days=3 * 366)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet takes a cell that begins so for a formula, and would run it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From an instant until before another, both aware."""

    since: datetime
    until: datetime


def stretch(since: str, until: str) -> Stretch:
    """Read which acceptances are asked for, such as 2026-12-01 and 2026-12-31.

    A date is a local day (Europe/London), and the last one is counted whole; an instant without an
    offset is local too. Raises Invalid, with a fault that points at ``/from`` or ``/to``.
    """
    first = _instant(since, "from", is_last=False)
    last = _instant(until, "to", is_last=True)
    if last <= first:
        raise _wrong("to", "This is before the beginning: give a later 'to'.")
    if last - first > LONGEST:
        raise _wrong("to", f"Ask for at most {LONGEST.days} days at once.")
    return Stretch(first, last)


def deadline_report(ledger: Ledger, asked: Stretch, *, now: datetime) -> list[Figures]:
    """Count the deadlines of what was accepted in a stretch. Raises Invalid when it is too long."""
    return ledger.deadline_report.deadline_figures(asked.since, asked.until, now=now)


def as_json(asked: Stretch, figures: Sequence[Figures], *, now: datetime) -> dict[str, Any]:
    """Return the report as a JSON-ready value (schema: deadline-report); times in seconds."""
    return {
        "since": asked.since,
        "until": asked.until,
        "counted_at": now,
        "figures": [
            {
                "by": figure.by,
                "of": figure.of,
                **figure.referrals,
                **figure.legs,
                "stages": {name: _seconds(spread) for name, spread in figure.stages.items()},
                "deadlines": {str(name): dict(counts) for name, counts in figure.deadlines.items()},
            }
            for figure in figures
        ],
    }


def as_csv(figures: Sequence[Figures]) -> str:
    """Return the report as CSV (RFC 4180): a head, then one line for each group."""
    written = io.StringIO()
    writer = csv.writer(written)
    lines = [dict(_cells(figure)) for figure in figures]
    writer.writerow(lines[0])  # its names
    writer.writerows([_harmless(cell) for cell in line.values()] for line in lines)
    return written.getvalue()


def _cells(figures: Figures) -> Iterator[tuple[str, Any]]:
    yield from (("by", figures.by), ("of", figures.of))
    yield from figures.referrals.items()
    yield from figures.legs.items()
    for stage, spread in figures.stages.items():
        for name, value in _seconds(spread).items():
            yield f"{stage}_{name}", value
    for milestone, counts in figures.deadlines.items():
        for verdict, count in counts.items():
            yield f"{milestone}_{verdict}", count


def _harmless(cell: Any) -> Any:
    """Mark a text as such that a spreadsheet would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _seconds(spread: Spread) -> dict[str, Any]:
    return {
        "count": spread.count,
        "median_seconds": spread.median.total_seconds() if spread.median is not None else None,
        "p90_seconds": spread.p90.total_seconds() if spread.p90 is not None else None,
    }


def _instant(text: str, name: str, *, is_last: bool) -> datetime:
    try:
        if len(text) == len("2026-12-31"):
            day = date.fromisoformat(text)
            return datetime.combine(day_after(day) if is_last else day, time(), LONDON)
        instant = datetime.fromisoformat(text)
        instant = instant if instant.tzinfo else instant.replace(tzinfo=LONDON)
        instant.astimezone(LONDON)
    except (ValueError, OverflowError):
        raise _wrong(name, f"Give '{name}' as a date such as 2026-12-31.") from None
    return instant


def _wrong(name: str, told: str) -> Invalid:
    return Invalid(told, faults=[Fault(f"/{name}", "out-of-range", told)])
