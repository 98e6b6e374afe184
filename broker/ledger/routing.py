"""What the ledger does for routing: hand out what waits, and write what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from broker.ledger import revisions
from broker.ledger.clock_pauses import ClockBatch, awaiting_information
from broker.ledger.database import Connection, Part, Row, json_text, rows
from broker.ledger.operator_actions import ActionContext, keep_act
from broker.ledger.pseudonyms import earlier, record_sightings, tell_recurring
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
from broker.policy.monitoring.recurrence import Earlier, Recurrence, Sighting

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
    "data",
)


class RouteBatch:
    """Referrals that this transaction alone may decide about."""

    def __init__(self, connection: Connection, referrals: Sequence[Unrouted]) -> None:
        self._connection = connection
        self.referrals = referrals

    def earlier(
        self, sightings: Sequence[Sighting], rule: Recurrence
    ) -> Mapping[tuple[UUID, str], list[Earlier]]:
        """Return what was recorded of these children before, by referral and local id.

        Until the commit nobody else may count a child that one of these marks is of.
        """
        return earlier(self._connection, sightings, rule)

    def settle(self, decisions: Sequence[Decision], *, now: datetime, actor: str) -> None:
        """Write what was decided: states, deliveries, reasons, events, and who was seen."""
        if not decisions:
            return
        about = {"now": now, "actor": actor}
        columns = _decision_columns(decisions)
        settled = rows(self._connection, "routing/settle_referrals", {**columns, **about})
        changed = {row["referral"] for row in settled}
        publishers = {referral.id: referral.publisher for referral in self.referrals}
        new = [
            (decision.id, publishers[decision.id], delivery)
            for decision in decisions
            if isinstance(decision, Routed | Revised | Withdrawn) and decision.id in changed
            for delivery in decision.deliveries
        ]
        revised = [
            decision
            for decision in decisions
            if isinstance(decision, Revised) and decision.id in changed
        ]
        revisions.write(self._connection, revised, publishers, about)
        insert_deliveries(self._connection, new, now=now, actor=actor)
        routed = [
            decision
            for decision in decisions
            if isinstance(decision, Routed) and decision.id in changed
        ]
        record_sightings(self._connection, [seen for one in routed for seen in one.sightings])
        tell_recurring(self._connection, [told for one in routed for told in one.recurring], about)
        self._end_escalations(changed, about)

    def awaiting_information(self, referrals: Sequence[ReferralId]) -> Iterator[ClockBatch]:
        """Go through the clocks of referrals that stand until the publisher says more."""
        return awaiting_information(self._connection, referrals)

    def _end_escalations(self, changed: set[ReferralId], about: Mapping[str, Any]) -> None:
        """End the ladders of what has an owner, other deadlines or no deliveries any more."""
        before = [
            referral.id
            for referral in self.referrals
            if referral.state is not ReferralState.ACCEPTED
        ]
        over = sorted(changed.intersection(before))
        if over:
            rows(
                self._connection, "clock_pauses/end_over_escalations", {"referrals": over, **about}
            )


class Routing(Part):
    """Referrals that wait for routing."""

    def claim_unrouted(self, limit: int, *, now: datetime) -> AbstractContextManager[RouteBatch]:
        """Claim referrals that are due; they are free again if the transaction is not finished."""
        return self._claim_referrals({"limit": limit, "since": None, "until": now, "ids": None})

    def begin_routing(
        self, ids: Sequence[ReferralId], *, now: datetime, until: datetime
    ) -> Sequence[ReferralId]:
        """Write down that referrals are about to be tried, and keep them from others for a time;
        return those of them that are still due."""
        asked = {"ids": list(ids), "now": now, "until": until}
        return [row["id"] for row in self._rows("routing/begin_routing", asked)]

    def leave_routing(self, ids: Sequence[ReferralId], *, now: datetime, until: datetime) -> None:
        """Take back that they were tried: whoever did lives, and says so."""
        self._rows("routing/leave_routing", {"ids": list(ids), "now": now, "until": until})

    def claim_begun(
        self, ids: Sequence[ReferralId], *, until: datetime
    ) -> AbstractContextManager[RouteBatch]:
        """Claim what is kept from others until exactly this instant."""
        return self._claim_referrals(
            {"limit": len(ids), "since": until, "until": until, "ids": list(ids)}
        )

    @contextmanager
    def _claim_referrals(self, asked: Mapping[str, Any]) -> Iterator[RouteBatch]:
        with self._transaction() as connection:
            found = rows(connection, "routing/claim_unrouted", asked)
            had = revisions.had(connection, [row["id"] for row in found if row["was_routed"]])
            yield RouteBatch(connection, [_unrouted(row, had) for row in found])

    def give_areas(
        self,
        referral: ReferralId,
        areas: Mapping[str, str],
        *,
        actor: str,
        now: datetime,
        why: ActionContext | None = None,
    ) -> bool:
        """Add areas to an unroutable referral and make it due; False when it is not unroutable.

        ``areas`` maps a person's local id to an area's code; ``why`` is kept with them where a
        person gives them.
        """
        told = {"referral": referral, "areas": json_text(dict(areas)), "actor": actor, "now": now}
        return self._due_again("routing/give_areas", "referral.areas_given", told, why)

    def retry_routing(
        self, referral: ReferralId, *, actor: str, now: datetime, why: ActionContext | None = None
    ) -> bool:
        """Make an unroutable referral due as it is; False when it is not unroutable."""
        told = {"referral": referral, "actor": actor, "now": now}
        return self._due_again("routing/retry_routing", "referral.rerouted", told, why)

    def _due_again(
        self, name: str, kind: str, told: dict[str, Any], why: ActionContext | None
    ) -> bool:
        with self._transaction() as connection:
            changed = bool(rows(connection, name, told))
            if changed and why:
                keep_act(connection, kind, why, referral=told["referral"])
        return changed


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
        **{f"{m}_by": [delivery.due.get(m) for delivery in deliveries] for m in Milestone},
    }
    rows(connection, "routing/insert_deliveries", {**columns, "now": now, "actor": actor})
    if replaced := [delivery.replaces for delivery in deliveries if delivery.replaces]:
        rows(connection, "routing/mark_sent_on", {"ids": replaced, "now": now})


def _unrouted(row: Row, had: Mapping[ReferralId, revisions.Had]) -> Unrouted:
    known = {name: value for name, value in row.items() if name != "was_routed"}
    one = Unrouted(**{**known, "state": ReferralState(row["state"])})
    if one.id not in had:
        return one
    return replace(one, earlier=had[one.id].deliveries, bodies=had[one.id].bodies)


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
    told = {"version": revised.routed.version, "deliveries": len(revised.deliveries)}
    return {
        "state": str(ReferralState.ROUTED),
        "kind": "referral.revised",
        "data": json_text({**told, "policy": revised.routed.verdict.policy_version}),
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
    }


def _faults(faults: Sequence[Fault]) -> str | None:
    return json_text([asdict(fault) for fault in faults]) if faults else None
