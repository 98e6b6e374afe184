"""What is known of a broker at an instant, and what of it is not well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.domain.codes import HealthLevel
from broker.domain.proofs import MonitorState, SyntheticState


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What was measured. None is unknown, and unknown is not well.

    So a signal that somebody adds makes every broker unwell until it is measured.
    """

    at: datetime
    ledger: bool | None = None
    """Whether the ledger answers. Without it nothing else is known."""
    beats: Mapping[str, datetime | None] | None = None
    """Until when each lane of the services counts as working; None for one that never worked."""
    workers: int | None = None
    gateways: int | None = None
    """Gateways that have reported within a minute; what only they see is unknown without one."""
    clocks_apart: int | None = None
    """Processes that neither lead nor accept, because their clock is too far from the ledger's."""
    clock_difference: float | None = None
    """Seconds that the clock of some process is at least from the ledger's."""
    unrouted: int | None = None
    """Referrals that are accepted and not routed."""
    unrouted_seconds: float | None = None
    """How long the oldest of them has waited; 0 when none does."""
    notices_failed: int | None = None
    """Alerts that failed within a day."""
    notices_deferred: int | None = None
    """Alerts that could not be sent yet."""
    channels: Mapping[str, bool | None] | None = None
    """Whether the other side of each channel answers, such as the agencies' message broker."""
    wakeups: bool | None = None
    """Whether the queue service for wake-ups answers."""
    quarantine: bool | None = None
    """Whether a restore waits to be confirmed, so that older referrals are kept back."""
    feed_lag: float | None = None
    """For how many seconds the first event has waited that no publisher's feed shows yet."""
    disks: Mapping[str, float | None] | None = None
    """The free share of each disk that the settings name; None for one that cannot be read."""
    test_referrals: SyntheticState | None = None
    """Whether test referrals come through, where any are sent."""
    outside_monitor: MonitorState | None = None
    """Whether the monitor outside answers, where one is set."""
    late: int | None = None
    tasks_overdue: int | None = None
    unroutable: int | None = None
    undeliverable: int | None = None
    silent: int | None = None
    """Organisations that are silent for too long."""
    soon: int | None = None
    open: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not well."""

    code: str
    level: HealthLevel
    sentence: str
    """What it is and what it means: no name of a person, and no content."""
    next_step: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that is not well, worst first."""

    signals: Signals
    problems: Sequence[Problem]

    @property
    def level(self) -> HealthLevel:
        """The worst level."""
        return max((problem.level for problem in self.problems), default=HealthLevel.WELL)

    @property
    def sentence(self) -> str:
        """The worst in one sentence."""
        if not self.problems:
            return "Everything is on time, and all parts of the broker work."
        return self.problems[0].sentence

    @property
    def rest(self) -> Sequence[Problem]:
        """What is not well beside the worst."""
        return self.problems[1:]
