"""How long deliveries took, and whether they were in time, for each agency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.codes import Milestone
from broker.domain.delivery import DeliveryStatus
from broker.domain.referral import ReferralStatus
from broker.domain.states import DeliveryState


@dataclass(frozen=True, slots=True)
class AgencyTimes:
    """One agency's line in the demo's table."""

    deliveries: int
    collected: int
    acknowledged: int
    decided: int
    p50: timedelta | None
    """From accepting the referral until its agency had the delivery; one that was held or sent on
    counts from when it could be collected."""
    p95: timedelta | None
    slowest: timedelta | None
    in_time: int
    """Milestones that were met before their deadline."""
    late: int
    """Milestones that were met after their deadline, or not at all though it has passed."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A delivery, and when its wait began."""

    status: DeliveryStatus
    began_at: datetime


def legs_of(referrals: Iterable[ReferralStatus]) -> list[Leg]:
    """Return every delivery of these referrals."""
    return [
        Leg(
            leg,
            referral.accepted_at if leg.available_at == referral.routed_at else leg.available_at,
        )
        for referral in referrals
        for leg in referral.deliveries
    ]


def by_agency(legs: Iterable[Leg], *, now: datetime) -> Mapping[str, AgencyTimes]:
    """Return the times of each agency, the busiest first."""
    groups: dict[str, list[Leg]] = {}
    for leg in legs:
        groups.setdefault(leg.status.agency, []).append(leg)
    ordered = sorted(groups.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return {agency: times(group, now=now) for agency, group in ordered}


def times(legs: Sequence[Leg], *, now: datetime) -> AgencyTimes:
    """Add up the deliveries of one agency, or of all."""
    statuses = [leg.status for leg in legs]
    met = Counter(milestone for status in statuses for milestone in status.met)
    verdicts = [in_time for status in statuses for in_time in _verdicts(status, now)]
    waits = sorted(
        leg.status.met[Milestone.COLLECT] - leg.began_at
        for leg in legs
        if Milestone.COLLECT in leg.status.met
    )
    return AgencyTimes(
        deliveries=len(legs),
        collected=met[Milestone.COLLECT],
        acknowledged=met[Milestone.ACKNOWLEDGE],
        decided=met[Milestone.DECIDE],
        p50=percentile(waits, 50),
        p95=percentile(waits, 95),
        slowest=waits[-1] if waits else None,
        in_time=verdicts.count(True),
        late=verdicts.count(False),
    )


def percentile(ordered: Sequence[timedelta], percent: int) -> timedelta | None:
    """Return the smallest value that at least so many percent do not exceed (nearest rank)."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _verdicts(leg: DeliveryStatus, now: datetime) -> Iterable[bool]:
    """Tell of each deadline that is met or has passed whether it was kept.

    A delivery that ended another way, as returned for example, owes nothing after its end.
    """
    for milestone, due_at in leg.due.items():
        met_at = leg.met.get(milestone)
        if met_at is not None:
            yield met_at <= due_at
        elif due_at < now and leg.state is not DeliveryState.RETURNED:
            yield False
