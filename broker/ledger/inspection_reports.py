"""What inspectors ask, as counts: promptness, the child's voice, quality, decisions.

docs/reports.md defines every figure. Rows hold codes and numbers: no names, no content.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg

from broker.errors import Invalid
from broker.ledger.database import Part, rows
from broker.ledger.deadline_report import LONGEST

_LIMITS = f"set transaction read only; set local statement_timeout = '{LONGEST.total_seconds()}s'"


@dataclass(frozen=True, slots=True, order=True)
class Tally:
    """How many there are of one thing, in one group."""

    by: str
    """``all``, ``force``, ``grade``, ``agency`` or ``month``."""
    of: str
    """The organisation, the grade or the month; empty for all, and for no grade."""
    what: str
    name: str
    count: int


class InspectionReports(Part):
    """Counts of the referrals accepted from ``since`` and before ``until``.

    Each raises Invalid when counting takes longer than 25 seconds.
    """

    def promptness(self, since: datetime, until: datetime) -> list[Tally]:
        """Count how long after the police first knew each step came."""
        return self._count("inspection_reports/promptness", since, until)

    def voice(self, since: datetime, until: datetime) -> list[Tally]:
        """Count what is known of the children: voice, ethnicity, disability and more."""
        return self._count("inspection_reports/voice", since, until)

    def quality(self, since: datetime, until: datetime) -> list[Tally]:
        """Count what was refused, rejected, corrected late or recalled."""
        return self._count("inspection_reports/quality", since, until)

    def decisions(self, since: datetime, until: datetime) -> list[Tally]:
        """Count outcomes, those that changed, and whether children were heard and told."""
        return self._count("inspection_reports/decisions", since, until)

    def _count(self, statement: str, since: datetime, until: datetime) -> list[Tally]:
        with self._transaction() as connection:
            connection.execute(_LIMITS.encode())
            try:
                counted = rows(connection, statement, {"since": since, "until": until})
            except psycopg.errors.QueryCanceled as error:
                raise Invalid("Counting took too long: ask for a shorter stretch.") from error
        return sorted(Tally(**row) for row in counted)
