"""What a timeline says of each delivery, in words: the same in the picture and in its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from broker.dashboard.pictures.local_times import clock
from broker.dashboard.wording import MILESTONE_NAMES, duration
from broker.domain.codes import DeliveryKind
from broker.domain.pictures import RowDeadline, TimelineRow
from broker.domain.states import DeliveryState

STATE_COUNTS: Mapping[str, Sequence[DeliveryState]] = {
    "held back": (DeliveryState.HELD,),
    "waiting to be collected": (DeliveryState.AVAILABLE, DeliveryState.LEASED),
    "could not be delivered": (DeliveryState.UNDELIVERABLE,),
    "collected": (DeliveryState.COLLECTED,),
    "acknowledged": (DeliveryState.ACKNOWLEDGED,),
    "decided": (DeliveryState.DECIDED,),
    "returned": (DeliveryState.RETURNED,),
    "handed over": (DeliveryState.HANDED_OVER,),
    "recalled": (DeliveryState.RECALLED,),
}
"""How the finding counts the deliveries: each state is in one of these."""
_DONE = {"collect": "collected", "acknowledge": "acknowledged", "decide": "decided"}
_UNMET = {
    "late": "missed: it was due {}",
    "paused": "paused: it was due {}",
    "ended": "no longer owed: it was due {}",
}
_STATES = {state: text for text, states in STATE_COUNTS.items() for state in states}


def is_missed(deadline: RowDeadline) -> bool:
    """Tell whether a deadline passed before it was met."""
    return deadline.verdict in ("late", "overdue")


def deadline_words(deadline: RowDeadline, now: datetime) -> str:
    """Return by when something was due and what became of it."""
    due, done = clock(deadline.due_at), _DONE[deadline.milestone]
    if deadline.met_at:
        when = f"{done} {clock(deadline.met_at)}"
        if is_missed(deadline):
            return f"{when}, {_late(deadline, deadline.met_at)} late"
        return f"{when}, in time (by {due})"
    if deadline.verdict == "overdue":
        return f"late by {_late(deadline, now)}: it was due {due}"
    return _UNMET.get(deadline.verdict, "by {}").format(due)


def row_words(row: TimelineRow, now: datetime) -> tuple[str, str]:
    """Return what a row says under its agency's name, and its tone: ``late`` or nothing."""
    role = "Lead" if row.role == "lead" else "Copy"
    kind = "" if row.kind is DeliveryKind.REFERRAL else f" of the {row.kind}"
    text = _state_words(row, now)
    return f"{role}{kind}. {text[0].upper()}{text[1:]}", "late" if row.is_late else ""


def _state_words(row: TimelineRow, now: datetime) -> str:
    if row.is_late:
        worst = _first(row, "overdue")
        assert worst is not None
        return f"{_late(worst, now)} late to {MILESTONE_NAMES[worst.milestone]}"
    if row.state is DeliveryState.HELD:
        until = clock(row.available_at) if row.available_at else "a person releases it"
        return f"held until {until}"
    if row.state is DeliveryState.DECIDED:
        return _decided_words(row)
    text = _STATES[row.state].removesuffix(" to be collected")
    return _open_words(row, text) if row.is_open else text


def _open_words(row: TimelineRow, text: str) -> str:
    """Return the text of a state that something is still to be done in, with its next deadline."""
    if _first(row, "paused"):
        return "deadline paused"
    next_ = _first(row, "open")
    if next_ is None:
        return text
    return f"{text}, {MILESTONE_NAMES[next_.milestone]} by {clock(next_.due_at)}"


def _first(row: TimelineRow, verdict: str) -> RowDeadline | None:
    """Return the first unmet deadline with this verdict, or None."""
    unmet = (each for each in row.deadlines if each.met_at is None and each.verdict == verdict)
    return min(unmet, key=lambda deadline: deadline.due_at, default=None)


def _decided_words(row: TimelineRow) -> str:
    late = [deadline for deadline in row.deadlines if deadline.verdict == "late"]
    if not late:
        return "decided, every deadline met"
    worst = late[-1]
    if worst.met_at is None:
        return "decided"
    return f"decided, {_DONE[worst.milestone]} {_late(worst, worst.met_at)} late"


def _late(deadline: RowDeadline, until: datetime) -> str:
    return duration((until - deadline.due_at).total_seconds())
