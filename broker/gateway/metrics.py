"""Metrics: counted in the ledger, once for all processes. Codes and numbers only.

Every gateway reads the same figures from the one ledger: queries take their ``max``, never their
``sum``. What a gateway counts of itself is in ``request_metrics``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from broker import telemetry
from broker.domain.delivery import OpenWork
from broker.domain.health import Signals
from broker.domain.latency import Latencies
from broker.errors import PolicyError
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.flow.task_queues import TASK_QUEUES
from broker.gateway.expiry_gauges import Endings
from broker.gateway.request_metrics import RequestMetrics
from broker.ledger.monitoring import BANDS
from broker.policy.time.calendars import LONDON

EDGES = (1, 8, 32, 128, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 259_200, 432_000)
"""In seconds: some of the edges that the ledger counts by, one on every deadline class that counts
hours of every day."""
_STATES = ("held", "available", "leased", "collected", "acknowledged", "undeliverable")
SILENCES = 1000
"""The most open alarms about silence that are exported."""


def text(context: Context, health: HealthWatch, requests: RequestMetrics) -> bytes:
    """Return the metrics in Prometheus's format."""
    registry = CollectorRegistry()
    registry.register(requests)
    now = context.clock()
    registry.register(Ledger(context, now, health))
    with suppress(PolicyError):  # before the first policy nothing can end
        registry.register(Endings(context.policies.latest(), now.astimezone(LONDON).date()))
    return generate_latest(registry)


