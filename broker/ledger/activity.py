"""When each organisation was last active, how often an hour, and the alarms about silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from broker.domain.ids import OrganisationCode
from broker.ledger.database import Part
from broker.policy.monitoring.silence import COLLECTING, SENDING, Quiet, Seen

_ACTIVITIES = {"sent": SENDING, "polled": COLLECTING}
"""From which counts the usual volume of an activity is learned."""


@dataclass(frozen=True, slots=True)
class Noted:
    """How often an organisation did something in one hour, since it was last written."""

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
    """When the organisation had last been active, as the alarm began."""
    counted: int | None
    expected: float | None
    acknowledged_by: str | None


class Activity(Part):
    """Who was active when, how often an hour, and who is silent."""

    def note_activity(self, noted: Sequence[Noted]) -> None:
        """Add counts to their hours, and write when each organisation was last active."""
        ordered = sorted(noted, key=lambda count: (count.activity, count.hour, count.organisation))
        columns = {
            "organisations": [count.organisation for count in ordered],
            "activities": [count.activity for count in ordered],
            "hours": [count.hour for count in ordered],
            "counts": [count.count for count in ordered],
            "lasts": [count.last_at for count in ordered],
        }
        self._rows("activity/note_activity", columns)

    def last_activity(self, *, now: datetime) -> list[Seen]:
        """Return when each organisation last sent and last collected, and what waits for it.

        The cost depends on the number of organisations alone, not on the backlog or the history.
        """
        hour = now.replace(minute=0, second=0, microsecond=0)
        params = {"now": now, "hour": hour, "day": hour - timedelta(days=1)}
        activities = []
        for row in self._rows("activity/last_activity", params):
            code = row["organisation"]
            if row["may_send_since"] is not None:
                sending = (row["sent_at"], row["may_send_since"], None, row["last_day"])
                activities.append(Seen(code, SENDING, *sending))
            collecting = (row["collected_at"], row["waits_since"], row["due_at"])
            activities.append(Seen(code, COLLECTING, *collecting))
        return activities

    def traffic(
        self, *, since: datetime
    ) -> Mapping[tuple[str, str], tuple[datetime, Mapping[datetime, int]]]:
        """Return the counts of each hour since an instant, by organisation and activity.

        With them the hour of the oldest count, which may lie before that instant.
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
        """Open an alarm for each organisation that has none; return how many were opened."""
        if not quiet:
            return 0
        columns = {
            "ids": [new_id() for _ in quiet],
            "organisations": [silence.organisation for silence in quiet],
            "activities": [silence.activity for silence in quiet],
            "reasons": [silence.reason for silence in quiet],
            "sinces": [silence.since for silence in quiet],
            "lasts": [silence.last_at for silence in quiet],
            "counted": [silence.counted for silence in quiet],
            "expected": [silence.expected for silence in quiet],
        }
        params = {**columns, "policy": policy_version, "now": now, "actor": "broker"}
        return len(self._rows("activity/raise_silences", params))

    def end_silences(self, ended: Mapping[UUID, str], *, now: datetime) -> int:
        """End alarms, each for its reason (a code); return how many had not ended before."""
        if not ended:
            return 0
        columns = {"ids": [*ended], "because": [*ended.values()]}
        return len(self._rows("activity/end_silences", {**columns, "now": now, "actor": "broker"}))

    def purge_traffic(self, *, before: datetime, limit: int) -> int:
        """Delete counts of hours before an instant; return how many."""
        return len(self._rows("activity/purge_traffic", {"before": before, "limit": limit}))
