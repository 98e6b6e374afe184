"""What ops watch without a browser: the whole picture, figures to compare with limits, one agency.

Nothing here changes anything. The figures are those of the pages (``broker.ledger.monitoring``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isinf

from broker.domain.delivery import OpenWork
from broker.domain.ids import OrganisationCode
from broker.domain.monitoring import AtRisk, OrganisationStatus, RiskCounts
from broker.errors import NotFound
from broker.ledger.ledger import Ledger

Names = Mapping[OrganisationCode, str]
MOST_AT_RISK = 100
NO_AGENCY = "No agency has this code."


@dataclass(frozen=True, slots=True)
class Picture:
    """What is open, what is at risk and every queue, at one instant."""

    at: datetime
    counts: RiskCounts
    bands: Mapping[str, Mapping[str, int]]
    """How much is open by time left, and in each by grade."""
    risks: list[AtRisk]
    queues: list[OpenWork]
    names: Names


@dataclass(frozen=True, slots=True)
class Measure:
    """The worst of one figure, in seconds, and whose it is; None where nothing is measured."""

    seconds: float | None = None
    agency: OrganisationCode | None = None


def picture(ledger: Ledger, *, now: datetime) -> Picture:
    """Return what is open, what is at risk and every queue."""
    monitoring = ledger.monitoring
    return Picture(
        at=now,
        counts=monitoring.risk_counts(now=now),
        bands=monitoring.burn_down(now=now),
        risks=monitoring.at_risk(now=now, limit=MOST_AT_RISK),
        queues=latest_first(monitoring.open_work(now=now)),
        names=names(ledger),
    )


def latest_first(work: Mapping[OrganisationCode, OpenWork]) -> list[OpenWork]:
    """Return queues, those with the most late deliveries first."""
    return sorted(work.values(), key=lambda queue: (-queue.overdue, -queue.open, queue.agency))


def names(ledger: Ledger) -> Names:
    """Return the name of every organisation."""
    statuses = ledger.monitoring.organisation_status()
    return {code: status.name for code, status in statuses.items()}


def agency_status(ledger: Ledger, code: str) -> OrganisationStatus:
    """Return what is known of an organisation. Raises NotFound."""
    status = ledger.monitoring.organisation_status().get(OrganisationCode(code))
    if status is None:
        raise NotFound(NO_AGENCY)
    return status


def measures(ledger: Ledger, *, now: datetime, agency: str | None) -> Mapping[str, Measure]:
    """Return every figure by its name, of one agency or the worst of all. Raises NotFound."""
    if agency is not None:
        agency_status(ledger, agency)
    return {name: measure(ledger, now, agency) for name, measure in _MEASURES.items()}


def _oldest(ledger: Ledger, now: datetime, agency: str | None) -> Measure:
    return _worst(
        (_seconds(work.oldest_unacknowledged_at, now), work.agency)
        for work in ledger.monitoring.open_work(now=now, agency=agency).values()
        if work.oldest_unacknowledged_at
    )


def _latency(ledger: Ledger, now: datetime, agency: str | None) -> Measure:
    latencies = ledger.statistics.latencies(
        ("24h",), now=now, agency=agency, milestone="acknowledge"
    )["24h"]
    return _worst((latency.percentile(95) or 0.0, code) for (code, _), latency in latencies.items())


def _silence(ledger: Ledger, now: datetime, agency: str | None) -> Measure:
    statuses = ledger.monitoring.organisation_status()
    return _worst(
        (_seconds(statuses[code].seen_at or work.oldest_claimable_at, now), code)
        for code, work in ledger.monitoring.open_work(now=now, agency=agency).items()
        if work.oldest_claimable_at
    )


def _sweeper(ledger: Ledger, now: datetime, _: str | None) -> Measure:
    seconds = ledger.monitoring.pipeline_status(now=now).seconds_unswept(now)
    return Measure(None if isinf(seconds) else max(0.0, seconds))


def _worst(measured: Iterable[tuple[float, OrganisationCode]]) -> Measure:
    return Measure(*max(measured, default=(None, None)))


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


_MEASURES: Mapping[str, Callable[[Ledger, datetime, str | None], Measure]] = {
    "oldest": _oldest,
    "latency": _latency,
    "silence": _silence,
    "sweeper": _sweeper,
}
