"""How long things took, as counts in buckets: what can be said of them, and how exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

P50, P95, P99 = 50, 95, 99


@dataclass(frozen=True, slots=True)
class Latencies:
    """Counts of durations. Bucket ``n`` holds what is above ``edges[n-1]`` and at most
    ``edges[n]`` seconds; the last one has no upper edge."""

    edges: Sequence[float]
    counts: Mapping[int, int]
    seconds: float | None = None
    """What they add up to, where that was asked for."""

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(self.counts.values())

    def percentile(self, percent: int) -> float | None:
        """Return the seconds that so many percent did not exceed; None when there are none.

        The bucket is that of the nearest rank; within it, an even spread is assumed, so the value
        is at most a bucket off: a fifth, at some edges 27 %. Beyond the last edge it is that edge.
        """
        total = self.count
        if not total:
            return None
        rank = max(1, -(-total * percent // 100))
        below = 0
        for bucket in sorted(self.counts):
            count = self.counts[bucket]
            if below + count >= rank:
                return self._within(bucket, (rank - below) / count)
            below += count
        raise AssertionError("The counts add up to their sum.")

    def up_to(self, edge: float) -> int:
        """Return how many took at most so long; exact where ``edge`` is one of the edges."""
        return sum(
            count
            for bucket, count in self.counts.items()
            if bucket < len(self.edges) and self.edges[bucket] <= edge
        )

    def _within(self, bucket: int, share: float) -> float:
        if bucket >= len(self.edges):
            return self.edges[-1]
        low = self.edges[bucket - 1] if bucket else 0.0
        return low + (self.edges[bucket] - low) * share
