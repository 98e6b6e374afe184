"""Tasks for ops: routing or a refusal opens them, a person or what follows settles them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.domain.ids import OrganisationCode, ReferralId, TaskId
from broker.domain.referral import Refusal
from broker.domain.task import (
    REFUSED,
    UNJUDGED,
    NewTask,
    OpenTask,
    RefusalTask,
    TaskCounts,
)
from broker.ledger.database import Connection, Part, rows
from broker.ledger.operator_actions import ActionContext, keep_act
from broker.policy.decision import Decision, Postponed, Unrouted, Withdrawn

NO_LONGER, CORRECTED, RECALLED, BY_A_PERSON = "no_longer", "corrected", "recalled", "settled"
"""Why a task was settled: it holds no longer, or who settled it."""
BROKER = "broker"
MOST_REFUSED = 200
"""Open tasks about refused bodies of one publisher; the list of refusals has them all."""


class Tasks(Part):
    """Tasks that nobody has settled."""

    def tasks(
        self, *, referral: ReferralId | None = None, id: TaskId | None = None, limit: int
    ) -> list[OpenTask]:
        """Return the open tasks, of one referral or the one with this id, soonest due first."""
        params = {"referral": referral, "id": id, "limit": limit}
        return [OpenTask(**row) for row in self._rows("tasks/tasks", params)]

    def settle(self, id_: TaskId, action: ActionContext) -> bool:
        """Settle a task because a person has seen to it; False when it is not open."""
        with self._transaction() as connection:
            settled = settle_tasks(
                connection, [id_], because=action.reason, by=action.by, now=action.now
            )
            for row in settled:
                if row["referral"] is not None:
                    keep_act(connection, "referral.task_settled", action, referral=row["referral"])
            return bool(settled)

    def counts(self, *, now: datetime) -> TaskCounts:
        """Return how many tasks are open, and how many of them are overdue."""
        return TaskCounts(**self._rows("tasks/counts", {"now": now})[0])


def settle_tasks(
    connection: Connection,
    ids: Sequence[UUID],
    *,
    because: str,
    by: str = BROKER,
    now: datetime,
) -> list[dict[str, Any]]:
    """Settle tasks and end their escalations; return which ones were open."""
    if not ids:
        return []
    code = because if by == BROKER else BY_A_PERSON
    params = {"ids": list(ids), "by": by, "because": because, "because_code": code, "now": now}
    return rows(connection, "tasks/settle_tasks", params)


def write_tasks(
    connection: Connection,
    decisions: Sequence[Decision],
    referrals: Sequence[Unrouted],
    *,
    now: datetime,
    actor: str,
) -> None:
    """Open what these decisions leave to ops, and settle what no longer holds since them."""
    before = {referral.id: referral for referral in referrals}
    judged = [decision for decision in decisions if not isinstance(decision, Postponed)]
    wanted = _wanted(judged, before)
    with_tasks = [decision for decision in judged if before[decision.id].has_tasks]
    recalled = [decision.id for decision in with_tasks if isinstance(decision, Withdrawn)]
    others = [decision.id for decision in with_tasks if not isinstance(decision, Withdrawn)]
    if recalled:
        over = _over_tasks(connection, recalled, wanted)
        settle_tasks(connection, over, because=RECALLED, now=now)
    if others:
        over = _over_tasks(connection, others, wanted, unjudged=UNJUDGED)
        settle_tasks(connection, over, because=NO_LONGER, now=now)
    open_tasks(connection, wanted, now=now, actor=actor)


def _over_tasks(
    connection: Connection,
    judged: Sequence[ReferralId],
    wanted: Sequence[NewTask],
    *,
    unjudged: Sequence[str] = (),
) -> list[UUID]:
    """Return the open tasks of these referrals but for the wanted ones and those of some codes."""
    params = {"judged": judged, "unjudged": list(unjudged), **_keys(wanted)}
    return [row["id"] for row in rows(connection, "tasks/over_tasks", params)]


def open_tasks(
    connection: Connection, wanted: Sequence[NewTask], *, now: datetime, actor: str
) -> None:
    """Open tasks about referrals; one that is open already stays as it is."""
    if not wanted:
        return
    columns = {
        **_keys(wanted),
        "publishers": [new.publisher for new in wanted],
        "references": [new.reference for new in wanted],
        "versions": [new.version for new in wanted],
        "messages": [new.task.message for new in wanted],
        "grades": [str(new.deadline.grade) for new in wanted],
        "due": [new.deadline.due_at for new in wanted],
        "alarms": [new.deadline.next_alarm_at for new in wanted],
        "policies": [new.policy_version for new in wanted],
    }
    rows(connection, "tasks/open_tasks", {**columns, "now": now, "actor": actor})


def open_refusals(connection: Connection, refusals: Sequence[tuple[Refusal, RefusalTask]]) -> None:
    """Open tasks about bodies that were refused, unless one about the same is open already."""
    if not refusals:
        return
    columns = {
        "publishers": [refusal.publisher for refusal, _ in refusals],
        "references": [task.reference for _, task in refusals],
        "digests": [_subject(refusal, task) for refusal, task in refusals],
        "messages": [task.message for _, task in refusals],
        "grades": [str(task.deadline.grade) for _, task in refusals],
        "policies": [task.policy_version for _, task in refusals],
        "opened": [refusal.at for refusal, _ in refusals],
        "due": [task.deadline.due_at for _, task in refusals],
        "alarms": [task.deadline.next_alarm_at for _, task in refusals],
    }
    rows(connection, "tasks/open_refusals", {**columns, "code": REFUSED, "most": MOST_REFUSED})


def _subject(refusal: Refusal, task: RefusalTask) -> bytes:
    """Return what a task is about: one body, or without a reference every one with this fault."""
    is_single = task.reference is not None
    return refusal.digest if is_single else hashlib.sha256(refusal.reason.encode()).digest()


def settle_refused(
    connection: Connection, publisher: OrganisationCode, reference: str, *, now: datetime
) -> None:
    """Settle the tasks about bodies that were refused under a reference: a good one came."""
    over = _refused_tasks(connection, publisher, reference)
    settle_tasks(connection, over, because=CORRECTED, now=now)


def _refused_tasks(
    connection: Connection, publisher: OrganisationCode, reference: str
) -> list[UUID]:
    params = {"publisher": publisher, "reference": reference}
    return [row["id"] for row in rows(connection, "tasks/refused_tasks", params)]


def _wanted(decisions: Sequence[Decision], before: Mapping[ReferralId, Unrouted]) -> list[NewTask]:
    return [
        NewTask(
            task,
            decision.id,
            before[decision.id].publisher,
            before[decision.id].reference,
            before[decision.id].version,
            decision.tasks_due,
            decision.policy_version,
        )
        for decision in decisions
        if not isinstance(decision, Withdrawn | Postponed) and decision.tasks_due
        for task in decision.tasks
    ]


def _keys(wanted: Sequence[NewTask]) -> dict[str, list[Any]]:
    """Return by what an open task is known: there is one for a place and a code."""
    return {
        "referrals": [new.referral for new in wanted],
        "codes": [new.task.code for new in wanted],
        "pointers": [new.task.pointer for new in wanted],
    }
