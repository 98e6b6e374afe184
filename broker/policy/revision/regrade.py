"""A new grade moves the deadlines of what is open, and never the start of its clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from broker.domain.codes import Grade, Milestone
from broker.policy.published.policy import Policy
from broker.policy.revision.issued import EarlierDelivery, HistoryEntry
from broker.policy.routing.assignments import Start, count

_URGENCY = tuple(Grade)
_Said = Mapping[str, Any]
"""A deadline as ``broker.policy.routing.assignments`` explains it."""


@dataclass(frozen=True, slots=True)
class Regrade:
    """The grade that deadlines followed, the one that they follow from now on, and since when."""

    before: Grade
    after: Grade
    at: datetime

    @property
    def is_tighter(self) -> bool:
        """Whether there is less time than before."""
        return _URGENCY.index(self.after) < _URGENCY.index(self.before)


def reschedule(
    earlier: EarlierDelivery, regrade: Regrade, policy: Policy
) -> tuple[EarlierDelivery, HistoryEntry] | None:
    """Return a delivery with the deadlines of the new grade, or None where none of them moves.

    A tighter grade counts from the regrade, and never ends later than before; a looser one counts
    from the start that the clock always had. What was met, was met by the deadline of its time.
    """
    fresh = _counted(earlier, regrade, policy)
    before = {str(deadline["milestone"]): deadline for deadline in earlier.explanation["deadlines"]}
    if not fresh:
        return None
    chosen = {m: _choose(m, before.get(m), fresh.get(m), earlier, regrade) for m in Milestone}
    deadlines = {m: deadline for m, deadline in chosen.items() if deadline is not None}
    moved = [
        _moved(m, before.get(m), deadline)
        for m, deadline in deadlines.items()
        if _at(deadline) != earlier.due.get(m)
    ]
    if not moved and deadlines.keys() == before.keys():
        return None
    grades = {"grade_before": str(regrade.before), "grade": str(regrade.after)}
    record = {"at": regrade.at.isoformat(), **grades, "deadlines": moved}
    explanation = {
        **earlier.explanation,
        "deadlines": list(deadlines.values()),
        "rescheduled": [*earlier.explanation.get("rescheduled", ()), record],
    }
    due = {m: _at(deadline) for m, deadline in deadlines.items()}
    noted = HistoryEntry("delivery.rescheduled", {**grades, "deadlines": moved})
    return replace(earlier, due=due, explanation=explanation), noted


def _counted(earlier: EarlierDelivery, regrade: Regrade, policy: Policy) -> Mapping[str, _Said]:
    """Count every deadline by the new grade; none where the policy has no such row any more."""
    rule = next((rule for rule in policy.routing_rules if rule.id == earlier.row), None)
    calendar = policy.directory.calendar_of(earlier.agency, earlier.stands_in_for)
    if rule is None or calendar is None:
        return {}
    start = max(earlier.clock_start, regrade.at) if regrade.is_tighter else earlier.clock_start
    deadlines = count(rule.deadlines[regrade.after], Start(start), calendar)
    return {str(deadline.milestone): deadline.explanation() for deadline in deadlines}


def _choose(
    milestone: Milestone,
    before: _Said | None,
    fresh: _Said | None,
    earlier: EarlierDelivery,
    regrade: Regrade,
) -> _Said | None:
    if milestone in earlier.met or (milestone is Milestone.COLLECT and earlier.met):
        return before  # what a person has taken, the software has
    if fresh is None:
        return None
    if before is not None and regrade.is_tighter and _at(before) <= _at(fresh):
        return before
    return fresh


def _moved(milestone: Milestone, before: _Said | None, fresh: _Said) -> dict[str, str | None]:
    return {
        "milestone": str(milestone),
        "due_before": before["due_at"] if before else None,
        "due": fresh["due_at"],
        "words_before": before["words"] if before else None,
        "words": fresh["words"],
    }


def _at(deadline: _Said) -> datetime:
    return datetime.fromisoformat(deadline["due_at"])
