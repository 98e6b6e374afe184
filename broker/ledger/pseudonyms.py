"""Children as pseudonyms (keyed hashes), and the referrals in which each one occurred.

Three statements for a batch, and none when no referral of it has a grade that is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.ledger.database import Connection, Part, json_text, rows
from broker.policy.monitoring.recurrence import EarlierReferral, Occurrence, Recurrence, Recurring

MOST_FOR_A_PSEUDONYM = 50
"""Earlier occurrences read for one pseudonym, the latest ones, so that the cost is bounded."""


class Pseudonyms(Part):
    """Pseudonyms whose retention period has ended."""

    def purge_pseudonyms(self, *, before: datetime, limit: int) -> int:
        """Delete occurrences from before an instant; return how many."""
        params = {"before": before, "limit": limit}
        return len(self._rows("pseudonyms/purge_pseudonyms", params))


def earlier_occurrences(
    connection: Connection, occurrences: Sequence[Occurrence], rule: Recurrence
) -> Mapping[tuple[UUID, str], list[EarlierReferral]]:
    """Lock these pseudonyms, and return their earlier occurrences by referral and local id."""
    if not occurrences:
        return {}
    columns = _columns(occurrences)
    _take_turns(connection, columns["marks"])
    params = {"grade": str(rule.grade), "window": rule.window, "most": MOST_FOR_A_PSEUDONYM}
    earlier: dict[tuple[UUID, str], list[EarlierReferral]] = {}
    for row in rows(connection, "pseudonyms/earlier_occurrences", {**columns, **params}):
        other = EarlierReferral(row["publisher"], row["reference"], row["at"])
        earlier.setdefault((row["referral"], row["child"]), []).append(other)
    return earlier


def record_occurrences(connection: Connection, occurrences: Sequence[Occurrence]) -> None:
    """Write which children occurred; the pseudonyms are unlocked by the commit."""
    if occurrences:
        columns = _columns(occurrences)
        rows(connection, "pseudonyms/record_occurrences", columns)
        _end_turns(connection, columns["marks"])


def flag_recurrence(
    connection: Connection, recurring: Sequence[Recurring], *, now: datetime, actor: str
) -> None:
    """Write into the history that a child was referred too often."""
    if not recurring:
        return
    columns = {
        "referrals": [child.occurrence.referral for child in recurring],
        "publishers": [child.occurrence.publisher for child in recurring],
        "data": [
            json_text(
                {
                    "child": child.occurrence.child,
                    "count": child.count,
                    "earlier": child.own_references(),
                }
            )
            for child in recurring
        ],
    }
    rows(connection, "pseudonyms/flag_recurrence", {**columns, "now": now, "actor": actor})


def _take_turns(connection: Connection, pseudonyms: Sequence[bytes]) -> None:
    rows(connection, "pseudonyms/take_turns", {"marks": sorted(set(pseudonyms))})


def _end_turns(connection: Connection, pseudonyms: Sequence[bytes]) -> None:
    rows(connection, "pseudonyms/end_turns", {"marks": list(pseudonyms)})


def _columns(occurrences: Sequence[Occurrence]) -> dict[str, list[Any]]:
    """Return a row for each pseudonym of each occurrence."""
    pairs = [(occurrence, mark) for occurrence in occurrences for mark in occurrence.marks]
    return {
        "marks": [mark for _, mark in pairs],
        "ats": [occurrence.at for occurrence, _ in pairs],
        "referrals": [occurrence.referral for occurrence, _ in pairs],
        "children": [occurrence.child for occurrence, _ in pairs],
        "grades": [str(occurrence.grade) for occurrence, _ in pairs],
        "nhs": [occurrence.nhs for occurrence, _ in pairs],
    }
