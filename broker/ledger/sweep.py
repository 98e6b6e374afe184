"""What the ledger does for the sweep: find what fell, and put it back."""

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
    """Leases that ran out, embargoes that ended, work that nobody was woken for."""

    def lapse(self, *, now: datetime, limit: int) -> int:
        """Put back what was leased and not answered for; return how many."""
        return len(self._rows("sweep/lapse", {"now": now, "limit": limit}))

    def release_held(self, *, now: datetime, limit: int) -> int:
        """Make available what an embargo held until now; return how many."""
        return len(self._rows("sweep/release_held", {"now": now, "limit": limit}))

    def fold_counts(self, *, limit: int) -> int:
        """Fold what transactions counted into minutes, hours and days; return how many rows."""
        folded: int = self._rows("sweep/fold_counts", {"limit": limit})[0]["folded"]
        return folded

    def thin_counts(self, *, now: datetime) -> None:
        """Let go of counts that are finer than anybody asks for at their age."""
        self._rows("sweep/thin_counts", {"now": now})

    def purge_workers(self, *, now: datetime) -> None:
        """Forget workers that have not shown themselves for a day."""
        self._rows("sweep/purge_workers", {"now": now})

    def due(self, *, now: datetime) -> Due:
        """Say what is due."""
        (row,) = self._rows("sweep/due", {"now": now})
        return Due(row["route"], dict(zip(row["channels"], row["pushes"], strict=True)))

    def hold_lead(self, name: str, holder: str, *, for_: timedelta, now: datetime) -> bool:
        """Take or keep a lead; False while another holder has it."""
        asked = {"name": name, "holder": holder, "now": now, "until": now + for_}
        return bool(self._rows("sweep/hold_lead", asked))
