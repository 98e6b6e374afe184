"""The versions of a referral: their grades, the deadlines they moved, and who has acknowledged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.domain.codes import DeliveryKind, Milestone
from broker.domain.delivery import DeliveryStatus
from broker.domain.event import Event
from broker.domain.referral import ReferralStatus
from broker.domain.states import DeliveryState


@dataclass(frozen=True, slots=True)
class Moved:
    """A deadline that a regrade has moved."""

    agency: str
    milestone: str
    before: datetime | None
    after: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """What an agency has done with its delivery of a version."""

    delivery: DeliveryStatus
    acknowledged_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Tell whether nobody will acknowledge it any more: another team has it, or nobody."""
        over = (DeliveryState.RETURNED, DeliveryState.RECALLED, DeliveryState.HANDED_OVER)
        return self.delivery.state in over


@dataclass(frozen=True, slots=True)
class Line:
    """One version of a referral."""

    number: int
    accepted_at: datetime
    digest: bytes
    is_judged: bool
    """Whether it was routed; a version that was replaced at once never was."""
    grade: str | None
    effective_grade: str | None
    grade_before: str | None
    """The effective one of the version before, where it differs."""
    moved: Sequence[Moved]
    taken: Sequence[Taken]


def lines(referral: ReferralStatus, events: Sequence[Event]) -> list[Line]:
    """Return every version, latest first."""
    regrades = {
        event.data["version"]: event for event in events if event.kind == "referral.regraded"
    }
    judged = {_latest(referral, event.at) for event in events if event.kind in _JUDGED}
    grade, effective = referral.grade, referral.effective_grade
    history = []
    for version in reversed(referral.versions):
        number, regrade = version.version, regrades.get(version.version)
        changes: Mapping[str, Any] = regrade.data if regrade else {}
        before = changes.get("effective_grade_before")
        history.append(
            Line(
                number=number,
                accepted_at=version.accepted_at,
                digest=version.digest,
                is_judged=number in judged,
                grade=grade,
                effective_grade=effective,
                grade_before=before if before != effective else None,
                moved=_moved(events, regrade.at) if regrade else (),
                taken=[
                    Taken(delivery, delivery.met.get(Milestone.ACKNOWLEDGE))
                    for delivery in referral.deliveries
                    if delivery.version == number and delivery.kind is not DeliveryKind.RECALL
                ],
            )
        )
        if regrade:
            grade, effective = changes.get("grade_before"), before
    return history


def recalls(referral: ReferralStatus) -> list[Taken]:
    """Return which agencies must destroy every copy, and which have confirmed that."""
    return [
        Taken(delivery, delivery.met.get(Milestone.DECIDE))
        for delivery in referral.deliveries
        if delivery.kind is DeliveryKind.RECALL
    ]


_JUDGED = frozenset({"referral.routed", "referral.revised", "referral.unroutable"})


def _latest(referral: ReferralStatus, at: datetime) -> int:
    """Return the version that there was when something was decided."""
    return max(
        (version.version for version in referral.versions if version.accepted_at <= at), default=1
    )


def _moved(events: Sequence[Event], at: datetime) -> list[Moved]:
    return [
        Moved(event.agency or "", each["milestone"], _instant(each["due_before"]), after)
        for event in events
        if event.kind == "delivery.rescheduled" and event.at == at
        for each in event.data.get("deadlines", ())
        if (after := _instant(each["due"]))
    ]


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
