"""Lapsed leases, ended embargoes and lost wake-ups: find the work, and make it available."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.ids import DeliveryId, ReferralId
from broker.ledger.database import Part


@dataclass(frozen=True, slots=True)
class Due:
    """What waits for a worker."""

    route: ReferralId | None
    """The referral that has been due longest."""
    pushes: Mapping[str, DeliveryId]
    """The delivery that has been due longest on each pushed channel that has any."""


class Sweep(Part):
    """Leases that lapsed, embargoes that ended, and work whose wake-up was lost."""

    def lapse(self, *, now: datetime, limit: int) -> int:
        """Make available what was leased until now and not collected; return how many."""
        return len(self._rows("sweep/lapse", {"now": now, "limit": limit}))

    def release_held(self, *, now: datetime, limit: int) -> int:
        """Make available what an embargo held until now; return how many."""
        return len(self._rows("sweep/release_held", {"now": now, "limit": limit}))

    def fold_counts(self, *, limit: int) -> int:
        """Add up what transactions counted into minutes, hours and days; return how many rows."""
        folded: int = self._rows("sweep/fold_counts", {"limit": limit})[0]["folded"]
        return folded

    def thin_counts(self, *, now: datetime) -> None:
        """Delete counts that are finer than any window needs at their age."""
        self._rows("sweep/thin_counts", {"now": now})

    def purge_workers(self, *, now: datetime) -> None:
        """Delete workers that have not reported for a day."""
        self._rows("sweep/purge_workers", {"now": now})

    def add_lines_lost(self, process: str, lines: int) -> None:
        """Add the log lines that a process of this kind could not write."""
        self._rows("sweep/add_lines_lost", {"process": process, "lines": lines})

    def due(self, *, now: datetime) -> Due:
        """Return what is due."""
        (row,) = self._rows("sweep/due", {"now": now})
        return Due(row["route"], dict(zip(row["channels"], row["pushes"], strict=True)))

    def hold_lead(self, name: str, holder: str, *, for_: timedelta, now: datetime) -> bool:
        """Take or keep a lead; False while another holder has it."""
        params = {"name": name, "holder": holder, "now": now, "until": now + for_}
        return bool(self._rows("sweep/hold_lead", params))