class Ledger(Collector):
    """Everything that the ledger knows at an instant."""

    def __init__(self, context: Context, now: datetime, health: HealthWatch) -> None:
        self._context = context
        self._now = now
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield from self._worst()
        yield from self._queues()
        yield from self._promises()
        yield from self._pipes()
        yield self._silent()
        yield CounterMetricFamily(
            "broker_log_lines_dropped",
            "Log lines that this gateway could not write.",
            value=telemetry.dropped_lines(),
        )
        yield CounterMetricFamily(
            "broker_worker_log_lines_dropped",
            "Log lines that workers could not write.",
            value=self._context.ledger.monitoring.lines_lost(),
        )

    def _worst(self) -> Iterator[Metric]:
        health = self._health.health()
        yield GaugeMetricFamily(
            "broker_health",
            "The worst: 0 well, 1 soon, 2 attention, 3 late, 4 failing, 5 unknown, 6 stopped.",
            value=health.level,
        )
        problems = GaugeMetricFamily(
            "broker_problem", "What is not well, by code, with its level.", labels=["code"]
        )
        for code in {problem.code: None for problem in health.problems}:
            levels = [problem.level for problem in health.problems if problem.code == code]
            problems.add_metric([code], max(levels))
        yield problems
        yield from self._proofs(health.signals)

    def _proofs(self, signals: Signals) -> Iterator[Metric]:
        """Yield what is known of test referrals and the monitor outside; nothing of what is off."""
        tests, monitor = signals.test_referrals, signals.outside_monitor
        test = tests.latest if tests and tests.every else None
        ping = monitor.latest if monitor and monitor.is_set else None
        through_at, seconds = (test.through_at, test.seconds) if test else (None, None)
        answered_at = ping.answered_at if ping else None
        yield _known(
            "broker_synthetic_through_time_seconds",
            "When a test referral last came through (Unix time).",
            through_at.timestamp() if through_at else None,
        )
        yield _known(
            "broker_synthetic_seconds",
            "How long the last test referral took that came through.",
            seconds,
        )
        yield _known(
            "broker_outside_monitor_answered_time_seconds",
            "When the monitor outside last answered well (Unix time).",
            answered_at.timestamp() if answered_at else None,
        )

    def _queues(self) -> Iterator[Metric]:
        queues = list(self._context.ledger.monitoring.open_work(now=self._now).values())
        deliveries = GaugeMetricFamily(
            "broker_deliveries", "Unfinished deliveries.", labels=["agency", "state"]
        )
        for queue in queues:
            for state in _STATES:
                deliveries.add_metric([queue.agency, state], getattr(queue, state))
        yield deliveries
        overdue = GaugeMetricFamily(
            "broker_deliveries_overdue",
            "Unfinished deliveries past a deadline, whatever their state.",
            labels=["agency"],
        )
        for queue in queues:
            overdue.add_metric([queue.agency], queue.overdue)
        yield overdue
        yield self._undeliverable()
        yield self._deferred()
        yield self._ages(queues, "claimable", "Age of the oldest delivery that could be taken now.")
        yield self._ages(
            queues, "unacknowledged", "Age of the oldest delivery that no person has taken."
        )
        yield self._bands()

    def _ages(self, queues: list[OpenWork], which: str, help_: str) -> Metric:
        ages = GaugeMetricFamily(f"broker_oldest_{which}_seconds", help_, labels=["agency"])
        for queue in queues:
            since = getattr(queue, f"oldest_{which}_at")
            # Below zero where a clock was wrong: an alert can see that, and nothing can hide it.
            age = (self._now - since).total_seconds() if since else 0.0
            ages.add_metric([queue.agency], age)
        return ages

    def _undeliverable(self) -> Metric:
        causes = GaugeMetricFamily(
            "broker_undeliverable",
            "Deliveries that cannot be made, by cause.",
            labels=["agency", "cause"],
        )
        for dead_letter in self._context.ledger.monitoring.dead_letters():
            causes.add_metric(
                [dead_letter.agency, dead_letter.cause or "unknown"], dead_letter.count
            )
        return causes

    def _deferred(self) -> Metric:
        deferred = GaugeMetricFamily(
            "broker_deferred",
            "Deliveries that could not be sent and are tried again, by why not.",
            labels=["channel", "code"],
        )
        for labels, count in self._context.ledger.monitoring.deferred().items():
            deferred.add_metric(labels, count)
        return deferred

    def _bands(self) -> Metric:
        bands = GaugeMetricFamily(
            "broker_open_by_time_left",
            "Open work by time left until its deadline.",
            labels=["left"],
        )
        counts = self._context.ledger.monitoring.burn_down(now=self._now)
        for band in BANDS:
            bands.add_metric([band], sum(counts[band].values()))
        return bands

    def _promises(self) -> Iterator[Metric]:
        promised, took = self._context.ledger.statistics.totals(now=self._now)
        helps = {
            "due": "Deadlines that have come due.",
            "in_time": "Deadlines that were kept, of those that have come due.",
            "withdrawn": "Deadlines that came due, but had been moved or ended before.",
        }
        for name, help_ in helps.items():
            family = CounterMetricFamily(
                f"broker_deadlines_{name}", help_, labels=["agency", "milestone"]
            )
            for row in promised:
                family.add_metric([row["agency"], row["milestone"]], row[name])
            yield family
        latency = HistogramMetricFamily(
            "broker_latency_seconds",
            "From a delivery's clock start until the milestone.",
            labels=["agency", "milestone"],
        )
        for (agency, milestone), latencies in sorted(took.items()):
            total = latencies.seconds or 0.0
            latency.add_metric([agency, milestone], _buckets(latencies), total)
        yield latency

    def _pipes(self) -> Iterator[Metric]:
        yield from self._pipeline()
        feeds = self._context.ledger.epochs.feeds()
        kept_back = sum(self._context.ledger.epochs.kept_back().values())
        for name, help_, value in (
            ("quarantine", "Whether a restore waits to be confirmed.", feeds.in_quarantine),
            ("quarantined", "Deliveries that are kept back until then.", kept_back),
            ("events_unnumbered", "Events that no feed shows yet.", feeds.unnumbered),
        ):
            yield GaugeMetricFamily(f"broker_{name}", help_, value=value)
        yield self._tasks()
        yield self._wakeups()
        yield from self._clocks()

    def _pipeline(self) -> Iterator[Metric]:
        """Yield what waits at each step, and whether a worker leads the sweep."""
        pipes = self._context.ledger.monitoring.pipeline_status(now=self._now)
        oldest = pipes.inbox_oldest_at
        # Below zero the clock of a gateway was ahead; hidden, it would hide a wait of any length.
        age = (self._now - oldest).total_seconds() if oldest else 0.0
        beat = pipes.sweep_until.timestamp() if pipes.sweep_until else 0.0
        gauges = (
            ("unrouted", "Referrals that wait for routing.", pipes.inbox),
            ("oldest_unrouted_seconds", "Age of the oldest one.", age),
            ("unroutable", "Referrals that no agency matches.", pipes.unroutable),
            ("retries", "Pushes that wait for their next attempt.", pipes.retries),
            ("escalations_open", "Escalations that nobody has acknowledged.", pipes.escalations),
            ("notices_due", "Notices that wait to be sent.", pipes.notices_due),
            ("notices_failed", "Notices that failed within a day.", pipes.notices_failed),
            ("workers", "Workers that showed themselves within 15 seconds.", pipes.workers),
            ("sweep_lead_until_seconds", "Until when a worker leads the sweep (Unix time).", beat),
            (
                "unswept_seconds",
                "Since a worker led the sweep, by the ledger's clock; below zero while one leads.",
                pipes.seconds_unswept(self._now),
            ),
        )
        for name, help_, value in gauges:
            yield GaugeMetricFamily(f"broker_{name}", help_, value=value)

    def _clocks(self) -> Iterator[Metric]:
        clocks = self._context.ledger.process_clocks.present()
        yield GaugeMetricFamily(
            "broker_clocks_apart",
            "Processes that neither lead nor accept, because their clock is too far off.",
            value=sum(clock.difference.is_apart for clock in clocks),
        )
        furthest: dict[tuple[str, str], float] = {}
        for clock in clocks:  # the furthest first
            furthest.setdefault((clock.kind, clock.host), clock.difference.seconds)
        differences = GaugeMetricFamily(
            "broker_clock_difference_seconds",
            "How far a host's clock is ahead of the ledger's.",
            labels=["process", "host"],
        )
        for labels, seconds in furthest.items():
            differences.add_metric(labels, seconds)
        yield differences

    def _tasks(self) -> Metric:
        counts = self._context.ledger.tasks.counts(now=self._now)
        tasks = GaugeMetricFamily(
            "broker_tasks", "Tasks that nobody has settled.", labels=["state"]
        )
        tasks.add_metric(["open"], counts.open)
        tasks.add_metric(["overdue"], counts.overdue)
        return tasks

    def _silent(self) -> Metric:
        silent = GaugeMetricFamily(
            "broker_silent",
            "Organisations that are silent for too long.",
            labels=["organisation", "activity"],
        )
        for silence in self._context.ledger.activity.silences(limit=SILENCES):
            silent.add_metric([silence.organisation, silence.activity], 1)
        return silent

    def _wakeups(self) -> Metric:
        """Return what waits for workers; empty while the Valkey of wake-ups does not answer."""
        waiting = GaugeMetricFamily(
            "broker_wakeups_waiting", "Wake-ups that no worker has taken.", labels=["lane"]
        )
        for lane, count in (self._context.wakeups.waiting(TASK_QUEUES) or {}).items():
            waiting.add_metric([lane], count)
        return waiting


def _buckets(latencies: Latencies) -> list[tuple[str, float]]:
    return [
        *((f"{edge:g}", float(latencies.up_to(edge))) for edge in EDGES),
        ("+Inf", float(latencies.count)),
    ]


def _known(name: str, help_: str, value: float | None) -> Metric:
    """Return a figure; without a sample where it is not known."""
    family = GaugeMetricFamily(name, help_)
    if value is not None:
        family.add_metric([], value)
    return family
