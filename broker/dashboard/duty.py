"""The duty page: the worst first, work by agency, whom to ring, and proof when all is well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from broker.admin.expected_recipients import Expected, expected
from broker.dashboard import system_parts
from broker.dashboard.organisation_names import Names
from broker.dashboard.parallel_queries import run_all
from broker.dashboard.system_parts import Part
from broker.domain.codes import HealthLevel
from broker.domain.health import Health
from broker.domain.monitoring import (
    AtRisk,
    DeadlineStats,
    OrganisationStatus,
    Proof,
    RiskCounts,
    UrgentAgency,
    UrgentWork,
)
from broker.domain.referral import Waiting
from broker.domain.task import OpenTask
from broker.flow.context import Context
from broker.policy.time.moments import length, moment

GROUPS = 10
"""Agencies on the page; the others are a link."""
EACH = 5
"""Deliveries of each agency."""
OWNERLESS = 5
NEXT = 3
"""Deadlines that the quiet page says come next."""


@dataclass(frozen=True, slots=True)
class DutyFigures:
    """Everything on the duty page, as of one instant."""

    now: datetime
    health: Health
    counts: RiskCounts
    urgent: UrgentWork
    status: Mapping[str, OrganisationStatus]
    waiting: Sequence[Waiting]
    tasks: Sequence[OpenTask]
    unrouted: Sequence[Expected]
    """Referrals that are not sent on, with who would get them; asked for only where some wait."""
    coming: Sequence[AtRisk]
    """The next deadlines; asked for only where nothing is late or due soon."""
    proof: Proof
    met: DeadlineStats
    """Deadlines that came due in the last 24 hours; counted only where nothing is late or due
    soon."""

    @property
    def on_time(self) -> int:
        """How much is open and not late."""
        return self.counts.open - self.counts.breached

    @property
    def parts(self) -> list[Part]:
        """The parts of the broker, those that do not work first."""
        return system_parts.parts_of(self.health, self.proof, self.now)

    @property
    def proofs(self) -> list[Part]:
        """The test referrals and the monitor outside, as far as the settings ask for them."""
        return system_parts.proofs_of(self.health, self.proof, self.now)

    @property
    def is_stopped(self) -> bool:
        """Whether the broker itself does not work, or nobody knows."""
        return self.health.level >= HealthLevel.UNKNOWN


def gather(context: Context, health: Callable[[], Health], pool: Executor) -> DutyFigures:
    """Return the figures. Raises Unavailable without the ledger."""
    ledger, now = context.ledger, context.clock()
    figures = run_all(
        pool,
        {
            "health": health,
            "counts": lambda: ledger.monitoring.risk_counts(now=now),
            "urgent": lambda: ledger.monitoring.urgent_work(now=now, limit=GROUPS, each=EACH),
            "status": ledger.monitoring.organisation_status,
            "waiting": lambda: ledger.queries.attention(limit=OWNERLESS),
            "tasks": lambda: ledger.tasks.tasks(limit=OWNERLESS),
            "proof": lambda: ledger.monitoring.proof(now=now),
        },
    )
    is_busy = bool(figures["urgent"].agencies)
    coming = () if is_busy else ledger.monitoring.at_risk(now=now, limit=NEXT, everything=True)
    met = DeadlineStats(0, 0) if is_busy else _met(context, now)
    waits = figures["counts"].unrouted
    unrouted = expected(context, now=now, limit=OWNERLESS) if waits else ()
    return DutyFigures(now=now, coming=coming, unrouted=unrouted, met=met, **figures)


def _met(context: Context, now: datetime) -> DeadlineStats:
    counts = context.ledger.statistics.deadline_counts(("24h",), now=now)["24h"].values()
    return DeadlineStats(sum(of.due for of in counts), sum(of.in_time for of in counts))


def heading(group: UrgentAgency, now: datetime) -> str:
    """Return how late an agency is, or when its first deadline comes."""
    if group.late:
        return f"{'worst by' if group.late > 1 else 'by'} {length(now - group.first_due_at)}"
    return f"first {moment(group.first_due_at, now)}, in {length(group.first_due_at - now)}"


def group_sentence(group: UrgentAgency, names: Names) -> str:
    """Return what an agency is late with, in one sentence."""
    name = names.of(group.agency)
    if not group.late:
        return f"{name}: {group.soon} due soon."
    owned = group.late - group.unowned
    if not group.unowned:
        who = " and ".join(names.person(owner) for owner in group.owners)
        return f"{name}: {group.late} late. {who} {'are' if len(group.owners) > 1 else 'is'} \
dealing with {'it' if group.late == 1 else 'them'}."
    nobody = "it" if group.late == 1 else "them" if not owned else f"{group.unowned} of them"
    return f"{name}: {group.late} late. Nobody is dealing with {nobody}."


def step_of(state: str, collected_at: datetime | None, now: datetime) -> str:
    """Return how far a delivery has come, as a sentence."""
    if state == "undeliverable":
        return "It could not be delivered"
    if state == "acknowledged":
        return "Acknowledged, not decided"
    if collected_at is None:
        return "Not collected"
    return f"Collected {moment(collected_at, now)}. Nobody has acknowledged it"
