"""What the ledger does for the watch: alarms that are due, ladders, and notices to be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from broker.domain.codes import Contact, Milestone, NoticeChannel
from broker.domain.escalation import (
    DueStep,
    Escalation,
    EscalationStep,
)
from broker.domain.ids import EscalationId, LeaseId, OrganisationCode
from broker.domain.notice import (
    DueNotice,
    NewNotice,
    NoticeResult,
)
from broker.domain.states import OPEN_DELIVERIES, DeliveryState, ReferralState
from broker.ledger.database import Connection, Part, Row, json_text, rows
from broker.policy.monitoring.alarm_records import (
    FiredAlarm,
    Watched,
)
from broker.policy.monitoring.alarms import RunningClock, attending
from broker.policy.time.deadlines import Span, Within

_MET = {
    Milestone.COLLECT: "collected_at",
    Milestone.ACKNOWLEDGE: "acknowledged_at",
    Milestone.DECIDE: "decided_at",
}
_ALARMED = frozenset({*OPEN_DELIVERIES, DeliveryState.RETURNED})
"""What was given back and not sent on still has deadlines: ops must see to it."""


class AlarmBatch:
    """Deliveries and referrals with due alarms that this transaction alone may ring."""

    def __init__(self, connection: Connection, watched: Sequence[Watched]) -> None:
        self._connection = connection
        self.watched = watched

    def ring(self, rung: Sequence[FiredAlarm], *, now: datetime) -> list[FiredAlarm]:
        """Write alarms with their events and ladders; return those that had not rung before."""
        if not rung:
            return []
        fresh = rows(self._connection, "alarms/ring", {**_rung_columns(rung), "now": now})
        return [rung[row["place"] - 1] for row in fresh]

    def plan(self, next_at: Mapping[UUID, datetime | None], *, now: datetime) -> None:
        """Write when the next alarm of each subject is due."""
        asked = {"ids": list(next_at), "next": list(next_at.values()), "now": now}
        rows(self._connection, "alarms/plan_alarms", asked)

    def notify(self, notices: Sequence[NewNotice], *, now: datetime) -> None:
        """Write what is to be told."""
        _add_notices(self._connection, notices, now)


class StepBatch:
    """Escalations whose next step this transaction alone may take."""

    def __init__(self, connection: Connection, steps: Sequence[DueStep]) -> None:
        self._connection = connection
        self.steps = steps

    def climb(self, climbed: Sequence[EscalationStep], *, now: datetime) -> None:
        """Write the steps that are taken, with their events."""
        if not climbed:
            return
        columns = {
            "ids": [one.of.id for one in climbed],
            "before": [one.of.step for one in climbed],
            "after": [one.of.step + 1 for one in climbed],
            "next": [one.next_step_at for one in climbed],
            "publishers": [one.of.publisher for one in climbed],
            "data": [json_text(one.data) for one in climbed],
        }
        rows(self._connection, "alarms/climb", {**columns, "now": now})

    def end(self, ids: Sequence[EscalationId], *, because: str, now: datetime) -> None:
        """End escalations that have nothing left to escalate."""
        if ids:
            asked = {"ids": list(ids), "because": because, "now": now}
            rows(self._connection, "alarms/end_escalations", asked)

    def notify(self, notices: Sequence[NewNotice], *, now: datetime) -> None:
        """Write what is to be told."""
        _add_notices(self._connection, notices, now)


class Alarms(Part):
    """Alarms, escalations and notices."""

    @contextmanager
    def claim_alarms(self, limit: int, *, now: datetime) -> Iterator[AlarmBatch]:
        """Claim deliveries whose next alarm is due."""
        with self._transaction() as connection:
            found = rows(connection, "alarms/claim_alarms", {"limit": limit, "now": now})
            yield AlarmBatch(connection, [_delivery(row) for row in found])

    @contextmanager
    def claim_attention(self, limit: int, *, now: datetime) -> Iterator[AlarmBatch]:
        """Claim unroutable referrals whose next alarm is due."""
        with self._transaction() as connection:
            found = rows(connection, "alarms/claim_attention", {"limit": limit, "now": now})
            yield AlarmBatch(connection, [_referral(row) for row in found])

    @contextmanager
    def claim_steps(self, limit: int, *, now: datetime) -> Iterator[StepBatch]:
        """Claim escalations whose next step is due."""
        with self._transaction() as connection:
            found = rows(connection, "alarms/claim_steps", {"limit": limit, "now": now})
            yield StepBatch(connection, [DueStep(**row) for row in found])

    def acknowledge_escalation(
        self,
        id_: EscalationId,
        *,
        whose: OrganisationCode | None,
        by: str,
        actor: str,
        now: datetime,
    ) -> Escalation | None:
        """Note that a person sees to it, which ends the climbing; the first one counts.

        ``whose`` is the agency or publisher that may do so, or None for ops. Returns the
        escalation as it is afterwards, or None when there is none that the caller may see.
        """
        asked = {"id": id_, "whose": whose, "by": by, "actor": actor, "now": now}
        with self._transaction() as connection:
            rows(connection, "alarms/acknowledge_escalation", asked)
            found = rows(connection, "alarms/escalations", {**_ASKED, "id": id_, "whose": whose})
            return Escalation(**found[0]) if found else None

    def escalations(
        self,
        whose: OrganisationCode | None,
        *,
        referral: UUID | None = None,
        running: bool = True,
        limit: int = 200,
    ) -> list[Escalation]:
        """Return escalations of an agency's or publisher's, or all; the earliest begun first."""
        asked = {"whose": whose, "referral": referral, "running": running, "limit": limit}
        return [Escalation(**row) for row in self._rows("alarms/escalations", {**_ASKED, **asked})]

    def claim_notices(
        self, limit: int, *, lease: LeaseId, lease_for: timedelta, now: datetime
    ) -> list[DueNotice]:
        """Lease notices that are to be sent now."""
        asked = {"limit": limit, "lease": lease, "until": now + lease_for, "now": now}
        return [_notice(row) for row in self._rows("alarms/claim_notices", asked)]

    def settle_notices(
        self, results: Sequence[NoticeResult], *, lease: LeaseId, now: datetime
    ) -> int:
        """Write what came of notices; one whose lease was lost changes nothing."""
        columns = {
            "ids": [result.id for result in results],
            "states": [result.state for result in results],
            "next": [result.next_attempt_at for result in results],
            "codes": [result.code for result in results],
        }
        return len(self._rows("alarms/settle_notices", {**columns, "lease": lease, "now": now}))


_ASKED: Mapping[str, Any] = {
    "id": None,
    "whose": None,
    "referral": None,
    "running": False,
    "limit": 200,
}


def _delivery(row: Row) -> Watched:
    stood = tuple(Span(start, end) for start, end in row["stood"])
    deadlines = row["deadlines"] if row["state"] in _ALARMED else ()
    running = [
        _clock(deadline, stood)
        for deadline in deadlines
        if row[_MET[deadline["milestone"]]] is None and not _stands(deadline, row)
    ]
    return Watched(
        referral=row["referral"],
        delivery=row["delivery"],
        agency=row["agency"],
        publisher=row["publisher"],
        state=row["state"],
        policy_version=row["policy_version"],
        effective_grade=row["effective_grade"],
        clocks=running,
        rung=_rang(row),
    )


def _stands(deadline: Mapping[str, Any], row: Row) -> bool:
    return row["paused_at"] is not None and deadline.get("may_pause", False)


def _clock(written: Mapping[str, Any], stood: tuple[Span, ...]) -> RunningClock:
    return RunningClock(
        written["milestone"],
        Within.parse(written["within"]).unit,
        _instant(written["start"]),
        _instant(written["due_at"]),
        stood if written.get("may_pause") else (),
        _instant(written["first_due_at"]) if "first_due_at" in written else None,
    )


def _referral(row: Row) -> Watched:
    waits = row["state"] == ReferralState.UNROUTABLE
    return Watched(
        referral=row["referral"],
        delivery=None,
        agency=None,
        publisher=row["publisher"],
        state=row["state"],
        policy_version=row["policy_version"],
        effective_grade=None,
        clocks=[attending(row["accepted_at"], row["attend_by"])] if waits else (),
        rung=_rang(row),
    )


def _rang(row: Row) -> frozenset[tuple[str, int, datetime]]:
    return frozenset((milestone, percent, _instant(at)) for milestone, percent, at in row["rung"])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _rung_columns(rung: Sequence[FiredAlarm]) -> dict[str, list[Any]]:
    return {
        "referrals": [one.of.referral for one in rung],
        "deliveries": [one.of.delivery for one in rung],
        "publishers": [one.of.publisher for one in rung],
        "agencies": [one.of.agency for one in rung],
        "milestones": [one.ring.milestone for one in rung],
        "percents": [one.ring.percent for one in rung],
        "planned": [one.ring.planned_at for one in rung],
        "due": [one.ring.due_at for one in rung],
        "escalations": [one.escalation for one in rung],
        "owners": [one.owner for one in rung],
        "ladders": [one.ladder for one in rung],
        "policies": [one.of.policy_version for one in rung],
        "steps": [one.next_step_at for one in rung],
    }


def _add_notices(connection: Connection, notices: Sequence[NewNotice], now: datetime) -> None:
    if not notices:
        return
    columns = {
        "ids": [notice.id for notice in notices],
        "kinds": [notice.kind for notice in notices],
        "organisations": [notice.organisation for notice in notices],
        "contacts": [str(notice.contact) for notice in notices],
        "channels": [str(notice.channel) for notice in notices],
        "referrals": [notice.referral for notice in notices],
        "deliveries": [notice.delivery for notice in notices],
        "escalations": [notice.escalation for notice in notices],
        "data": [json_text(notice.data) for notice in notices],
    }
    rows(connection, "alarms/add_notices", {**columns, "now": now})


def _notice(row: Row) -> DueNotice:
    known = {"contact": Contact(row["contact"]), "channel": NoticeChannel(row["channel"])}
    return DueNotice(**{**row, **known})
