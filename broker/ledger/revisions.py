"""What the ledger does for a new version: hand out what agencies had, and write what changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from broker.domain.codes import Kind, Milestone, Role
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.states import DeliveryState
from broker.ledger.database import Connection, Row, json_text, rows
from broker.ledger.deliveries import due_times, met_times
from broker.policy.decision import Revised
from broker.policy.revision.issued import Changed, Earlier

_TIMES = ("collect_by", "acknowledge_by", "decide_by", "collected_at", "acknowledged_at")
_Event = tuple[str, ReferralId, Changed | None, Mapping[str, Any]]


@dataclass(slots=True)
class Had:
    """What agencies were given of one referral, and the versions that they have."""

    deliveries: list[Earlier] = field(default_factory=list)
    bodies: dict[int, bytes] = field(default_factory=dict)


def had(connection: Connection, referrals: Sequence[ReferralId]) -> Mapping[ReferralId, Had]:
    """Lock and return what agencies were given of referrals that this transaction holds."""
    if not referrals:
        return {}
    asked = {"referrals": list(referrals)}
    found: dict[ReferralId, Had] = {id_: Had() for id_ in referrals}
    for row in rows(connection, "revisions/earlier_deliveries", asked):
        found[row["referral"]].deliveries.append(_earlier(row))
    for row in rows(connection, "revisions/earlier_contents", asked):
        found[row["referral"]].bodies[row["version"]] = row["body"]
    return found


def write(
    connection: Connection,
    decisions: Sequence[Revised],
    publishers: Mapping[ReferralId, OrganisationCode],
    about: Mapping[str, Any],
) -> None:
    """Change deliveries where they stand, and say so in the history."""
    if not decisions:
        return
    changes = [(decision, changed) for decision in decisions for changed in decision.changed]
    if changes:
        rows(connection, "revisions/revise_deliveries", {**_columns(changes), "now": about["now"]})
    events: list[_Event] = [
        (
            "referral.regraded",
            decision.id,
            None,
            {**decision.grades, "version": decision.routed.version},
        )
        for decision in decisions
        if decision.grades
    ]
    events += [
        (noted.kind, one.id, changed, noted.data)
        for one, changed in changes
        for noted in changed.noted
    ]
    rows(connection, "revisions/record_events", {**_event_columns(events, publishers), **about})


def _earlier(row: Row) -> Earlier:
    kept = {name: value for name, value in row.items() if name not in {*_TIMES, "decided_at"}}
    kept.pop("referral")
    return Earlier(
        **{
            **kept,
            "role": Role(row["role"]),
            "state": DeliveryState(row["state"]),
            "kind": Kind(row["kind"]),
        },
        due=due_times(row),
        met=met_times(row),
    )


def _columns(changes: Sequence[tuple[Revised, Changed]]) -> dict[str, list[Any]]:
    after = [changed.now for _, changed in changes]
    return {
        "ids": [one.id for one in after],
        "before": [str(changed.was.state) for _, changed in changes],
        "attempts": [changed.was.attempt for _, changed in changes],
        "states": [str(one.state) for one in after],
        "versions": [one.version for one in after],
        "policies": [
            decision.routed.verdict.policy_version
            if changed.now.version != changed.was.version
            else None
            for decision, changed in changes
        ],
        "views": [one.view for one in after],
        "available": [one.available_at for one in after],
        "starts": [one.clock_start for one in after],
        "scopes": [json_text(one.scope) for one in after],
        "explanations": [json_text(one.explanation) for one in after],
        **{f"{m}_by": [one.due.get(m) for one in after] for m in Milestone},
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
