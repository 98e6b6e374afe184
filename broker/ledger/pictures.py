"""The figures of the pictures on the pages for ops. Read-only; each is counted in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from broker.domain.codes import DeliveryKind, Milestone, Role
from broker.domain.ids import EscalationId, OrganisationCode, ReferralId
from broker.domain.pictures import (
    AreaState,
    DayOfDeadlines,
    EscalationAlert,
    Flow,
    HourOfDeadlines,
    MonthFlows,
    ReferralTimeline,
    RowDeadline,
    RowPause,
    TimelineRow,
)
from broker.domain.states import DeliveryState
from broker.ledger.database import Connection, Part, Row, rows
from broker.ledger.monitoring import SOON
from broker.policy.routing.assignments import UNTIL_RELEASED
from broker.policy.time.calendars import LONDON

HOURS = 24
DAYS = 28
MOST_ALERTS = 200
NAMED_PUBLISHERS = 8
NAMED_AGENCIES = 14
"""Forces and agencies of a month that have a name of their own; the others are one."""


class Pictures(Part):
    """What the pictures show, counted from the rows."""

    def referral_timeline(
        self, referral: ReferralId, *, now: datetime, limit: int
    ) -> ReferralTimeline:
        """Return the deliveries of a referral: ``limit`` of them at most, what is late or open
        before what is over; and the counts of all."""
        params = {"referral": referral, "now": now, "limit": limit, "never": UNTIL_RELEASED}
        with self._transaction() as connection:
            counts = _timeline_counts(connection, params)
            return ReferralTimeline(
                [_timeline_row(row) for row in _timeline_rows(connection, params)],
                {DeliveryState(row["state"]): row["count"] for row in counts},
                sum(row["late"] for row in counts),
            )

    def deadlines_by_hour(self, *, now: datetime) -> list[HourOfDeadlines]:
        """Return what is late, then each of the next 24 hours, with the one that runs.

        Open work counts once, by its next deadline; what is held does not.
        """
        first = now.replace(minute=0, second=0, microsecond=0)
        hours = [first + timedelta(hours=number) for number in range(HOURS)]
        params = {"now": now, "until": hours[-1] + timedelta(hours=1)}
        counts = {
            row["begins_at"]: row for row in self._planned("pictures/deadlines_by_hour", params)
        }
        nothing = {"urgent": 0, "other": 0}
        return [
            HourOfDeadlines(at, counted["urgent"], counted["other"])
            for at in (None, *hours)
            for counted in [counts.get(at, nothing)]
        ]

    def month_flows(self, *, since: datetime, until: datetime) -> MonthFlows:
        """Return who sent to whom of the referrals accepted in a span, the most by name."""
        params = {
            "since": since,
            "until": until,
            "publishers": NAMED_PUBLISHERS,
            "agencies": NAMED_AGENCIES,
        }
        selected = self._planned("pictures/month_flows", params)
        if not selected:
            return MonthFlows((), 0, 0)
        flows = [Flow(row["publisher"], row["agency"], row["count"]) for row in selected]
        return MonthFlows(flows, selected[0]["publishers"], selected[0]["agencies"])

    def daily_deadlines(
        self, *, now: datetime, agencies: Sequence[OrganisationCode] | None = None
    ) -> Mapping[OrganisationCode, Sequence[DayOfDeadlines]]:
        """Return the last 28 days of each of these agencies, or of all that had a deadline.

        One statement, however many agencies. Every agency has 28 days, the last of them today as
        far as it has come: a deadline counts once the minute is over in which it falls.
        """
        spans = _local_days(now)
        params = {
            "days": [day for day, _, _ in spans],
            "starts": [start for _, start, _ in spans],
            "stops": [stop for _, _, stop in spans],
            "over": [number < DAYS - 1 for number in range(DAYS)],
            "agencies": list(agencies) if agencies is not None else None,
        }
        counted: dict[OrganisationCode, dict[date, Row]] = defaultdict(dict)
        for code in agencies or ():
            counted[code] = {}
        for row in self._planned("pictures/daily_deadlines", params):
            counted[row["agency"]][row["day"]] = row
        nothing = {"due": 0, "late": 0}
        return {
            code: [
                DayOfDeadlines(day, figures["due"], figures["late"])
                for day, _, _ in spans
                for figures in [days.get(day, nothing)]
            ]
            for code, days in counted.items()
        }

    def area_states(
        self,
        serving: Mapping[str, Sequence[OrganisationCode]],
        *,
        now: datetime,
        within: timedelta = SOON,
    ) -> list[AreaState]:
        """Return the open work of the agencies that serve each area, by the area's code.

        ``serving`` names the agencies of each area. ``within`` says what is due soon.
        """
        pairs = [(area, agency) for area, agencies in serving.items() for agency in agencies]
        params = {
            "areas": [area for area, _ in pairs],
            "agencies": [agency for _, agency in pairs],
            "now": now,
            "within": within,
        }
        return [AreaState(**row) for row in self._planned("pictures/area_states", params)]

    def escalation_policy(self, escalation: EscalationId) -> str | None:
        """Return the version of the policy whose steps an escalation takes."""
        versions = self._planned("pictures/escalation_policy", {"escalation": escalation})
        return versions[0]["policy_version"] if versions else None

    def escalation_alerts(self, escalation: EscalationId) -> list[EscalationAlert]:
        """Return the alerts of an escalation and what became of each, at most 200."""
        params = {"escalation": escalation, "limit": MOST_ALERTS}
        alerts = self._planned("pictures/escalation_alerts", params)
        return [EscalationAlert(**row) for row in alerts]


def _timeline_rows(connection: Connection, params: Mapping[str, Any]) -> list[Row]:
    return rows(connection, "pictures/timeline_rows", params)


def _timeline_counts(connection: Connection, params: Mapping[str, Any]) -> list[Row]:
    return rows(connection, "pictures/timeline_counts", params)


def _local_days(now: datetime) -> list[tuple[date, datetime, datetime]]:
    """Return the last 28 local days with their beginnings and ends; today ends with the minute."""
    today = now.astimezone(LONDON).date()
    days = [today - timedelta(days=number) for number in reversed(range(DAYS))]
    begins = [datetime.combine(day, time(), LONDON) for day in [*days, today + timedelta(days=1)]]
    minute = now.replace(second=0, microsecond=0)
    return [
        (day, start, min(stop, minute))
        for day, start, stop in zip(days, begins, begins[1:], strict=False)
    ]


def _timeline_row(row: Row) -> TimelineRow:
    known: dict[str, Any] = {
        "role": Role(row["role"]),
        "kind": DeliveryKind(row["kind"]),
        "state": DeliveryState(row["state"]),
        "deadlines": [
            RowDeadline(Milestone(milestone), datetime.fromisoformat(due_at), _at(met_at), verdict)
            for milestone, due_at, met_at, verdict in row["deadlines"]
        ],
        "pauses": [
            RowPause(datetime.fromisoformat(start), _at(end)) for start, end in row["pauses"]
        ],
    }
    return TimelineRow(**{**row, **known})


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
