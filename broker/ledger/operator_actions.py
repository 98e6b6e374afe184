"""What people do to the ledger: each act is an event with their name, and keeps their reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.ledger.database import Connection, Database, json_text, rows
from broker.ledger.monitoring import cause_of


@dataclass(frozen=True, slots=True)
class Doing:
    """Who acts, when, why, and under which id the act is kept."""

    act: UUID
    by: str
    """As events name them: ``person:<name>``."""
    reason: str
    now: datetime

    def told(self) -> dict[str, Any]:
        """Return it as the parameters of a statement."""
        return {"act": self.act, "by": self.by, "reason": self.reason, "now": self.now}


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did, and why."""

    at: datetime
    kind: str
    by: str
    delivery: DeliveryId | None
    reason: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay or sending on of many: its filter, its pace and how far it has come."""

    id: UUID
    kind: str
    """``replay``, or ``send_on`` to ``receiver``."""
    receiver: OrganisationCode | None
    agency: OrganisationCode | None
    cause: str | None
    planned: int
    planned_at: datetime
    planned_by: str
    started_by: str | None
    reason: str | None
    per_minute: int
    """Deliveries a minute."""
    state: str
    done: int
    failed: int
    """How many could not be sent on, and stay where they are."""
    turns: Sequence[Mapping[str, str]]
    """Who brought it to which state (``to``), and when."""
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What a replay would take of one agency and cause."""

    agency: OrganisationCode
    cause: str | None
    count: int
    oldest_at: datetime
    overdue: int
    replayed_before: int


@dataclass(frozen=True, slots=True)
class SendOn:
    """What a running sending on takes next."""

    id: UUID
    receiver: OrganisationCode
    by: str
    reason: str
    looked_at: DeliveryId | None
    deliveries: Sequence[DeliveryId]


class Acting(Database):
    """Acts of people."""

    def replay_delivery(self, delivery: DeliveryId, doing: Doing) -> bool:
        """Put an undeliverable delivery back into the queue; False when it is not one."""
        return bool(self._rows("replay_delivery", {"delivery": delivery, **doing.told()}))

    def note_act(
        self,
        kind: str,
        doing: Doing,
        *,
        referral: ReferralId | None = None,
        delivery: DeliveryId | None = None,
        data: dict[str, Any] | None = None,
    ) -> bool:
        """Keep an act about a referral or one of its deliveries, ``data`` in codes.

        False when there is none.
        """
        told = {"kind": kind, "referral": referral, "delivery": delivery, **doing.told()}
        return bool(self._rows("note_act", {**told, "data": json_text(data or {})}))

    def cause_found(self, delivery: DeliveryId, milestone: str, *, now: datetime) -> str | None:
        """Return what the broker puts a missed deadline down to; None when it is not missed."""
        asked = {"delivery": delivery, "milestone": milestone, "now": now}
        found = self._rows("missed", asked)
        return cause_of(found[0]) if found else None

    def see_to_escalation(self, escalation: UUID, doing: Doing) -> bool:
        """Stop climbing a ladder because somebody sees to it; False when it is not open."""
        return bool(self._rows("see_to_escalation", {"escalation": escalation, **doing.told()}))

    def stop_agency(self, agency: OrganisationCode, doing: Doing) -> bool:
        """Offer nothing to an agency from now on; False when it is stopped or unknown."""
        return bool(self._rows("stop_agency", {"agency": agency, **doing.told()}))

    def resume_agency(self, agency: OrganisationCode, doing: Doing) -> bool:
        """Offer to an agency again; False when it was not stopped."""
        return bool(self._rows("resume_agency", {"agency": agency, **doing.told()}))

    def acts_of_agency(self, agency: OrganisationCode, *, limit: int) -> list[Act]:
        """Return what people did about an agency, latest first."""
        found = self._rows("acts_of_agency", {"agency": agency, "limit": limit})
        return [Act(**row) for row in found]

    def plan_replay(
        self,
        id_: UUID,
        *,
        agency: str | None,
        cause: str | None,
        per_minute: int,
        by: str,
        now: datetime,
    ) -> None:
        """Count what a replay would take, and keep its filter; nothing is changed yet."""
        told = {"id": id_, "agency": agency, "cause": cause, "per_minute": per_minute}
        self._rows("plan_replay", {**told, "by": by, "now": now})

    def plan_send_on(  # noqa: PLR0913
        self,
        id_: UUID,
        *,
        receiver: str,
        agency: str | None,
        cause: str | None,
        per_minute: int,
        by: str,
        now: datetime,
    ) -> None:
        """Count what a sending on would take, and keep its filter; nothing is changed yet."""
        told = {"id": id_, "receiver": receiver, "agency": agency, "cause": cause}
        self._rows("plan_send_on", {**told, "per_minute": per_minute, "by": by, "now": now})

    def replay_plan(self, id_: UUID, *, now: datetime, kind: str = "replay") -> list[PlanLine]:
        """Return what a replay, or a sending on, would take now."""
        asked = "send_on_plan" if kind == "send_on" else "replay_plan"
        return [PlanLine(**row) for row in self._rows(asked, {"id": id_, "now": now})]

    def replays(self, *, id_: UUID | None = None, limit: int = 1) -> list[Replay]:
        """Return one replay, or the latest ones."""
        return [Replay(**row) for row in self._rows("replays", {"id": id_, "limit": limit})]

    def turn_replay(  # noqa: PLR0913
        self,
        id_: UUID,
        *,
        frm: Collection[str],
        to: str,
        by: str,
        now: datetime,
        reason: str | None = None,
        per_minute: int | None = None,
    ) -> bool:
        """Bring a replay from one of these states to another; False when it is in none of them.

        Without ``per_minute``, in deliveries a minute, its pace stays as it is.
        """
        told = {"id": id_, "from": sorted(frm), "to": to, "by": by, "reason": reason, "now": now}
        return bool(self._rows("turn_replay", {**told, "per_minute": per_minute}))

    def due_send_ons(self, *, now: datetime, limit: int) -> list[SendOn]:
        """Return what every running sending on takes next at its pace."""
        found = self._rows("due_send_ons", {"now": now, "limit": limit})
        return [SendOn(**row) for row in found]

    def count_send_on(self, one: SendOn, *, done: int, failed: int, now: datetime) -> bool:
        """Note how far a sending on has come; False when somebody else was faster."""
        last = one.deliveries[-1] if one.deliveries else None
        told = {"id": one.id, "before": one.looked_at, "looked_at": last, "now": now}
        return bool(self._rows("count_send_on", {**told, "done": done, "failed": failed}))

    def step_replays(self, *, now: datetime, limit: int) -> Sequence[int]:
        """Let running replays go on at their pace; return how many deliveries each one took."""
        found = self._rows("step_replays", {"now": now, "limit": limit})
        return [row["count"] for row in found]


def keep_act(
    connection: Connection,
    kind: str,
    doing: Doing,
    *,
    referral: ReferralId | None = None,
    delivery: DeliveryId | None = None,
) -> None:
    """Keep why somebody did what this transaction has put into the history."""
    told = {"kind": kind, "referral": referral, "delivery": delivery}
    rows(connection, "keep_act", {**told, **doing.told()})
