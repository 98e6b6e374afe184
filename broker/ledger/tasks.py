"""Tasks for ops: opened by routing or by a refused body, settled by a person or by what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.domain.ids import OrganisationCode, ReferralId, TaskId
from broker.domain.task import OpenTask, RefusalTask, Task, TaskCounts, TaskDeadline
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
    reopened = [decision for decision in judged if before[decision.id].has_tasks]
    columns = _columns(wanted)
    for withdrawn in (True, False):
        ids = [each.id for each in reopened if isinstance(each, Withdrawn) is withdrawn]
        if ids:
            because = RECALLED if withdrawn else NO_LONGER
            settle_tasks(
                connection, _over_tasks(connection, ids, columns), because=because, now=now
            )
    if wanted:
        _open_tasks(connection, columns, now=now, actor=actor)


def _over_tasks(
    connection: Connection, judged: Sequence[ReferralId], wanted: Mapping[str, list[Any]]
) -> list[UUID]:
    keys = {name: wanted[name] for name in ("referrals", "codes", "pointers")}
    return [row["id"] for row in rows(connection, "tasks/over_tasks", {"judged": judged, **keys})]


def _open_tasks(
    connection: Connection, wanted: Mapping[str, list[Any]], *, now: datetime, actor: str
) -> None:
    rows(connection, "tasks/open_tasks", {**wanted, "now": now, "actor": actor})


def open_refusal(
    connection: Connection,
    publisher: OrganisationCode,
    task: RefusalTask,
    *,
    code: str,
    digest: bytes,
    now: datetime,
) -> None:
    """Open a task about a body that was refused, unless one about it is open already."""
    params = {
        "publisher": publisher,
        "reference": task.reference,
        "digest": digest,
        "code": code,
        "message": task.message,
        "grade": str(task.deadline.grade),
        "policy": task.policy_version,
        "due": task.deadline.due_at,
        "alarm": task.deadline.next_alarm_at,
        "most": MOST_REFUSED,
    }
    rows(connection, "tasks/open_refusal", {**params, "now": now})


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


def _wanted(
    decisions: Sequence[Decision], before: Mapping[ReferralId, Unrouted]
) -> list[tuple[Unrouted, Task, TaskDeadline, str | None]]:
    return [
        (before[decision.id], task, decision.tasks_due, decision.policy_version)
        for decision in decisions
        if not isinstance(decision, Withdrawn | Postponed) and decision.tasks_due
        for task in decision.tasks
    ]


def _columns(
    wanted: Sequence[tuple[Unrouted, Task, TaskDeadline, str | None]],
) -> dict[str, list[Any]]:
    return {
        "referrals": [referral.id for referral, *_ in wanted],
        "publishers": [referral.publisher for referral, *_ in wanted],
        "references": [referral.reference for referral, *_ in wanted],
        "versions": [referral.version for referral, *_ in wanted],
        "codes": [task.code for _, task, *_ in wanted],
        "pointers": [task.pointer for _, task, *_ in wanted],
        "messages": [task.message for _, task, *_ in wanted],
        "grades": [str(due.grade) for *_, due, _ in wanted],
        "due": [due.due_at for *_, due, _ in wanted],
        "alarms": [due.next_alarm_at for *_, due, _ in wanted],
        "policies": [policy for *_, policy in wanted],
    }
