"""How long deliveries took and how many deadlines were met, from counts kept by the minute.

What each figure means stands in docs/operations.md; none costs more when the history is longer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from broker.domain.ids import OrganisationCode
from broker.domain.latency import Latencies
from broker.domain.monitoring import DeadlineStats, HeatmapRow
from broker.ledger.database import Connection, Part, Row, rows

WINDOWS: Mapping[str, timedelta] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "28d": timedelta(days=28),
}
"""Spans up to now that figures are given for. Up to a day they begin on a minute, then on an
hour: finer counts are not kept longer."""
USUAL_MILESTONE = "acknowledge"
"""The milestone that an agency's usual time is measured by."""
USUAL_WINDOW = "7d"
USUAL_FOR = timedelta(minutes=2)
"""How long usual times are used before they are looked up again."""
HOUR = timedelta(hours=1)
_NONE = timedelta(0)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ByMilestone = dict[tuple[OrganisationCode, str], Latencies]
"""Latencies by agency and milestone."""


class Statistics(Part):
    """Latencies and deadlines, counted by agency and milestone."""

    _usual: tuple[datetime, Mapping[OrganisationCode, float]] = (_EPOCH, {})

    @cached_property
    def edges(self) -> list[float]:
        """The edges of the latencies' buckets, in seconds."""
        edges: list[float] = self._planned("statistics/edges", {})[0]["edges"]
        return edges

    def latencies(
        self,
        windows: Iterable[str],
        *,
        now: datetime,
        agency: str | None = None,
        milestone: str | None = None,
    ) -> dict[str, ByMilestone]:
        """Return how long deliveries took in each window, by agency and milestone."""
        spans = _spans(windows, now, until=_minute(now) + timedelta(minutes=1))
        latencies: dict[str, ByMilestone] = {name: {} for name in spans["names"]}
        params = {"agency": agency, "milestone": milestone, **spans}
        for row in self._planned("statistics/latencies", params):
            key = row["agency"], row["milestone"]
            latencies[row["window"]][key] = self._latencies_of(row)
        return latencies

    def usual_times(
        self, *, now: datetime, fresh: bool = False
    ) -> Mapping[OrganisationCode, float]:
        """Return the seconds within which 95 % of an agency's deliveries were acknowledged, over
        seven days; as of two minutes ago at most, unless ``fresh``."""
        at, times = self._usual
        if fresh or not _NONE <= now - at < USUAL_FOR:
            latencies = self.latencies((USUAL_WINDOW,), now=now, milestone=USUAL_MILESTONE)
            percentiles = {
                agency: counts.percentile(95)
                for (agency, _), counts in latencies[USUAL_WINDOW].items()
            }
            times = {agency: value for agency, value in percentiles.items() if value is not None}
            self._usual = (now, times)
        return times

    def deadline_counts(
        self, windows: Iterable[str], *, now: datetime, agency: str | None = None
    ) -> dict[str, dict[tuple[OrganisationCode, str], DeadlineStats]]:
        """Return how many deadlines came due in each window and were met in time.

        A deadline counts once the minute is over in which it falls.
        """
        spans = _spans(windows, now, until=_minute(now))
        counts: dict[str, dict[tuple[OrganisationCode, str], DeadlineStats]]
        counts = {name: {} for name in spans["names"]}
        for row in self._planned("statistics/deadline_counts", {"agency": agency, **spans}):
            key = row["agency"], row["milestone"]
            counts[row["window"]][key] = DeadlineStats(row["due"], row["in_time"])
        return counts

    def heatmap(
        self, *, now: datetime, slot: timedelta, slots: int, limit: int, agency: str | None = None
    ) -> list[HeatmapRow]:
        """Return the agencies that met the fewest of their deadlines, in ``slots_until`` now."""
        end = _minute(now)
        start = slots_until(now, slot, slots)[0]
        # Whole hours are read as such; only the hour that runs is put together from minutes.
        hours_end = max(start, end.replace(minute=0)) if slot % HOUR == _NONE else start
        params = {"slot": slot, "start": start, "hours_end": hours_end, "end": end, "limit": limit}
        by_agency: dict[OrganisationCode, dict[datetime, DeadlineStats]] = defaultdict(dict)
        for row in self._planned("statistics/heatmap", {**params, "agency": agency}):
            by_agency[row["agency"]][row["at"]] = DeadlineStats(row["due"], row["in_time"])
        return [HeatmapRow(code, stats) for code, stats in by_agency.items()]

    def totals(self, *, now: datetime) -> tuple[list[Row], ByMilestone]:
        """Return everything that was ever counted, for counters that only rise.

        Deadlines as rows of ``agency``, ``milestone``, ``due``, ``withdrawn`` and ``in_time``;
        latencies by agency and milestone.
        """
        with self._transaction() as connection:
            deadlines = rows(connection, "statistics/totals", {"end": _minute(now)}, prepare=False)
            latencies = _all_latencies(connection)
        return deadlines, {
            (row["agency"], row["milestone"]): self._latencies_of(row, row["microseconds"] / 1e6)
            for row in latencies
        }

    def _latencies_of(self, row: Row, seconds: float | None = None) -> Latencies:
        counts = dict(zip(row["buckets"], row["counts"], strict=True))
        return Latencies(self.edges, counts, seconds)


def window_start(name: str, now: datetime) -> datetime:
    """Return when a window that ends now begins: on a minute, or on an hour beyond a day."""
    start = _minute(now) - WINDOWS[name]
    return start.replace(minute=0) if WINDOWS[name] > timedelta(days=1) else start


def slots_until(now: datetime, slot: timedelta, count: int) -> list[datetime]:
    """Return when so many slots began, the last of them being the one that runs.

    They begin on whole multiples of their length: an hour's on the hour.
    """
    last = _minute(now) - (_minute(now) - _EPOCH) % slot
    return [last - slot * n for n in reversed(range(count))]


def _all_latencies(connection: Connection) -> list[Row]:
    return rows(connection, "statistics/all_latencies", {})


def _spans(windows: Iterable[str], now: datetime, *, until: datetime) -> dict[str, list[Any]]:
    names = list(windows)
    starts = [window_start(name, now) for name in names]
    return {"names": names, "starts": starts, "ends": [until] * len(names)}


def _minute(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(second=0, microsecond=0)
