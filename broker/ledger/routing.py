"""Referrals that wait for routing, and what was decided about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from functools import singledispatch
from typing import Any
from uuid import UUID

from broker.domain.codes import Milestone
from broker.domain.delivery import NewDelivery
from broker.domain.ids import ReferralId
from broker.domain.states import ReferralState
from broker.errors import Fault
from broker.ledger.clock_pauses import (
    ClockBatch,
    awaiting_information,
    end_over_escalations,
)
from broker.ledger.database import Connection, Part, Row, json_text, rows
from broker.ledger.links import link
from broker.ledger.operator_actions import ActionContext, expect_version, keep_act
from broker.ledger.pseudonyms import earlier_occurrences, flag_recurrence, record_occurrences
from broker.ledger.queries import content
from broker.ledger.question_closings import close_questions
from broker.ledger.revisions import History, histories, write_revisions
from broker.ledger.tasks import write_tasks
from broker.policy.decision import (
    Decision,
    Postponed,
    Rejected,
    Revised,
    Routed,
    Unroutable,
    Unrouted,
    Verdict,
    Withdrawn,
)
from broker.policy.monitoring.recurrence import EarlierReferral, Occurrence, Recurrence

_COLUMNS = (
    "state",
    "kind",
    "grade",
    "effective_grade",
    "first_known_at",
    "policy_version",
    "directory_version",
    "reason",
    "attend_by",
    "next_alarm_at",
    "next_attempt_at",
    "faults",
    "defects",
    "warnings",
    "profile",
    "data",
)


class RouteBatch:
    """Referrals that this transaction has locked to decide about them."""

    def __init__(self, connection: Connection, referrals: Sequence[Unrouted]) -> None:
        self._connection = connection
        self.referrals = referrals

    def earlier_occurrences(
        self, occurrences: Sequence[Occurrence], rule: Recurrence
    ) -> Mapping[tuple[UUID, str], list[EarlierReferral]]:
        """Return earlier occurrences of these children, by referral and local id.

        Until the commit no other transaction may count a child with one of these pseudonyms.
        """
        return earlier_occurrences(self._connection, occurrences, rule)

    def settle(self, decisions: Sequence[Decision], *, now: datetime, actor: str) -> None:
        """Write what was decided: states, deliveries, reasons, events and occurrences."""
        if not decisions:
            return
        changed = _settle_referrals(self._connection, decisions, now=now, actor=actor)
        effective = [decision for decision in decisions if decision.id in changed]
        publishers = {referral.id: referral.publisher for referral in self.referrals}
        new = [
            (decision.id, publishers[decision.id], delivery)
            for decision in effective
            if isinstance(decision, Routed | Revised | Withdrawn)
            for delivery in decision.deliveries
        ]
        revised = [decision for decision in effective if isinstance(decision, Revised)]
        write_revisions(self._connection, revised, publishers, now=now, actor=actor)
        insert_deliveries(self._connection, new, now=now, actor=actor)
        routed = [decision for decision in effective if isinstance(decision, Routed)]
        occurrences = [seen for decision in routed for seen in decision.occurrences]
        record_occurrences(self._connection, occurrences)
        recurring = [child for decision in routed for child in decision.recurring]
        flag_recurrence(self._connection, recurring, now=now, actor=actor)
        link(self._connection, effective, now=now, actor=actor)
        write_tasks(self._connection, effective, self.referrals, now=now, actor=actor)
        self._end_escalations(changed, now=now, actor=actor)
        revised_again = sorted({decision.id for decision in revised}.intersection(changed))
        close_questions(self._connection, revised_again, now=now, actor=actor)

    def awaiting_information(self, referrals: Sequence[ReferralId]) -> Iterator[ClockBatch]:
        """Yield the clocks of referrals that are paused until the publisher says more."""
        return awaiting_information(self._connection, referrals)

    def _end_escalations(self, changed: set[ReferralId], *, now: datetime, actor: str) -> None:
        """End escalations of what has an agency, other deadlines or no deliveries any more."""
        before = [
            referral.id
            for referral in self.referrals
            if referral.state is not ReferralState.ACCEPTED
        ]
        if over := sorted(changed.intersection(before)):
            end_over_escalations(self._connection, over, now=now, actor=actor)


class Routing(Part):
    """Referrals that wait for routing."""

    def claim_unrouted(self, limit: int, *, now: datetime) -> AbstractContextManager[RouteBatch]:
        """Claim referrals that are due; a transaction that does not finish frees them again."""
        return self._claim_unrouted({"limit": limit, "since": None, "until": now, "ids": None})

    def begin_routing(
        self, ids: Sequence[ReferralId], *, now: datetime, until: datetime
    ) -> Sequence[ReferralId]:
        """Write that an attempt at these referrals begins, and reserve them for a time.

        Returns those of them that are still due.
        """
        params = {"ids": list(ids), "now": now, "until": until}
        return [row["id"] for row in self._rows("routing/begin_routing", params)]

    def leave_routing(self, ids: Sequence[ReferralId], *, now: datetime, until: datetime) -> None:
        """Undo ``begin_routing``: the attempt did not crash the process."""
        self._rows("routing/leave_routing", {"ids": list(ids), "now": now, "until": until})

    def claim_begun(
        self, ids: Sequence[ReferralId], *, until: datetime
    ) -> AbstractContextManager[RouteBatch]:
        """Claim the referrals that ``begin_routing`` reserved until exactly this instant."""
        return self._claim_unrouted(
            {"limit": len(ids), "since": until, "until": until, "ids": list(ids)}
        )

    @contextmanager
    def _claim_unrouted(self, params: Mapping[str, Any]) -> Iterator[RouteBatch]:
        with self._transaction() as connection:
            yield _claim_unrouted(connection, params)

    def give_areas(
        self,
        referral: ReferralId,
        areas: Mapping[str, str],
        action: ActionContext,
        *,
        check: Callable[[bytes | None], None],
    ) -> bool:
        """Add areas to an unroutable referral and make it due; False when it is not unroutable.

        ``areas`` maps a person's local id to an area's code. ``check`` is called with the newest
        version, which no correction can follow before the commit; what it raises changes nothing.
        Raises Conflict where the referral was corrected since the version that is expected.
        """
        params = {"referral": referral, "actor": action.by, "now": action.now}
        with self._transaction() as connection:
            areas_given = {**params, "areas": json_text(dict(areas))}
            if not rows(connection, "routing/give_areas", areas_given):
                return False
            expect_version(connection, action.expected_version, referral=referral)
            check(content(connection, referral))
            keep_act(connection, "referral.areas_given", action, referral=referral)
            return True

    def retry_routing(self, referral: ReferralId, action: ActionContext) -> bool:
        """Make an unroutable or rejected referral due as it is; False when it is neither."""
        params = {"referral": referral, "actor": action.by, "now": action.now}
        with self._transaction() as connection:
            if not rows(connection, "routing/retry_routing", params):
                return False
            keep_act(connection, "referral.rerouted", action, referral=referral)
            return True


def claim_recalled(connection: Connection, referral: ReferralId, *, now: datetime) -> RouteBatch:
    """Return a referral that this transaction has recalled, with what its agencies were given."""
    params = {"limit": 1, "since": now, "until": now, "ids": [referral]}
    return _claim_unrouted(connection, params)


def _claim_unrouted(connection: Connection, params: Mapping[str, Any]) -> RouteBatch:
    due = rows(connection, "routing/claim_unrouted", params)
    earlier = histories(connection, [row["id"] for row in due if row["was_routed"]])
    return RouteBatch(connection, [_unrouted(row, earlier) for row in due])


def insert_deliveries(
    connection: Connection,
    new: Sequence[tuple[ReferralId, str, NewDelivery]],
    *,
    now: datetime,
    actor: str,
) -> None:
    """Write new deliveries, each with its referral and publisher, their reasons and events."""
    if not new:
        return
    deliveries = [delivery for _, _, delivery in new]
    columns = {
        "referrals": [referral for referral, _, _ in new],
        "publishers": [publisher for _, publisher, _ in new],
        "ids": [delivery.id for delivery in deliveries],
        "agencies": [delivery.agency for delivery in deliveries],
        "channels": [delivery.channel for delivery in deliveries],
        "roles": [str(delivery.role) for delivery in deliveries],
        "rows": [delivery.row for delivery in deliveries],
        "views": [delivery.view for delivery in deliveries],
        "states": [str(delivery.state) for delivery in deliveries],
        "available": [delivery.available_at for delivery in deliveries],
        "starts": [delivery.clock_start for delivery in deliveries],
        "alarms": [delivery.next_alarm_at for delivery in deliveries],
        "scopes": [json_text(delivery.scope) for delivery in deliveries],
        "explanations": [json_text(delivery.explanation) for delivery in deliveries],
        "versions": [delivery.version for delivery in deliveries],
        "kinds": [str(delivery.kind) for delivery in deliveries],
        "follows": [delivery.follows for delivery in deliveries],
        "replaces": [delivery.replaces for delivery in deliveries],
        "policies": [delivery.policy_version for delivery in deliveries],
        "hand_overs": [delivery.hand_over_at for delivery in deliveries],
        "offices": [delivery.stands_in_for for delivery in deliveries],
        **{f"{m}_by": [delivery.due.get(m) for delivery in deliveries] for m in Milestone},
    }
    rows(connection, "routing/insert_deliveries", {**columns, "now": now, "actor": actor})
    _mark_redirected(connection, deliveries, now)


def _mark_redirected(
    connection: Connection, deliveries: Sequence[NewDelivery], now: datetime
) -> None:
    if replaced := [delivery.replaces for delivery in deliveries if delivery.replaces]:
        rows(connection, "routing/mark_redirected", {"ids": replaced, "now": now})


def _settle_referrals(
    connection: Connection, decisions: Sequence[Decision], *, now: datetime, actor: str
) -> set[ReferralId]:
    """Write one decision a referral; return the referrals that still allowed theirs."""
    columns = _decision_columns(decisions)
    settled = rows(connection, "routing/settle_referrals", {**columns, "now": now, "actor": actor})
    return {row["referral"] for row in settled}


def _unrouted(row: Row, earlier: Mapping[ReferralId, History]) -> Unrouted:
    columns = {name: value for name, value in row.items() if name != "was_routed"}
    referral = Unrouted(**{**columns, "state": ReferralState(row["state"])})
    history = earlier.get(referral.id)
    if history is None:
        return referral
    return replace(
        referral, earlier=history.deliveries, bodies=history.bodies, settled=history.settled
    )


def _decision_columns(decisions: Sequence[Decision]) -> dict[str, list[Any]]:
    values = [_values(decision) for decision in decisions]
    columns = {name: [value.get(name) for value in values] for name in _COLUMNS}
    return {"ids": [decision.id for decision in decisions], **columns}


@singledispatch
def _values(decision: Any) -> dict[str, Any]:
    raise TypeError(f"{type(decision).__name__} is no decision")


@_values.register
def _(routed: Routed) -> dict[str, Any]:
    if not routed.deliveries:
        raise ValueError("A referral is never routed to nobody.")
    return {
        "state": str(ReferralState.ROUTED),
        "kind": "referral.routed",
        "data": json_text(
            {"deliveries": len(routed.deliveries), "policy": routed.verdict.policy_version}
        ),
        **_judged(routed.verdict),
    }


@_values.register
def _(revised: Revised) -> dict[str, Any]:
    counts = {"version": revised.routed.version, "deliveries": len(revised.deliveries)}
    return {
        "state": str(ReferralState.ROUTED),
        "kind": "referral.revised",
        "data": json_text({**counts, "policy": revised.routed.verdict.policy_version}),
        **_judged(revised.routed.verdict),
    }


@_values.register
def _(withdrawn: Withdrawn) -> dict[str, Any]:
    state, kind = ReferralState.ROUTED, "referral.withdrawn"
    if not withdrawn.deliveries:
        state, kind = ReferralState.CLOSED, "referral.closed"
    data = json_text({"deliveries": len(withdrawn.deliveries)})
    return {"state": str(state), "kind": kind, "data": data}


@_values.register
def _(unroutable: Unroutable) -> dict[str, Any]:
    return {
        "state": str(ReferralState.UNROUTABLE),
        "kind": "referral.unroutable",
        "reason": unroutable.reason,
        "attend_by": unroutable.attend_by,
        "next_alarm_at": unroutable.next_alarm_at,
        "data": json_text({"reason": unroutable.reason}),
        **_judged(unroutable.verdict),
    }


@_values.register
def _(rejected: Rejected) -> dict[str, Any]:
    return {
        "state": str(ReferralState.REJECTED),
        "kind": "referral.rejected",
        "grade": rejected.grade,
        "attend_by": rejected.tasks_due.due_at if rejected.tasks_due else None,
        "faults": _faults(rejected.faults),
        "data": json_text({"faults": sorted({fault.code for fault in rejected.faults})}),
    }


@_values.register
def _(postponed: Postponed) -> dict[str, Any]:
    return {
        "kind": "referral.postponed",
        "next_attempt_at": postponed.next_attempt_at,
        "data": json_text({"code": postponed.code}),
    }


def _judged(verdict: Verdict) -> dict[str, Any]:
    return {
        "grade": verdict.grade,
        "effective_grade": verdict.effective_grade,
        "first_known_at": verdict.first_known_at,
        "policy_version": verdict.policy_version,
        "directory_version": verdict.directory_version,
        "defects": _faults(verdict.defects),
        "warnings": _faults(verdict.warnings),
        "profile": json_text(verdict.profile.stored) if verdict.profile else None,
    }


def _faults(faults: Sequence[Fault]) -> str | None:
    return json_text([asdict(fault) for fault in faults]) if faults else None
