"""The reports for inspectors of a period, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from broker.admin.deadline_report import Period, harmless
from broker.ledger.inspection_reports import InspectionReports, Tally
from broker.ledger.ledger import Ledger

Count = Callable[[InspectionReports, datetime, datetime], list[Tally]]
REPORTS: Mapping[str, Count] = {
    "promptness": InspectionReports.promptness,
    "voice": InspectionReports.voice,
    "quality": InspectionReports.quality,
    "decisions": InspectionReports.decisions,
}


def inspection_report(ledger: Ledger, name: str, period: Period) -> list[Tally]:
    """Return the counts of one of ``REPORTS``; raises Invalid when it takes too long."""
    return REPORTS[name](ledger.inspection_reports, period.since, period.until)


def as_json(period: Period, tallies: Sequence[Tally], *, now: datetime) -> dict[str, Any]:
    """Return a report as a JSON-ready value (schema: inspection-report)."""
    return {
        "since": period.since,
        "until": period.until,
        "counted_at": now,
        "figures": [asdict(tally) for tally in tallies],
    }


def as_csv(tallies: Sequence[Tally]) -> str:
    """Return a report as CSV (RFC 4180): a header, then a line for each count."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(field.name for field in fields(Tally))
    writer.writerows([harmless(cell) for cell in asdict(tally).values()] for tally in tallies)
    return text.getvalue()
