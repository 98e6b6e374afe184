"""Replays and redirects of many deliveries: planned, confirmed, then carried out at a pace."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from broker.domain.ids import DeliveryId, OrganisationCode
from broker.ledger.database import Part


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay or redirect of many deliveries: its filter, its pace and how far it has come."""

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
    """How many could not be redirected, and stay where they are."""
    turns: Sequence[Mapping[str, str]]
    """Who brought it to which state (``to``), and when."""
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlan:
    """Which deliveries a replay or redirect would take, and at what pace."""

    id: UUID
    agency: str | None = None
    """None: those of every agency."""
    cause: str | None = None
    per_minute: int
    """Deliveries a minute."""
    by: str


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
class DueRedirect:
    """What a running redirect takes next."""

    id: UUID
    receiver: OrganisationCode
    by: str
    reason: str
    looked_at: DeliveryId | None
    deliveries: Sequence[DeliveryId]


class BulkActions(Part):
    """Plans for many deliveries, and how far each has come."""

    def plan_replay(self, new: NewPlan, *, now: datetime) -> None:
        """Count what a replay would take, and keep its filter; nothing is changed yet."""
        self._rows("bulk_actions/plan_replay", {**asdict(new), "now": now})

    def plan_redirect(self, new: NewPlan, *, receiver: str, now: datetime) -> None:
        """Count what a redirect would take, and keep its filter; nothing is changed yet."""
        params = {**asdict(new), "receiver": receiver, "now": now}
        self._rows("bulk_actions/plan_redirect", params)

    def replay_plan(self, id_: UUID, *, now: datetime) -> list[PlanLine]:
        """Return what a replay would take now."""
        plan = self._rows("bulk_actions/replay_plan", {"id": id_, "now": now})
        return [PlanLine(**row) for row in plan]

    def redirect_plan(self, id_: UUID, *, now: datetime) -> list[PlanLine]:
        """Return what a redirect of many deliveries would take now."""
        plan = self._rows("bulk_actions/redirect_plan", {"id": id_, "now": now})
        return [PlanLine(**row) for row in plan]

    def redirect_candidates(self, id_: UUID, *, limit: int) -> list[DeliveryId]:
        """Return the deliveries that a planned redirect takes next."""
        candidates = self._rows("bulk_actions/redirect_candidates", {"id": id_, "limit": limit})
        return [row["id"] for row in candidates]

    def replays(self, *, id_: UUID | None = None, limit: int = 1) -> list[Replay]:
        """Return one replay, or the latest ones."""
        return [
            Replay(**row) for row in self._rows("bulk_actions/replays", {"id": id_, "limit": limit})
        ]

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
        params = {"id": id_, "from": sorted(frm), "to": to, "by": by, "reason": reason, "now": now}
        return bool(self._rows("bulk_actions/turn_replay", {**params, "per_minute": per_minute}))

    def due_redirects(self, *, now: datetime, limit: int) -> list[DueRedirect]:
        """Return what every running redirect takes next at its pace."""
        due = self._rows("bulk_actions/due_redirects", {"now": now, "limit": limit})
        return [DueRedirect(**row) for row in due]

    def count_redirect(self, plan: DueRedirect, *, done: int, failed: int, now: datetime) -> bool:
        """Write how far a redirect has come; False when another worker wrote it first."""
        last = plan.deliveries[-1] if plan.deliveries else None
        params = {"id": plan.id, "before": plan.looked_at, "looked_at": last, "now": now}
        return bool(
            self._rows("bulk_actions/count_redirect", {**params, "done": done, "failed": failed})
        )

    def step_replays(self, *, now: datetime, limit: int) -> Sequence[int]:
        """Advance running replays at their pace; return how many deliveries each one took."""
        steps = self._rows("bulk_actions/step_replays", {"now": now, "limit": limit})
        return [row["count"] for row in steps]
