"""Part of step 5, answer: pause a delivery's clocks for a coded reason, and resume them.

Clocks that the law sets are never paused. Elapsed time is not stored: each new deadline is computed
from the clock's start and its pauses (``broker.policy.time.clocks``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from broker.domain.codes import Milestone, PauseReason
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.errors import Conflict, NotFound
from broker.flow.context import Context
from broker.flow.policy_cache import HeldPolicies
from broker.ledger.clock_pauses import ClockBatch, Clocks
from broker.ledger.receipts import SettleBatch
from broker.ledger.routing import RouteBatch
from broker.policy.decision import (
    Decision,
    Revised,
)
from broker.policy.time.calendars import WorkingCalendar
from broker.policy.time.clocks import resumed
from broker.policy.time.deadlines import Span, Within

CORRECTED, RETURNED = "corrected", "returned"
"""Why a clock resumes by itself: there is a new version, or the agency gave the delivery back."""
_NOTHING = "There is no such delivery."


def pause_clock(
    context: Context,
    delivery: DeliveryId,
    reason: PauseReason,
    *,
    agency: OrganisationCode | None,
    actor: str,
) -> datetime:
    """Pause the pausable clocks of a delivery; return since when they are paused.

    ``agency`` is whose delivery it must be, or None for ops. Raises NotFound, or Conflict when
    policy lets none of its clocks be paused or the delivery has ended. Repeating it is harmless.
    """
    now = context.clock()
    with context.ledger.clock_pauses.clocks(delivery, agency=agency) as batch:
        clocks = batch.clocks
        if clocks is None or clocks.state == "held":
            raise NotFound(_NOTHING)
        if clocks.paused_at is not None:
            return clocks.paused_at
        milestones = [deadline["milestone"] for deadline in _pausable(clocks)]
        if not milestones:
            raise Conflict("No clock of this delivery can be paused under the policy in force.")
        done = batch.pause_clock(
            context.new_id(), reason=str(reason), milestones=milestones, actor=actor, now=now
        )
        if not done:
            raise Conflict(f"This delivery is {clocks.state}: none of its clocks is running.")
    return now


def resume_clock(
    context: Context, delivery: DeliveryId, *, agency: OrganisationCode | None, actor: str
) -> dict[str, Any]:
    """Resume a delivery's clocks; return its deadlines as they are now.

    Raises NotFound. Repeating it is harmless.
    """
    now = context.clock()

    def resume(held: HeldPolicies) -> dict[str, Any]:
        with context.ledger.clock_pauses.clocks(delivery, agency=agency) as batch:
            if batch.clocks is None:
                raise NotFound(_NOTHING)
            held.require([batch.clocks.policy_version])
            return _resume(held, batch, batch.clocks, now, actor=actor)

    return context.policies.with_required(resume)


def end_waiting(
    batch: RouteBatch, decisions: Sequence[Decision], held: HeldPolicies, now: datetime
) -> None:
    """Resume the clocks that waited for information, where a new version was submitted.

    The agency judges whether the new version is enough; it may pause the clocks again. Raises
    MissingPolicies.
    """
    revised = [decision.id for decision in decisions if isinstance(decision, Revised)]
    _resume_all(held, batch.awaiting_information(revised), now, because=CORRECTED)


def end_returned(batch: SettleBatch, held: HeldPolicies, now: datetime) -> None:
    """Resume the clocks of what an agency returns: nobody there waits for information any more.

    Raises MissingPolicies.
    """
    _resume_all(held, batch.paused(), now, because=RETURNED)


def _resume_all(
    held: HeldPolicies, batches: Iterable[ClockBatch], now: datetime, *, because: str
) -> None:
    paused = [(batch, batch.clocks) for batch in batches if batch.clocks is not None]
    held.require(clocks.policy_version for _, clocks in paused)
    for batch, clocks in paused:
        _resume(held, batch, clocks, now, because=because)


def _resume(
    held: HeldPolicies,
    batch: ClockBatch,
    clocks: Clocks,
    now: datetime,
    *,
    actor: str = "broker",
    because: str | None = None,
) -> dict[str, Any]:
    if clocks.paused_at is None:
        return _due(clocks.explanation["deadlines"])
    calendar = _calendar(held, clocks)
    pauses = [*clocks.pauses, Span(clocks.paused_at, now)]
    deadlines = [
        _moved(deadline, calendar, pauses) if deadline.get("may_pause") else deadline
        for deadline in clocks.explanation["deadlines"]
    ]
    batch.resume_clock(
        {
            Milestone(deadline["milestone"]): datetime.fromisoformat(deadline["due_at"])
            for deadline in deadlines
        },
        {**clocks.explanation, "deadlines": deadlines},
        moved=[_changed(deadline) for deadline in deadlines if deadline.get("may_pause")],
        because=because,
        actor=actor,
        now=now,
    )
    return _due(deadlines)


def _pausable(clocks: Clocks) -> list[Mapping[str, Any]]:
    return [deadline for deadline in clocks.explanation["deadlines"] if deadline.get("may_pause")]


def _moved(
    mapping: Mapping[str, Any], calendar: WorkingCalendar, pauses: list[Span]
) -> dict[str, Any]:
    """Return a deadline computed again, with the first deadline beside it."""
    start = datetime.fromisoformat(mapping["start"])
    within = Within.parse(mapping["within"])
    deadline = resumed(within, start=start, calendar=calendar, stood=pauses)
    first = mapping.get("first_due_at", mapping["due_at"])
    return {
        **mapping,
        "due_at": deadline.due_at.isoformat(),
        "first_due_at": first,
        "words": deadline.words,
    }


def _changed(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mapping.get(name) for name in ("milestone", "first_due_at", "due_at")}


def _due(deadlines: list[dict[str, Any]]) -> dict[str, Any]:
    return {deadline["milestone"]: deadline["due_at"] for deadline in deadlines}


def _calendar(held: HeldPolicies, clocks: Clocks) -> WorkingCalendar:
    policy = held.version(clocks.policy_version)
    assert policy is not None
    calendar = policy.directory.calendar_of(clocks.agency, clocks.stands_in_for)
    return calendar or policy.calendars["ENG"]
