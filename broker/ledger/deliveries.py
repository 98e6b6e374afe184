"""Deliveries, and the leases of agencies that collect and of channels that push."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

from broker.domain.codes import DeliveryKind, Milestone, Role
from broker.domain.delivery import Lease, Offer
from broker.domain.ids import DeliveryId, LeaseId, NewId, OrganisationCode
from broker.domain.push import Attempt, Collected, Deferred, PushOutcome, Refused, Sent
from broker.domain.states import DeliveryState
from broker.ledger.database import Connection, Part, Row, rows

Held = Sequence[tuple[DeliveryId, LeaseId]]
_DUE = {milestone: f"{milestone}_by" for milestone in Milestone}
_MET = {
    Milestone.COLLECT: "collected_at",
    Milestone.ACKNOWLEDGE: "acknowledged_at",
    Milestone.DECIDE: "decided_at",
}


class Deliveries(Part):
    """Deliveries that may be offered, and the leases on them."""

    def collect(
        self,
        agency: OrganisationCode,
        *,
        limit: int,
        lease_for: timedelta,
        now: datetime,
        new_id: NewId,
    ) -> list[Offer]:
        """Lease what waits for an agency, earliest deadline first."""
        params = {"agency": agency, "actor": f"agency:{agency}"}
        return self._claim(
            "deliveries/collect", params, limit, now, _leases(limit, now + lease_for, new_id)
        )

    def claim_pushes(
        self,
        channel: str,
        *,
        limit: int,
        lease_for: timedelta,
        now: datetime,
        new_id: NewId,
    ) -> list[Offer]:
        """Lease what is to be pushed on a channel and is due."""
        params = {"channel": channel, "actor": f"channel:{channel}"}
        leases = _leases(limit, now + lease_for, new_id)
        return self._claim("deliveries/claim_pushes", params, limit, now, leases)

    def settle_pushes(self, attempts: Sequence[Attempt], *, now: datetime, actor: str) -> int:
        """Write the results of pushes; one whose lease was lost changes nothing."""
        outcomes = [_columns(attempt.outcome) for attempt in attempts]
        columns = {
            "ids": [attempt.delivery for attempt in attempts],
            "leases": [attempt.lease for attempt in attempts],
            "results": [result for result, _, _ in outcomes],
            "untils": [until for _, until, _ in outcomes],
            "codes": [code for _, _, code in outcomes],
        }
        return len(self._rows("deliveries/settle_pushes", {**columns, "now": now, "actor": actor}))

    def extend(
        self, agency: OrganisationCode, held: Held, *, lease_for: timedelta, now: datetime
    ) -> list[Lease | None]:
        """Extend leases; None for each lease that is no longer the agency's."""
        params = {"agency": agency, "now": now, "until": now + lease_for, **_pairs(held)}
        extended = {
            row["id"]: Lease(row["lease"], row["until"])
            for row in self._rows("deliveries/extend", params)
        }
        return [extended.get(delivery) for delivery, _ in held]

    def release(
        self, agency: OrganisationCode, held: Held, *, now: datetime, actor: str
    ) -> list[bool]:
        """Release deliveries unread; False for each lease that is no longer the agency's."""
        params = {"agency": agency, "now": now, "actor": actor, **_pairs(held)}
        released = {row["id"] for row in self._rows("deliveries/release", params)}
        return [delivery in released for delivery, _ in held]

    def delivery(self, agency: OrganisationCode | None, id_: DeliveryId) -> Offer | None:
        """Return a delivery; with an agency, only its own, and none that is held."""
        with self._transaction() as connection:
            deliveries = offers(connection, [id_])
        delivery = deliveries[0] if deliveries else None
        if delivery is None or agency is None:
            return delivery
        is_theirs = delivery.agency == agency and delivery.state is not DeliveryState.HELD
        return delivery if is_theirs else None

    def _claim(
        self,
        name: str,
        params: Mapping[str, Any],
        limit: int,
        now: datetime,
        leases: Mapping[str, Any],
    ) -> list[Offer]:
        with self._transaction() as connection:
            claimed = rows(connection, name, {**params, **leases, "limit": limit, "now": now})
            return offers(connection, [row["id"] for row in claimed])


def _columns(outcome: PushOutcome) -> tuple[str, datetime | None, str | None]:
    """Return an outcome as the statement takes it: the event's name, an instant, a code."""
    match outcome:
        case Sent(until=until):
            return "sent", until, None
        case Collected():
            return "collected", None, None
        case Deferred(until=until, code=code):
            return "deferred", until, code
        case Refused(code=code):
            return "refused", None, code
        case _:
            assert_never(outcome)


def offers(connection: Connection, ids: Sequence[DeliveryId]) -> list[Offer]:
    """Return deliveries with all that is needed to render them, earliest deadline first."""
    if not ids:
        return []
    return [_offer(row) for row in rows(connection, "deliveries/offers", {"ids": list(ids)})]


def due_times(row: Row) -> dict[Milestone, datetime]:
    """Return the deadlines that a delivery has."""
    return {m: due for m, column in _DUE.items() if (due := row[column]) is not None}


def met_times(row: Row) -> dict[Milestone, datetime]:
    """Return when each milestone was met, for those that were."""
    return {m: met for m, column in _MET.items() if (met := row[column]) is not None}


def _offer(row: Row) -> Offer:
    leased = row["state"] == DeliveryState.LEASED
    return Offer(
        id=row["id"],
        referral=row["referral"],
        reference=row["reference"],
        publisher=row["publisher"],
        agency=row["agency"],
        channel=row["channel"],
        state=DeliveryState(row["state"]),
        attempt=row["attempt"],
        lease=Lease(row["lease"], row["lease_until"]) if leased else None,
        role=Role(row["role"]),
        row=row["policy_row"],
        view=row["view"],
        scope=row["scope"],
        grade=row["grade"],
        effective_grade=row["effective_grade"],
        policy_version=row["policy_version"],
        accepted_at=row["accepted_at"],
        available_at=row["available_at"],
        clock_start=row["clock_start"],
        due=due_times(row),
        met=met_times(row),
        explanation=row["explanation"],
        defects=row["defects"],
        warnings=row["warnings"],
        areas=row["areas"],
        body=row["body"],
        version=row["version"],
        latest_version=row["latest_version"],
        kind=DeliveryKind(row["kind"]),
        follows=row["follows"],
        stands=row["stands"],
        sendings=row["sendings"],
        deferrals=row["deferrals"],
        stands_in_for=row["stands_in_for"],
    )


def _leases(limit: int, until: datetime, new_id: NewId) -> dict[str, Any]:
    return {"leases": [new_id() for _ in range(limit)], "until": until}


def _pairs(held: Held) -> dict[str, Any]:
    return {"ids": [delivery for delivery, _ in held], "leases": [lease for _, lease in held]}
