"""What the ledger knows of children: keyed hashes, and in which referrals they came up.

Three statements for a batch, and none when no referral of it has a grade that is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.ledger.database import Connection, Part, json_text, rows
from broker.policy.monitoring.recurrence import Earlier, Recurrence, Recurring, Sighting

MOST_FOR_A_MARK = 50
"""Earlier sightings looked at for one mark, the latest ones: so a batch costs what it costs."""


class Pseudonyms(Part):
    """Marks of children whose time has passed."""

    def purge_marks(self, *, before: datetime, limit: int) -> int:
        """Forget sightings from before an instant; return how many."""
        return len(self._rows("pseudonyms/purge_marks", {"before": before, "limit": limit}))


def earlier(
    connection: Connection, sightings: Sequence[Sighting], rule: Recurrence
) -> Mapping[tuple[UUID, str], list[Earlier]]:
    """Take the turn for these marks, and return what was recorded under them before."""
    if not sightings:
        return {}
    marks = sorted({mark for sighting in sightings for mark in sighting.marks})
    rows(connection, "pseudonyms/take_turns", {"marks": marks})
    asked = {"grade": str(rule.grade), "window": rule.window, "most": MOST_FOR_A_MARK}
    found: dict[tuple[UUID, str], list[Earlier]] = {}
    for row in rows(connection, "pseudonyms/earlier_sightings", {**_columns(sightings), **asked}):
        other = Earlier(row["publisher"], row["reference"], row["at"])
        found.setdefault((row["referral"], row["child"]), []).append(other)
    return found


def record_sightings(connection: Connection, sightings: Sequence[Sighting]) -> None:
    """Keep who came up; the turn ends with the commit."""
    if sightings:
        columns = _columns(sightings)
        rows(connection, "pseudonyms/record_sightings", columns)
        rows(connection, "pseudonyms/end_turns", {"marks": columns["marks"]})


def tell_recurring(
    connection: Connection, told: Sequence[Recurring], about: Mapping[str, Any]
) -> None:
    """Write into the history that a child was referred too often."""
    if not told:
        return
    columns = {
        "referrals": [one.sighting.referral for one in told],
        "publishers": [one.sighting.publisher for one in told],
        "data": [
            json_text(
                {
                    "child": one.sighting.child,
                    "count": one.count,
                    "earlier": one.own_references(),
                }
            )
            for one in told
        ],
    }
    rows(connection, "pseudonyms/tell_recurring", {**columns, **about})


def _columns(sightings: Sequence[Sighting]) -> dict[str, list[Any]]:
    """Return a row for each mark of each sighting."""
    pairs = [(sighting, mark) for sighting in sightings for mark in sighting.marks]
    return {
        "marks": [mark for _, mark in pairs],
        "ats": [one.at for one, _ in pairs],
        "referrals": [one.referral for one, _ in pairs],
        "children": [one.child for one, _ in pairs],
        "grades": [str(one.grade) for one, _ in pairs],
    }
