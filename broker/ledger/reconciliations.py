"""What the ledger knows of publishers' daily lists: what of them no referral was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from broker.domain.ids import OrganisationCode
from broker.ledger.database import Part, json_text, rows


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What came of the list of a day."""

    publisher: OrganisationCode
    day: date
    at: datetime
    listed: int
    missing: tuple[str, ...]
    """Nothing was ever handed in for these."""
    rejected: tuple[str, ...]
    """What was handed in for these was rejected, and no corrected one came."""


class Reconciliations(Part):
    """Lists that were compared: the last word of each day."""

    def reconcile(
        self,
        publisher: OrganisationCode,
        day: date,
        listed: Mapping[str, str],
        *,
        now: datetime,
        actor: str,
    ) -> Reconciled:
        """Compare references (in one spelling, and as they were given) and keep what came of it.

        The history is told when another number of them has no referral than at the last time.
        """
        asked = {
            "publisher": publisher,
            "occurrences": [*listed],
            "references": [*listed.values()],
        }
        with self._transaction() as connection:
            found = rows(connection, "reconciliations/unreferred", asked)
            missing = tuple(row["reference"] for row in found if not row["handed_in"])
            rejected = tuple(row["reference"] for row in found if row["handed_in"])
            count = len(found)
            told = {"day": day, "listed": len(listed), "count": count, "rejected": len(rejected)}
            kept = {
                **{"publisher": publisher, "day": day, "listed": len(listed), "count": count},
                **{"missing": [*missing], "rejected": [*rejected]},
                **{"data": json_text(told), "now": now, "actor": actor},
            }
            rows(connection, "reconciliations/keep_reconciliation", kept)
        return Reconciled(publisher, day, now, len(listed), missing, rejected)

    def reconciliations(
        self,
        publisher: OrganisationCode | None,
        *,
        limit: int,
        unreferred_since: date | None = None,
    ) -> list[Reconciled]:
        """Return what came of the lists, of one publisher or of all, the latest day first.

        With ``unreferred_since``: only of days since then, and with something unreferred.
        """
        asked = {"publisher": publisher, "limit": limit, "since": unreferred_since}
        return [
            Reconciled(**{**row, "missing": (*row["missing"],), "rejected": (*row["rejected"],)})
            for row in self._rows("reconciliations/reconciliations", asked)
        ]

    def purge_reconciliations(self, *, before: date) -> int:
        """Forget what came of lists of days before one; return how many."""
        return len(self._rows("reconciliations/purge_reconciliations", {"before": before}))
