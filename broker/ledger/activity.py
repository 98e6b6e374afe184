"""What the ledger knows of who was there, and the alarms about who was not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from broker.domain.ids import OrganisationCode
from broker.ledger.database import Part
from broker.policy.monitoring.silence import COLLECTING, SENDING, Quiet, Seen

_ACTIVITIES = {"sent": SENDING, "polled": COLLECTING}
"""Which counts an activity is learned from."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What an organisation did in one hour, since the last time that it was written."""

    organisation: OrganisationCode
    activity: str
    """``sent``, ``polled``, ``collected`` or ``answered``."""
    hour: datetime
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSilence:
    """An alarm about silence that has not ended."""

    escalation: UUID
    organisation: OrganisationCode
    activity: str
    reason: str
    began_at: datetime
    last_at: datetime | None
    """When the organisation had last been seen, as the alarm began."""
    counted: int | None
    expected: float | None
    acknowledged_by: str | None


class Activity(Part):
    """Who was there when, how often an hour, and who is silent."""

    def note_activity(self, noted: Sequence[Noted]) -> None:
        """Add counts to their hours, and move on when each organisation was last seen."""
        ordered = sorted(noted, key=lambda one: (one.activity, one.hour, one.organisation))
        columns = {
            "organisations": [one.organisation for one in ordered],
            "activities": [one.activity for one in ordered],
            "hours": [one.hour for one in ordered],
            "counts": [one.count for one in ordered],
            "lasts": [one.last_at for one in ordered],
        }
        self._rows("activity/note_activity", columns)

    def seen(self, *, now: datetime) -> list[Seen]:
        """Return of every organisation when it last sent and came, and what waits for it.

        Costs what there are organisations, however much waits and however long the history is.
        """
        hour = now.replace(minute=0, second=0, microsecond=0)
        asked = {"now": now, "hour": hour, "day": hour - timedelta(days=1)}
        found = []
        for row in self._rows("activity/seen", asked):
            code = row["organisation"]
            if row["may_send_since"] is not None:
                told = (row["sent_at"], row["may_send_since"], None, row["last_day"])
                found.append(Seen(code, SENDING, *told))
            came = (row["came_at"], row["waits_since"], row["due_at"])
            found.append(Seen(code, COLLECTING, *came))
        return found

    def traffic(
        self, *, since: datetime
    ) -> Mapping[tuple[str, str], tuple[datetime, Mapping[datetime, int]]]:
        """Return the counts of each hour since an instant, by organisation and activity.

        With them since when there are counts of it at all, older ones included.
        """
        return {
            (row["organisation"], _ACTIVITIES[row["activity"]]): (
                row["first"],
                dict(zip(row["hours"], row["counts"], strict=True)),
            )
            for row in self._rows(
                "activity/traffic", {"since": since, "activities": [*_ACTIVITIES]}
            )
        }

    def silences(self, *, limit: int) -> list[OpenSilence]:
        """Return the alarms about silence that have not ended, the oldest first."""
        return [OpenSilence(**row) for row in self._rows("activity/silences", {"limit": limit})]

    def raise_silences(
        self,
        quiet: Sequence[Quiet],
        *,
        policy_version: str,
        now: datetime,
        new_id: Callable[[], UUID],
    ) -> int:
        """Open an alarm for each organisation that has none, and return how many were opened."""
        if not quiet:
            return 0
        columns = {
            "ids": [new_id() for _ in quiet],
            "organisations": [one.organisation for one in quiet],
            "activities": [one.activity for one in quiet],
            "reasons": [one.reason for one in quiet],
            "sinces": [one.since for one in quiet],
            "lasts": [one.last_at for one in quiet],
            "counted": [one.counted for one in quiet],
            "expected": [one.expected for one in quiet],
        }
        about = {"policy": policy_version, "now": now, "actor": "broker"}
        return len(self._rows("activity/raise_silences", {**columns, **about}))

    def end_silences(self, ended: Mapping[UUID, str], *, now: datetime) -> int:
        """End alarms, each for its reason (a code), and return how many had not ended before."""
        if not ended:
            return 0
        columns = {"ids": [*ended], "because": [*ended.values()]}
        return len(self._rows("activity/end_silences", {**columns, "now": now, "actor": "broker"}))

    def purge_traffic(self, *, before: datetime, limit: int) -> int:
        """Forget counts of hours before an instant; return how many."""
        return len(self._rows("activity/purge_traffic", {"before": before, "limit": limit}))
