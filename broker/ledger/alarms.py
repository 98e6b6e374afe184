"""Alarms that are due, escalations and their steps, and notices to be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from broker.domain.codes import Contact, NoticeChannel
from broker.domain.escalation import (
    Acknowledgement,
    DueStep,
    Escalation,
    EscalationStep,
    TakenOn,
)
from broker.domain.ids import (
    EscalationId,
    LeaseId,
    NoticeId,
    OrganisationCode,
    ReferralId,
    TaskId,
)
from broker.domain.notice import (
    DueNotice,
    ListedNotice,
    NewNotice,
    NoticeJudgement,
    NoticeResult,
)
from broker.domain.states import OPEN_DELIVERIES, DeliveryState, ReferralState
from broker.ledger.database import Connection, Part, Row, json_text, rows
from broker.ledger.deliveries import met_times
from broker.ledger.operator_actions import ActionContext
from broker.policy.monitoring.alarm_records import (
    FiredAlarm,
    Watched,
)
from broker.policy.monitoring.alarms import RunningClock, attending
from broker.policy.time.deadlines import Span, Within

NOT_OFFERED = "not_offered"
"""Why a notice waits that its channel was not given: its agency is not offered what it is about."""
_ALARMED = frozenset({*OPEN_DELIVERIES, DeliveryState.RETURNED})
"""What was returned and not redirected still has deadlines: ops must find an agency."""


class AlarmBatch:
    """Deliveries, referrals and tasks with due alarms, which this transaction has locked."""

    def __init__(self, connection: Connection, watched: Sequence[Watched]) -> None:
        self._connection = connection
        self.watched = watched

    def fire_alarms(self, fired: Sequence[FiredAlarm], *, now: datetime) -> list[FiredAlarm]:
        """Write alarms with their events, and the escalations that breaches start.

        Returns those that had not fired before.
        """
        if not fired:
            return []
        fresh = rows(self._connection, "alarms/fire_alarms", {**_alarm_columns(fired), "now": now})
        return [fired[row["place"] - 1] for row in fresh]

    def plan_alarms(self, next_at: Mapping[UUID, datetime | None], *, now: datetime) -> None:
        """Write when the next alarm of each subject is due."""
        params = {"ids": list(next_at), "next": list(next_at.values()), "now": now}
        rows(self._connection, "alarms/plan_alarms", params)

    def add_notices(self, notices: Sequence[NewNotice], *, now: datetime) -> None:
        """Write notices that are to be sent."""
        add_notices(self._connection, notices, now)


class StepBatch:
    """Escalations whose next step is due, which this transaction has locked."""

    def __init__(self, connection: Connection, steps: Sequence[DueStep]) -> None:
        self._connection = connection
        self.steps = steps

    def advance_escalations(self, steps: Sequence[EscalationStep], *, now: datetime) -> None:
        """Write the steps that are taken, with their events."""
        if not steps:
            return
        columns = {
            "ids": [step.of.id for step in steps],
            "before": [step.of.step for step in steps],
            "after": [step.of.step + 1 for step in steps],
            "next": [step.next_step_at for step in steps],
            "publishers": [step.of.publisher for step in steps],
            "data": [json_text(step.data) for step in steps],
        }
        rows(self._connection, "alarms/advance_escalations", {**columns, "now": now})

    def end_escalations(self, ids: Sequence[EscalationId], *, because: str, now: datetime) -> None:
        """End escalations that have nothing left to escalate."""
        if ids:
            params = {"ids": list(ids), "because": because, "now": now}
            rows(self._connection, "alarms/end_escalations", params)

    def add_notices(self, notices: Sequence[NewNotice], *, now: datetime) -> None:
        """Write notices that are to be sent."""
        add_notices(self._connection, notices, now)


class Alarms(Part):
    """Alarms, escalations and notices."""

    @contextmanager
    def claim_alarms(self, limit: int, *, now: datetime) -> Iterator[AlarmBatch]:
        """Claim deliveries whose next alarm is due."""
        with self._transaction() as connection:
            due = rows(connection, "alarms/claim_alarms", {"limit": limit, "now": now})
            yield AlarmBatch(connection, [_delivery(row) for row in due])

    @contextmanager
    def claim_attention(self, limit: int, *, now: datetime) -> Iterator[AlarmBatch]:
        """Claim unroutable referrals whose next alarm is due."""
        with self._transaction() as connection:
            due = rows(connection, "alarms/claim_attention", {"limit": limit, "now": now})
            yield AlarmBatch(connection, [_referral(row) for row in due])

    @contextmanager
    def claim_tasks(self, limit: int, *, now: datetime) -> Iterator[AlarmBatch]:
        """Claim open tasks whose next alarm is due."""
        with self._transaction() as connection:
            due = rows(connection, "alarms/claim_tasks", {"limit": limit, "now": now})
            yield AlarmBatch(connection, [_task(row) for row in due])

    @contextmanager
    def claim_steps(self, limit: int, *, now: datetime) -> Iterator[StepBatch]:
        """Claim escalations whose next step is due."""
        with self._transaction() as connection:
            due = rows(connection, "alarms/claim_steps", {"limit": limit, "now": now})
            yield StepBatch(connection, [DueStep(**row) for row in due])

    def acknowledge_escalation(
        self,
        id_: EscalationId,
        action: ActionContext,
        taken: TakenOn,
        *,
        visible_to: OrganisationCode | None = None,
    ) -> Acknowledgement | None:
        """Stop an escalation for a time because a person deals with it; the first one counts.

        Who was asked to take it over may. ``visible_to`` is the agency or publisher that may do so,
        or None for ops. An agency stops only the steps that address itself. Returns the escalation
        as it is afterwards, or None when there is none that the caller may see.
        """
        params = {"id": id_, "visible_to": visible_to}
        with self._transaction() as connection:
            changed = rows(
                connection,
                "alarms/acknowledge_escalation",
                {**params, **asdict(taken), **action.parameters()},
            )
            escalations = _escalations(connection, **params, running=False)
            return Acknowledgement(escalations[0], bool(changed)) if escalations else None

    def release_escalation(self, id_: EscalationId, action: ActionContext) -> bool:
        """Alert people again; False where nobody deals with the escalation."""
        return bool(self._rows("alarms/release_escalation", {"id": id_, **action.parameters()}))

    def offer_escalation(
        self, id_: EscalationId, action: ActionContext, *, to: str, owner: str | None = None
    ) -> bool:
        """Ask somebody to take an escalation over; False where ``owner`` does not deal with it.

        ``owner`` is who acts, unless an act through a key names another person.
        """
        params = {"id": id_, "to": to, "owner": owner or action.by, **action.parameters()}
        return bool(self._rows("alarms/offer_escalation", params))

    def reopen_escalations(self, limit: int, *, now: datetime) -> int:
        """Alert people again where the time is over for which somebody dealt with it."""
        return len(self._rows("alarms/reopen_escalations", {"limit": limit, "now": now}))

    def escalations(
        self,
        *,
        visible_to: OrganisationCode | None = None,
        agency: OrganisationCode | None = None,
        referral: ReferralId | None = None,
        id: EscalationId | None = None,
        limit: int = 200,
    ) -> list[Escalation]:
        """Return the escalations that have not ended, those that nobody acknowledged first.

        All of them; or those that an organisation may see, of one agency or of one referral, or
        the one with this id.
        """
        with self._transaction() as connection:
            return _escalations(
                connection,
                visible_to=visible_to,
                agency=agency,
                referral=referral,
                id=id,
                limit=limit,
            )

    def escalation(self, id_: EscalationId) -> Escalation | None:
        """Return one escalation, also one that has ended; None where there is none."""
        with self._transaction() as connection:
            escalations = _escalations(connection, id=id_, running=False, limit=1)
            return escalations[0] if escalations else None

    def claim_notices(
        self,
        limit: int,
        *,
        lease: LeaseId,
        lease_for: timedelta,
        now: datetime,
        kinds: Sequence[str] | None = None,
    ) -> list[DueNotice]:
        """Lease notices that are to be sent now: all, or those of some kinds."""
        params = {"limit": limit, "lease": lease, "until": now + lease_for, "now": now}
        params["kinds"] = list(kinds) if kinds is not None else None
        return [_notice(row) for row in self._rows("alarms/claim_notices", params)]

    def judge_notice(self, id_: NoticeId, *, now: datetime) -> NoticeJudgement:
        """Return whether a notice that may have waited has anything to tell still."""
        return NoticeJudgement(**self._rows("alarms/judge_notice", {"id": id_, "now": now})[0])

    def settle_notices(
        self, results: Sequence[NoticeResult], *, lease: LeaseId, now: datetime
    ) -> int:
        """Write the result of each notice with its event; a lost lease changes nothing.

        Where no notice of an escalation's latest step reached anybody, its next step is due at
        once. Returns how many were written.
        """
        columns = {
            "ids": [result.id for result in results],
            "states": [str(result.state) for result in results],
            "next": [result.next_attempt_at for result in results],
            "codes": [result.code for result in results],
        }
        params = {"lease": lease, "now": now, "not_offered": NOT_OFFERED}
        return len(self._rows("alarms/settle_notices", {**columns, **params}))

    def notices(
        self,
        *,
        state: str | None = None,
        referral: ReferralId | None = None,
        limit: int,
    ) -> list[ListedNotice]:
        """Return notices, those of one state or referral, the latest first."""
        params = {"state": state, "referral": referral, "limit": limit}
        return [ListedNotice(**row) for row in self._planned("alarms/notices", params)]


def _escalations(connection: Connection, **params: Any) -> list[Escalation]:
    """Select escalations; planned for these values, so that a long history is not read."""
    everything = {"id": None, "referral": None, "agency": None, "visible_to": None}
    defaults = {**everything, "running": True, "limit": 200}
    selected = rows(connection, "alarms/escalations", {**defaults, **params}, prepare=False)
    return [Escalation(**row) for row in selected]


def _delivery(row: Row) -> Watched:
    pauses = tuple(Span(start, end) for start, end in row["pauses"])
    deadlines = row["deadlines"] if row["state"] in _ALARMED else ()
    met = met_times(row)
    running = [
        _clock(deadline, pauses)
        for deadline in deadlines
        if deadline["milestone"] not in met and not _is_paused(deadline, row)
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
        fired=_fired_before(row),
        stands_in_for=row["stands_in_for"],
        escalated_since={name: _instant(at) for name, at in row["escalated_since"].items()},
    )


def _is_paused(deadline: Mapping[str, Any], row: Row) -> bool:
    return row["paused_at"] is not None and deadline.get("may_pause", False)


def _clock(deadline: Mapping[str, Any], pauses: tuple[Span, ...]) -> RunningClock:
    return RunningClock(
        deadline["milestone"],
        Within.parse(deadline["within"]).unit,
        _instant(deadline["start"]),
        _instant(deadline["due_at"]),
        pauses if deadline.get("may_pause") else (),
        _instant(deadline["first_due_at"]) if "first_due_at" in deadline else None,
    )


def _referral(row: Row) -> Watched:
    waits = row["state"] == ReferralState.UNROUTABLE
    return _attended(row, [attending(row["accepted_at"], row["attend_by"])] if waits else ())


def _task(row: Row) -> Watched:
    return _attended(row, [attending(row["opened_at"], row["due_at"])], task=row["task"])


def _attended(row: Row, clocks: Sequence[RunningClock], *, task: TaskId | None = None) -> Watched:
    """Return what the broker's own people attend to, by these clocks."""
    return Watched(
        referral=row["referral"],
        delivery=None,
        agency=None,
        publisher=row["publisher"],
        state=row["state"],
        policy_version=row["policy_version"],
        effective_grade=None,
        clocks=clocks,
        fired=_fired_before(row),
        task=task,
    )


