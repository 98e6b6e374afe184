"""Publishers' daily lists of referrals, and what of them the broker never received."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from broker.domain.ids import OrganisationCode
from broker.ledger.database import Connection, Part, Row, json_text, rows


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The result of comparing the list of a day."""

    publisher: OrganisationCode
    day: date
    at: datetime
    listed: int
    missing: tuple[str, ...]
    """Nothing was ever submitted for these."""
    rejected: tuple[str, ...]
    """What was submitted for these was rejected, and no corrected one came."""


class Reconciliations(Part):
    """Lists that were compared: the latest result of each day."""

    def reconcile(
        self,
        publisher: OrganisationCode,
        day: date,
        listed: Mapping[str, str],
        *,
        now: datetime,
        actor: str,
    ) -> Reconciled:
        """Compare references, and store the result.

        ``listed`` maps each reference in its normal spelling to the one that was given. An event is
        written when the number of unreferred ones differs from the last result of the day.
        """
        with self._transaction() as connection:
            unreferred = _unreferred(connection, publisher, listed)
            result = Reconciled(
                publisher,
                day,
                now,
                len(listed),
                missing=tuple(row["reference"] for row in unreferred if not row["submitted"]),
                rejected=tuple(row["reference"] for row in unreferred if row["submitted"]),
            )
            _record_reconciliation(connection, result, actor)
        return result

    def reconciliations(
        self,
        publisher: OrganisationCode | None,
        *,
        limit: int,
        unreferred_since: date | None = None,
    ) -> list[Reconciled]:
        """Return the results, of one publisher or of all, the latest day first.

        With ``unreferred_since``: only of days since then, and with something unreferred.
        """
        params = {"publisher": publisher, "limit": limit, "since": unreferred_since}
        return [
            Reconciled(**{**row, "missing": (*row["missing"],), "rejected": (*row["rejected"],)})
            for row in self._rows("reconciliations/reconciliations", params)
        ]

    def purge_reconciliations(self, *, before: date) -> int:
        """Delete the results of days before one; return how many."""
        return len(self._rows("reconciliations/purge_reconciliations", {"before": before}))


def _unreferred(
    connection: Connection, publisher: OrganisationCode, listed: Mapping[str, str]
) -> list[Row]:
    params = {
        "publisher": publisher,
        "occurrences": [*listed],
        "references": [*listed.values()],
    }
    return rows(connection, "reconciliations/unreferred", params)


def _record_reconciliation(connection: Connection, result: Reconciled, actor: str) -> None:
    count = len(result.missing) + len(result.rejected)
    data = {
        "day": result.day,
        "listed": result.listed,
        "count": count,
        "rejected": len(result.rejected),
    }
    params = {
        "publisher": result.publisher,
        "day": result.day,
        "listed": result.listed,
        "count": count,
        "missing": [*result.missing],
        "rejected": [*result.rejected],
        "data": json_text(data),
        "now": result.at,
        "actor": actor,
    }
    rows(connection, "reconciliations/record_reconciliation", params)
