"""New versions: read what agencies were given before, and write what changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from broker.domain.codes import DeliveryKind, Milestone, Role
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.states import DeliveryState
from broker.domain.task import SettledTask
from broker.ledger.database import Connection, Row, json_text, rows
from broker.ledger.deliveries import due_times, met_times
from broker.ledger.tasks import BROKER
from broker.policy.decision import Revised
from broker.policy.revision.issued import Changed, EarlierDelivery

_TIMES = ("collect_by", "acknowledge_by", "decide_by", "collected_at", "acknowledged_at")
_Event = tuple[str, ReferralId, Changed | None, Mapping[str, Any]]


@dataclass(slots=True)
class History:
    """What agencies were given of one referral, what people settled, and the versions of both."""

    deliveries: list[EarlierDelivery] = field(default_factory=list)
    bodies: dict[int, bytes] = field(default_factory=dict)
    settled: list[SettledTask] = field(default_factory=list)


def histories(
    connection: Connection, referrals: Sequence[ReferralId]
) -> Mapping[ReferralId, History]:
    """Lock and return what agencies were given of referrals that this transaction holds."""
    if not referrals:
        return {}
    by_referral: dict[ReferralId, History] = {id_: History() for id_ in referrals}
    for row in _earlier_deliveries(connection, referrals):
        by_referral[row["referral"]].deliveries.append(_earlier(row))
    for row in _earlier_contents(connection, referrals):
        by_referral[row["referral"]].bodies[row["version"]] = row["body"]
    for row in _settled_tasks(connection, referrals):
        by_referral[row["referral"]].bodies[row["version"]] = row["body"]
        settled = SettledTask(row["code"], row["pointer"], row["version"])
        by_referral[row["referral"]].settled.append(settled)
    return by_referral


def write_revisions(
    connection: Connection,
    decisions: Sequence[Revised],
    publishers: Mapping[ReferralId, OrganisationCode],
    *,
    now: datetime,
    actor: str,
) -> None:
    """Change deliveries in place, with the events that say what changed."""
    if not decisions:
        return
    changes = [(decision, changed) for decision in decisions for changed in decision.changed]
    if changes:
        _revise_deliveries(connection, changes, now)
    regraded: list[_Event] = [
        (
            "referral.regraded",
            decision.id,
            None,
            {**decision.grades, "version": decision.routed.version},
        )
        for decision in decisions
        if decision.grades
    ]
    changed_deliveries: list[_Event] = [
        (noted.kind, decision.id, changed, noted.data)
        for decision, changed in changes
        for noted in changed.noted
    ]
    columns = _event_columns(regraded + changed_deliveries, publishers)
    _record_events(connection, columns, now=now, actor=actor)
    if regraded:
        _look_again(connection, [decision.id for decision in decisions if decision.grades], now)


def _earlier_deliveries(connection: Connection, referrals: Sequence[ReferralId]) -> list[Row]:
    return rows(connection, "revisions/earlier_deliveries", {"referrals": list(referrals)})


def _earlier_contents(connection: Connection, referrals: Sequence[ReferralId]) -> list[Row]:
    return rows(connection, "revisions/earlier_contents", {"referrals": list(referrals)})


def _settled_tasks(connection: Connection, referrals: Sequence[ReferralId]) -> list[Row]:
    params = {"referrals": list(referrals), "broker": BROKER}
    return rows(connection, "revisions/settled_tasks", params)


def _revise_deliveries(
    connection: Connection, changes: Sequence[tuple[Revised, Changed]], now: datetime
) -> None:
    rows(connection, "revisions/revise_deliveries", {**_columns(changes), "now": now})


def _record_events(
    connection: Connection, columns: Mapping[str, list[Any]], *, now: datetime, actor: str
) -> None:
    rows(connection, "revisions/record_events", {**columns, "now": now, "actor": actor})


def _look_again(connection: Connection, referrals: Sequence[ReferralId], now: datetime) -> None:
    """Have it looked at whether the team out of hours has what is urgent now."""
    rows(connection, "revisions/look_again", {"referrals": list(referrals), "now": now})


def _earlier(row: Row) -> EarlierDelivery:
    separate = {*_TIMES, "decided_at", "referral"}
    unchanged = {name: value for name, value in row.items() if name not in separate}
    return EarlierDelivery(
        **{
            **unchanged,
            "role": Role(row["role"]),
            "state": DeliveryState(row["state"]),
            "kind": DeliveryKind(row["kind"]),
        },
        due=due_times(row),
        met=met_times(row),
    )


def _columns(changes: Sequence[tuple[Revised, Changed]]) -> dict[str, list[Any]]:
    after = [changed.now for _, changed in changes]
    return {
        "ids": [delivery.id for delivery in after],
        "before": [str(changed.was.state) for _, changed in changes],
        "attempts": [changed.was.attempt for _, changed in changes],
        "states": [str(delivery.state) for delivery in after],
        "versions": [delivery.version for delivery in after],
        "policies": [
            decision.routed.verdict.policy_version
            if changed.now.version != changed.was.version
            else None
            for decision, changed in changes
        ],
        "views": [delivery.view for delivery in after],
        "available": [delivery.available_at for delivery in after],
        "starts": [delivery.clock_start for delivery in after],
        "scopes": [json_text(delivery.scope) for delivery in after],
        "explanations": [json_text(delivery.explanation) for delivery in after],
        **{f"{m}_by": [delivery.due.get(m) for delivery in after] for m in Milestone},
    }


def _event_columns(
    events: Sequence[_Event], publishers: Mapping[ReferralId, OrganisationCode]
) -> dict[str, list[Any]]:
    return {
        "kinds": [kind for kind, _, _, _ in events],
        "publishers": [publishers[referral] for _, referral, _, _ in events],
        "referrals": [referral for _, referral, _, _ in events],
        "deliveries": [changed.was.id if changed else None for _, _, changed, _ in events],
        "agencies": [changed.was.agency if changed else None for _, _, changed, _ in events],
        "data": [json_text(data) for _, _, _, data in events],
    }