def _fired_before(row: Row) -> frozenset[tuple[str, int, datetime]]:
    return frozenset((milestone, percent, _instant(at)) for milestone, percent, at in row["fired"])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _alarm_columns(fired: Sequence[FiredAlarm]) -> dict[str, list[Any]]:
    return {
        "referrals": [alarm.of.referral for alarm in fired],
        "deliveries": [alarm.of.delivery for alarm in fired],
        "tasks": [alarm.of.task for alarm in fired],
        "publishers": [alarm.of.publisher for alarm in fired],
        "agencies": [alarm.of.agency for alarm in fired],
        "milestones": [alarm.ring.milestone for alarm in fired],
        "percents": [alarm.ring.percent for alarm in fired],
        "planned": [alarm.ring.planned_at for alarm in fired],
        "due": [alarm.ring.due_at for alarm in fired],
        "escalations": [alarm.escalation for alarm in fired],
        "owners": [alarm.owner for alarm in fired],
        "ladders": [alarm.ladder for alarm in fired],
        "policies": [alarm.of.policy_version for alarm in fired],
        "steps": [alarm.next_step_at for alarm in fired],
        "began": [alarm.began_at for alarm in fired],
    }


def add_notices(connection: Connection, notices: Sequence[NewNotice], now: datetime) -> None:
    """Write, in this transaction, notices that are to be sent after it."""
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
        "members": [notice.member for notice in notices],
    }
    rows(connection, "alarms/add_notices", {**columns, "now": now})


def _notice(row: Row) -> DueNotice:
    known = {"contact": Contact(row["contact"]), "channel": NoticeChannel(row["channel"])}
    return DueNotice(**{**row, **known})
