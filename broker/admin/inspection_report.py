"""The reports for inspectors of a period, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from broker.admin import ops_monitor
from broker.admin.deadline_report import Period, harmless
from broker.errors import Fault, Invalid
from broker.ledger.inspection_reports import InspectionReports, Tally
from broker.ledger.ledger import Ledger

Count = Callable[[InspectionReports, datetime, datetime, str | None], list[Tally]]
REPORTS: Mapping[str, Count] = {
    "promptness": InspectionReports.promptness,
    "voice": InspectionReports.voice,
    "missing": InspectionReports.missing,
    "quality": InspectionReports.quality,
    "decisions": InspectionReports.decisions,
}

NO_FORCE = "No organisation has this code."


def inspection_report(
    ledger: Ledger, name: str, period: Period, force: str | None = None
) -> list[Tally]:
    """Return the counts of one of ``REPORTS``, of one force or of all.

    Raises Invalid when it takes too long, or for a force that nobody knows: an empty report would
    say that it sent nothing.
    """
    if force is not None and force not in ops_monitor.names(ledger):
        raise Invalid(NO_FORCE, faults=[Fault("/force", "unknown-agency", NO_FORCE)])
    return REPORTS[name](ledger.inspection_reports, period.since, period.until, force)


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
