"""How long deliveries took and whether they were in time, for each agency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.codes import Milestone
from broker.domain.delivery import DeliveryStatus
from broker.domain.referral import ReferralStatus


@dataclass(frozen=True, slots=True)
class AgencyTimes:
    """One agency's line in the demo's table."""

    deliveries: int
    collected: int
    acknowledged: int
    decided: int
    p50: timedelta | None
    """From accepting the referral until its agency collected; a held or redirected delivery counts
    from when it could be collected."""
    p95: timedelta | None
    slowest: timedelta | None
    in_time: int
    """Milestones that were met before their deadline."""
    late: int
    """Milestones that were met after their deadline, or not at all though it has passed."""


@dataclass(frozen=True, slots=True)
class TimedDelivery:
    """A delivery, and when it began to wait."""

    status: DeliveryStatus
    began_at: datetime


def timed_deliveries(referrals: Iterable[ReferralStatus]) -> list[TimedDelivery]:
    """Return every delivery of these referrals."""
    return [
        TimedDelivery(
            delivery,
            _wait_began(referral, delivery),
        )
        for referral in referrals
        for delivery in referral.deliveries
    ]


def _wait_began(referral: ReferralStatus, delivery: DeliveryStatus) -> datetime:
    """Return when a delivery began to wait: with its referral, unless a time held it back."""
    available_at = delivery.available_at
    if available_at is None or available_at == referral.routed_at:
        return referral.accepted_at
    return available_at


def by_agency(deliveries: Iterable[TimedDelivery], *, now: datetime) -> Mapping[str, AgencyTimes]:
    """Return the times of each agency, the busiest first."""
    groups: dict[str, list[TimedDelivery]] = {}
    for delivery in deliveries:
        groups.setdefault(delivery.status.agency, []).append(delivery)
    ordered = sorted(groups.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return {agency: times(group, now=now) for agency, group in ordered}


def times(deliveries: Sequence[TimedDelivery], *, now: datetime) -> AgencyTimes:
    """Add up the deliveries of one agency, or of all."""
    statuses = [delivery.status for delivery in deliveries]
    met = Counter(milestone for status in statuses for milestone in status.met)
    verdicts = [in_time for status in statuses for in_time in _verdicts(status, now)]
    waits = sorted(
        delivery.status.met[Milestone.COLLECT] - delivery.began_at
        for delivery in deliveries
        if Milestone.COLLECT in delivery.status.met
    )
    return AgencyTimes(
        deliveries=len(deliveries),
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


def _verdicts(delivery: DeliveryStatus, now: datetime) -> Iterable[bool]:
    """Yield for each deadline that is met or has passed whether it was in time.

    What is late of what is still to be done is as the ledger judges it.
    """
    for milestone, met_at in delivery.met.items():
        if milestone in delivery.due:
            yield met_at <= delivery.due[milestone]
    yield from (False for _ in delivery.outstanding.late(now))
