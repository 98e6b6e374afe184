"""The figures of the status page, gathered at most once a second in each process."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from broker.dashboard import duty
from broker.dashboard.duty import DutyFigures
from broker.dashboard.organisation_names import Names, names_of
from broker.dashboard.parallel_queries import run_all
from broker.domain.delivery import OpenWork
from broker.domain.escalation import Escalation
from broker.domain.health import Health
from broker.domain.ids import OrganisationCode
from broker.domain.latency import P50, P95, P99, Latencies
from broker.domain.monitoring import (
    AtRisk,
    Breaches,
    DeadLetters,
    DeadlineStats,
    HeatmapRow,
    OrganisationStatus,
    PipelineStatus,
    RiskCounts,
    WaitingCounts,
)
from broker.domain.pictures import HourOfDeadlines
from broker.flow.context import Context
from broker.flow.health_watch import MOST_SILENCES, HealthWatch
from broker.flow.task_queues import TASK_QUEUES
from broker.ledger.process_clocks import ProcessClock
from broker.ledger.statistics import WINDOWS, slots_until

T = TypeVar("T")
FRESH_SECONDS = 1.0
AT_ONCE = 2
"""Queries that run at the same time: the ledger runs each in a process of its own."""
LISTED = 25
BREACHES = 20
HEAT_ROWS = 12
SLOTS = 24
SLOT_LENGTHS: Mapping[str, timedelta] = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
NOTHING = DeadlineStats(0, 0)


@dataclass(frozen=True, slots=True)
class AgencyLine:
    """One agency's figures."""

    presence: OrganisationStatus
    work: OpenWork
    p50: float | None
    p95: float | None
    p99: float | None
    day: DeadlineStats
    month: DeadlineStats


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything on the status page, as of one instant."""

    now: datetime
    health: Health
    """The same for all windows; the sentence, the colour and the icon come from it."""
    counts: RiskCounts
    bands: Mapping[str, Mapping[str, int]]
    risks: Sequence[AtRisk]
    agencies: Sequence[AgencyLine]
    heat: Sequence[HeatmapRow]
    slot: timedelta
    breaches: Breaches
    pipes: PipelineStatus
    wakeups: Mapping[str, int] | None
    """Wake-ups that no worker has taken, by lane; None while Valkey does not answer."""
    clocks: Sequence[ProcessClock]
    """How far each process's clock is from the ledger's, the furthest first."""
    dead: Sequence[DeadLetters]
    escalations: Sequence[Escalation]
    hours: Sequence[HourOfDeadlines]
    """What is late, then each of the next 24 hours by what is due."""

    @property
    def names(self) -> Mapping[str, str]:
        """The agencies' names by code."""
        return {agency.presence.agency: agency.presence.name for agency in self.agencies}

    @property
    def heat_slots(self) -> Sequence[datetime]:
        """When each slot of the heat map began."""
        return slots_until(self.now, self.slot, SLOTS)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page shows beside its own figures."""

    counts: WaitingCounts
    silent: int
    """Organisations that are silent for too long."""
    names: Names


class Kept(Generic[T]):
    """A value that is worked out at most once a second; requests that come meanwhile share it."""

    def __init__(self, work_out: Callable[[], T], monotonic: Callable[[], float]) -> None:
        self._work_out = work_out
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._acts = 0
        self._latest: tuple[int, float, T] | None = None

    def value(self) -> T:
        """Return the value; raises what working it out raises, and keeps nothing then."""
        with self._lock:
            if self._latest is None or not self._is_fresh(*self._latest[:2]):
                acts = self._acts  # what is worked out while somebody acts is not kept
                value = self._work_out()
                # Its second begins when it is there: those who waited for it share it.
                self._latest = acts, self._monotonic(), value
            return self._latest[2]

    def forget(self) -> None:
        """Work the value out anew for the next request."""
        self._acts += 1

    def _is_fresh(self, acts: int, at: float) -> bool:
        return acts == self._acts and self._monotonic() - at < FRESH_SECONDS


class Watch:
    """Gathers pictures. May be used from any thread."""

    def __init__(
        self,
        context: Context,
        health: HealthWatch,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._health = health
        self._pictures = {
            (window, slot): Kept(partial(self._gather, window, slot), monotonic)
            for window in WINDOWS
            for slot in SLOT_LENGTHS
        }
        self._frames = Kept(self._frame, monotonic)
        self._duties = Kept(self._duty, monotonic)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="picture")

    def picture(self, window: str, slot: str) -> Picture:
        """Return a picture that is at most a second old. Raises Unavailable."""
        return self._pictures[window, slot].value()

    def frame(self) -> Frame:
        """Return what every page shows, at most a second old. Raises Unavailable."""
        return self._frames.value()

    def duty(self) -> DutyFigures:
        """Return the figures of the duty page, at most a second old. Raises Unavailable."""
        return self._duties.value()

    def forget(self) -> None:
        """Gather anew for the next request, because somebody has acted."""
        self._frames.forget()
        self._duties.forget()
        for picture in self._pictures.values():
            picture.forget()

    def _frame(self) -> Frame:
        ledger, now = self._context.ledger, self._context.clock()
        silences = ledger.activity.silences(limit=MOST_SILENCES)
        silent = len({silence.organisation for silence in silences})
        counts = ledger.monitoring.waiting_counts(now=now)
        return Frame(counts, silent, names_of(self._context))

    def _duty(self) -> DutyFigures:
        return duty.gather(self._context, self._health.health, self._pool)

    def _gather(self, window: str, slot: str) -> Picture:
        context, ledger, now = self._context, self._context.ledger, self._context.clock()
        length = SLOT_LENGTHS[slot]
        day = now - timedelta(days=1)
        figures = run_all(
            self._pool,
            {
                "agencies": lambda: agency_lines(context, window, now=now),
                "bands": lambda: ledger.monitoring.burn_down(now=now),
                "risks": lambda: ledger.monitoring.at_risk(now=now, limit=LISTED),
                "heat": lambda: ledger.statistics.heatmap(
                    now=now, slot=length, slots=SLOTS, limit=HEAT_ROWS
                ),
                "breaches": lambda: ledger.monitoring.breaches(now=now, since=day, limit=BREACHES),
                "counts": lambda: ledger.monitoring.risk_counts(now=now),
                "health": self._health.health,
                "pipes": lambda: ledger.monitoring.pipeline_status(now=now),
                "wakeups": lambda: context.wakeups.waiting(TASK_QUEUES),
                "clocks": ledger.process_clocks.present,
                "dead": ledger.monitoring.dead_letters,
                "escalations": lambda: ledger.alarms.escalations(limit=LISTED),
                "hours": lambda: ledger.pictures.deadlines_by_hour(now=now),
            },
        )
        return Picture(now=now, slot=length, **figures)


def agency_lines(
    context: Context, window: str, *, now: datetime, agency: str | None = None
) -> list[AgencyLine]:
    """Return the figures of every agency that ever had work or a deadline, worst first."""
    ledger = context.ledger
    work = ledger.monitoring.open_work(now=now, agency=agency)
    took = ledger.statistics.latencies((window,), now=now, agency=agency, milestone="acknowledge")[
        window
    ]
    met = ledger.statistics.deadline_counts(("24h", "28d"), now=now, agency=agency)
    owed: dict[str, list[tuple[OrganisationCode, str]]] = defaultdict(list)
    for key in met["28d"]:
        owed[key[0]].append(key)
    lines = []
    for code, presence in ledger.monitoring.organisation_status().items():
        of = owed[code]
        if agency not in (None, code) or not (code in work or of or presence.stopped_at or agency):
            continue
        times = took.get((code, "acknowledge")) or Latencies(ledger.statistics.edges, {})
        lines.append(
            AgencyLine(
                presence,
                work.get(code) or OpenWork(code),
                times.percentile(P50),
                times.percentile(P95),
                times.percentile(P99),
                _added(met["24h"].get(key, NOTHING) for key in of),
                _added(met["28d"].get(key, NOTHING) for key in of),
            )
        )
    return sorted(lines, key=_worst_first)


def _worst_first(line: AgencyLine) -> tuple[float, ...]:
    oldest = line.work.oldest_unacknowledged_at
    return (
        -line.work.overdue,
        line.day.share if line.day.share is not None else 1.0,
        oldest.timestamp() if oldest else float("inf"),
        -line.work.open,
    )


def _added(parts: Iterable[DeadlineStats]) -> DeadlineStats:
    counts = list(parts)
    return DeadlineStats(sum(part.due for part in counts), sum(part.in_time for part in counts))
