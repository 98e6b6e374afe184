"""Paused clocks: since when and why, and the deadlines that follow when they are resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.domain.codes import Milestone
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.ledger.database import Connection, Part, json_text, rows
from broker.policy.time.deadlines import Span


@dataclass(frozen=True, slots=True)
class Clocks:
    """A delivery's clocks, which this transaction has locked."""

    delivery: DeliveryId
    referral: ReferralId
    agency: OrganisationCode
    state: str
    paused_at: datetime | None
    policy_version: str
    explanation: Mapping[str, Any]
    pauses: Sequence[Span]
    """Earlier pauses."""
    stands_in_for: OrganisationCode | None = None
    """The closed office whose part it is, where its agency is a team out of hours."""


class ClockBatch:
    """One delivery's clocks, locked."""

    def __init__(self, connection: Connection, clocks: Clocks | None) -> None:
        self._connection = connection
        self.clocks = clocks

    def pause_clock(
        self, id_: UUID, *, reason: str, milestones: Sequence[str], actor: str, now: datetime
    ) -> bool:
        """Pause the clocks; False when they are paused already, or the delivery has ended."""
        params = {
            "id": id_,
            "delivery": self.clocks.delivery if self.clocks else None,
            "reason": reason,
            "milestones": list(milestones),
            "actor": actor,
            "now": now,
        }
        return bool(rows(self._connection, "clock_pauses/pause_clock", params))

    def resume_clock(
        self,
        due: Mapping[Milestone, datetime],
        explanation: Mapping[str, Any],
        *,
        moved: Sequence[Mapping[str, Any]],
        because: str | None,
        actor: str,
        now: datetime,
    ) -> bool:
        """Resume the clocks under new deadlines; False when they are not paused.

        ``because`` is the code of what ended the pause, where no person did.
        """
        clocks = self.clocks
        if clocks is None or clocks.paused_at is None:
            return False
        params = {
            "delivery": clocks.delivery,
            "paused_at": clocks.paused_at,
            "explanation": json_text(explanation),
            "moved": json_text(list(moved)),
            "because": because,
            "actor": actor,
            "now": now,
            **{f"{m}_by": due.get(m) for m in Milestone},
        }
        resumed = rows(self._connection, "clock_pauses/resume_clock", params)
        end_over_escalations(self._connection, [clocks.referral], now=now, actor=actor)
        return bool(resumed)


class ClockPauses(Part):
    """Clocks that are paused and resumed."""

    @contextmanager
    def clocks(
        self, delivery: DeliveryId, *, agency: OrganisationCode | None
    ) -> Iterator[ClockBatch]:
        """Lock a delivery's clocks: of an agency, or of any when ``agency`` is None."""
        with self._transaction() as connection:
            yield running_clocks(connection, delivery, agency)


def awaiting_information(
    connection: Connection, referrals: Sequence[ReferralId]
) -> Iterator[ClockBatch]:
    """Lock, one after the other, the clocks that are paused until the publisher says more."""
    if referrals:
        params = {"referrals": list(referrals)}
        for row in rows(connection, "clock_pauses/awaiting_information", params):
            yield running_clocks(connection, row["id"], None)


def end_over_escalations(
    connection: Connection, referrals: Sequence[ReferralId], *, now: datetime, actor: str
) -> None:
    """End the escalations of referrals that have nothing left to escalate."""
    params = {"referrals": list(referrals), "now": now, "actor": actor}
    rows(connection, "clock_pauses/end_over_escalations", params)


def running_clocks(
    connection: Connection, delivery: DeliveryId, agency: OrganisationCode | None
) -> ClockBatch:
    """Lock a delivery's clocks in this transaction: of an agency, or of any."""
    params = {"delivery": delivery, "agency": agency}
    locked = rows(connection, "clock_pauses/running_clocks", params)
    return ClockBatch(connection, _clocks(locked[0]) if locked else None)


def _clocks(row: Mapping[str, Any]) -> Clocks:
    return Clocks(
        delivery=row["id"],
        referral=row["referral"],
        agency=row["agency"],
        state=row["state"],
        paused_at=row["paused_at"],
        policy_version=row["policy_version"],
        explanation=row["explanation"],
        pauses=[Span(start, end) for start, end in row["pauses"]],
        stands_in_for=row["stands_in_for"],
    )
