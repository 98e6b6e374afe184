"""What inspectors ask, as counts: promptness, voice, missing children, quality, decisions.

docs/reports.md defines every figure. Rows hold codes and numbers, and the names of units: no
people's names, no content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from broker.errors import Invalid
from broker.ledger.database import Part, Row, rows
from broker.ledger.deadline_report import LONGEST

_LIMITS = f"set transaction read only; set local statement_timeout = '{LONGEST.total_seconds()}s'"
_BANDS = {
    "within_24_hours": timedelta(hours=24),
    "within_7_days": timedelta(days=7),
    "within_14_days": timedelta(days=14),
    "within_30_days": timedelta(days=30),
}
"""How long after the police first knew: the first that holds, else ``later``."""
_Group = tuple[str, str, str]
"""By what, of which, and in which month; empty where that is not looked at."""


@dataclass(frozen=True, slots=True, order=True)
class Tally:
    """How many there are of one thing, in one group."""

    by: str
    """``all``, ``force``, ``unit``, ``grade``, ``agency`` or ``month``."""
    of: str
    """The organisation, the unit behind its force and a slash, the grade or the month; empty for
    all, and for no grade."""
    month: str
    """The month of acceptance in a line of a trend, such as ``2026-12``; else empty."""
    what: str
    name: str
    count: int


class InspectionReports(Part):
    """Counts of the referrals accepted from ``since`` and before ``until``, of one force or of all.

    Each raises Invalid when counting takes longer than 25 seconds.
    """

    def promptness(self, since: datetime, until: datetime, force: str | None = None) -> list[Tally]:
        """Count how long after the police first knew each step came."""
        return self._count("inspection_reports/promptness", since, until, force)

    def voice(self, since: datetime, until: datetime, force: str | None = None) -> list[Tally]:
        """Count the children who were heard, and of whom age, ethnicity and more are known."""
        return self._count("inspection_reports/voice", since, until, force)

    def missing(self, since: datetime, until: datetime, force: str | None = None) -> list[Tally]:
        """Count missing children, and how long after they were known social care was told."""
        return self._count("inspection_reports/missing", since, until, force)

    def quality(self, since: datetime, until: datetime, force: str | None = None) -> list[Tally]:
        """Count what was refused, rejected, corrected late or recalled."""
        return self._count("inspection_reports/quality", since, until, force)

    def decisions(self, since: datetime, until: datetime, force: str | None = None) -> list[Tally]:
        """Count outcomes, those that changed, and whether children were heard and told."""
        return self._count("inspection_reports/decisions", since, until, force)

    def _count(
        self, statement: str, since: datetime, until: datetime, force: str | None
    ) -> list[Tally]:
        params = {"since": since, "until": until, "force": force}
        bands = {"bands": list(_BANDS), "lengths": list(_BANDS.values())}
        with self._transaction() as connection:
            connection.execute(_LIMITS.encode())
            try:
                cells = rows(connection, statement, {**params, **bands})
            except psycopg.errors.QueryCanceled as error:
                raise Invalid("Counting took too long: ask for a shorter stretch.") from error
        return _tallies(cells)


def _tallies(cells: Iterable[Row]) -> list[Tally]:
    """Add up cells, which differ in all that is grouped by, in every group."""
    units: dict[str, str] = {}
    counted: Counter[tuple[_Group, str, str]] = Counter()
    for cell in cells:
        unit = f"{cell['publisher']}/{cell['unit']}"
        # Units that differ in case alone are one, by the spelling that comes first in the alphabet.
        units[unit.casefold()] = min(unit, units.get(unit.casefold(), unit))
        for group in _groups(cell, unit.casefold()):
            counted[group, cell["what"], cell["name"]] += cell["count"]
    return sorted(
        Tally(by, units[of] if by == "unit" else of, month, what, name, count)
        for ((by, of, month), what, name), count in counted.items()
    )


def _groups(cell: Row, unit: str) -> Iterator[_Group]:
    yield "all", "", ""
    yield "month", cell["month"], ""
    yield "grade", cell["grade"], ""
    trends = [("force", cell["publisher"]), ("unit", unit)]
    trends += [("agency", cell["agency"])] if cell["agency"] else []
    for by, of in trends:
        yield by, of, ""
        yield by, of, cell["month"]
