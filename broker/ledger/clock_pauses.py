"""What the ledger does for clocks that stand: since when and why, and what follows from it."""

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
    """A delivery's clocks, which this transaction alone may change."""

    delivery: DeliveryId
    referral: ReferralId
    agency: OrganisationCode
    state: str
    paused_at: datetime | None
    policy_version: str
    explanation: Mapping[str, Any]
    stood: Sequence[Span]
    """Earlier pauses."""


class ClockBatch:
    """One delivery's clocks, locked."""

    def __init__(self, connection: Connection, clocks: Clocks | None) -> None:
        self._connection = connection
        self.clocks = clocks

    def pause(
        self, id_: UUID, *, reason: str, milestones: Sequence[str], actor: str, now: datetime
    ) -> bool:
        """Let the clocks stand; False when they stand already, or the delivery has ended."""
        asked = {"id": id_, "delivery": self._delivery, "reason": reason}
        told = {"milestones": list(milestones), "actor": actor, "now": now}
        return bool(rows(self._connection, "clock_pauses/pause", {**asked, **told}))

    def resume(
        self,
        due: Mapping[Milestone, datetime],
        explanation: Mapping[str, Any],
        *,
        moved: Sequence[Mapping[str, Any]],
        because: str | None,
        actor: str,
        now: datetime,
    ) -> bool:
        """Let the clocks go on under new deadlines; False when they run.

        ``because`` is the code of what ended the pause, where no person did.
        """
        clocks = self.clocks
        if clocks is None or clocks.paused_at is None:
            return False
        asked = {
            "delivery": clocks.delivery,
            "paused_at": clocks.paused_at,
            "explanation": json_text(explanation),
            "moved": json_text(list(moved)),
            "because": because,
            **{f"{m}_by": due.get(m) for m in Milestone},
        }
        about = {"actor": actor, "now": now}
        resumed = rows(self._connection, "clock_pauses/resume", {**asked, **about})
        over = {"referrals": [clocks.referral], **about}
        rows(self._connection, "clock_pauses/end_over_escalations", over)
        return bool(resumed)

    @property
    def _delivery(self) -> DeliveryId | None:
        return self.clocks.delivery if self.clocks else None


class ClockPauses(Part):
    """Clocks that stand and go on."""

    @contextmanager
    def clocks(
        self, delivery: DeliveryId, *, agency: OrganisationCode | None
    ) -> Iterator[ClockBatch]:
        """Lock a delivery's clocks: of an agency, or of any when ``agency`` is None."""
        with self._transaction() as connection:
            yield _locked(connection, delivery, agency)


def awaiting_information(
    connection: Connection, referrals: Sequence[ReferralId]
) -> Iterator[ClockBatch]:
    """Lock, one after the other, the clocks that stand until the publisher says more."""
    if referrals:
        for row in rows(
            connection, "clock_pauses/awaiting_information", {"referrals": list(referrals)}
        ):
            yield _locked(connection, row["id"], None)


def _locked(
    connection: Connection, delivery: DeliveryId, agency: OrganisationCode | None
) -> ClockBatch:
    found = rows(
        connection, "clock_pauses/running_clocks", {"delivery": delivery, "agency": agency}
    )
    return ClockBatch(connection, _clocks(found[0]) if found else None)


def _clocks(row: Mapping[str, Any]) -> Clocks:
    return Clocks(
        delivery=row["id"],
        referral=row["referral"],
        agency=row["agency"],
        state=row["state"],
        paused_at=row["paused_at"],
        policy_version=row["policy_version"],
        explanation=row["explanation"],
        stood=[Span(start, end) for start, end in row["stood"]],
    )
