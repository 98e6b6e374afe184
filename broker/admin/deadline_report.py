"""The deadline report of a period, as JSON and as CSV.

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
from schemas.shown_text import csv_cell

LONGEST = timedelta(days=3 * 366)


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant until before another, both aware."""

    since: datetime
    until: datetime


def parse_period(since: str, until: str) -> Period:
    """Parse the first and last day of acceptance, such as 2026-12-01 and 2026-12-31.

    A date is a local day (Europe/London), and the last day is included; an instant without an
    offset is local too. Raises Invalid, with a fault that points at ``/from`` or ``/to``.
    """
    first = _instant(since, "from", is_last=False)
    last = _instant(until, "to", is_last=True)
    if last <= first:
        raise _wrong("to", "Give a 'to' that is later than 'from'.")
    if last - first > LONGEST:
        raise _wrong("to", f"Ask for at most {LONGEST.days} days at once.")
    return Period(first, last)


def deadline_report(ledger: Ledger, period: Period, *, now: datetime) -> list[Figures]:
    """Return the figures of what was accepted in a period."""
    return ledger.deadline_report.deadline_figures(period.since, period.until, now=now)


def as_json(period: Period, figures: Sequence[Figures], *, now: datetime) -> dict[str, Any]:
    """Return the report as a JSON-ready value (schema: deadline-report); times in seconds."""
    return {
        "since": period.since,
        "until": period.until,
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
    """Return the report as CSV (RFC 4180): a header, then a line for each group."""
    text = io.StringIO()
    writer = csv.writer(text)
    lines = [dict(_cells(figure)) for figure in figures]
    writer.writerow(lines[0])
    writer.writerows([_harmless(cell) for cell in line.values()] for line in lines)
    return text.getvalue()


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
    """Quote a text that a spreadsheet would run as a formula."""
    return csv_cell(cell) if isinstance(cell, str) else cell


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


def _wrong(name: str, message: str) -> Invalid:
    return Invalid(message, faults=[Fault(f"/{name}", "out-of-range", message)])
