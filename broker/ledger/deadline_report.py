"""How long deliveries took and whether they were in time: the figures of docs/reports.md.

Reports and pages read these, so that each figure is defined once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from broker.domain.codes import Grade, Milestone
from broker.errors import Invalid
from broker.ledger.database import Part, Row, rows

LONGEST = timedelta(seconds=25)
"""How long the ledger may count: less than a caller waits."""
STAGES = (
    "first_known_to_accepted",
    "accepted_to_available",
    "available_to_collected",
    "collected_to_acknowledged",
    "acknowledged_to_decided",
    "accepted_to_acknowledged",
    "accepted_to_decided",
)
"""From one point to the next, and the two ways from acceptance to a person's answer."""
VERDICTS = ("in_time", "late", "open", "overdue", "ended", "without")
REFERRALS = ("referrals", "unrouted", "rejected", "unroutable")
LEGS = ("legs", "held", "undeliverable", "returned", "recalled", "sent_on")
GROUPS = ("all", "grade", "effective_grade", "agency", "force", "hour")
_LIMITS = f"set local statement_timeout = '{LONGEST.total_seconds()}s'; set local work_mem = '64MB'"


@dataclass(frozen=True, slots=True)
class Spread:
    """How long one stage took: exact percentiles, None when nothing was counted."""

    count: int
    median: timedelta | None
    p90: timedelta | None


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the report: everything, or one grade, agency, force or hour of day."""

    by: str
    """One of ``GROUPS``."""
    of: str
    """The grade, the organisation's code, or the hour; empty for everything and for no grade."""
    referrals: Mapping[str, int]
    """How many were accepted, and of these are unrouted, rejected or unroutable now."""
    legs: Mapping[str, int]
    """How many deliveries, and of these are held, undeliverable, returned, recalled, sent on."""
    stages: Mapping[str, Spread]
    deadlines: Mapping[Milestone, Mapping[str, int]]
    """How many deadlines of each milestone have which verdict."""


class DeadlineReport(Part):
    """Figures over a stretch of time."""

    def deadline_figures(self, since: datetime, until: datetime, *, now: datetime) -> list[Figures]:
        """Count the referrals accepted from ``since`` and before ``until``, and their deliveries.

        Raises Invalid when it takes longer than 25 seconds: the stretch is too long to count.
        """
        params = {"since": since, "until": until, "now": now}
        with self._transaction() as connection:
            connection.execute(f"set transaction read only; {_LIMITS}".encode())
            try:
                figures = rows(connection, "deadline_report/deadline_figures", params)
            except psycopg.errors.QueryCanceled as error:
                raise Invalid("Counting took too long: ask for a shorter stretch.") from error
        return sorted((_figures(row) for row in figures), key=_place)


def _figures(row: Row) -> Figures:
    return Figures(
        by=row["by"],
        of=row["of"],
        referrals={name: row[name] or 0 for name in REFERRALS},
        legs={name: row[name] or 0 for name in LEGS},
        stages={stage: _spread(row, stage) for stage in STAGES},
        deadlines={
            milestone: {verdict: row[f"{milestone}_{verdict}"] or 0 for verdict in VERDICTS}
            for milestone in Milestone
        },
    )


def _spread(row: Row, stage: str) -> Spread:
    median, p90 = row[stage] or (None, None)
    return Spread(row[f"{stage}_count"] or 0, median, p90)


def _place(figures: Figures) -> tuple[Any, ...]:
    """Return where a line stands: the grades by urgency, everything else by name."""
    grades = [str(grade) for grade in Grade]
    urgency = grades.index(figures.of) if figures.of in grades else len(grades)
    return GROUPS.index(figures.by), urgency, figures.of
