"""Part of every step: the present epoch, and whether a restore keeps older referrals back."""

from __future__ import annotations

import threading
from collections.abc import Callable

from broker.domain.epoch import Epoch
from broker.ledger.ledger import Ledger
from broker.telemetry import monotonic_seconds

REFRESH_SECONDS = 5.0
"""A restore is known, and its end, after so long."""


class EpochCache:
    """Reads the epochs now and then. May be used from any thread."""

    def __init__(
        self, ledger: Ledger, *, monotonic: Callable[[], float] = monotonic_seconds
    ) -> None:
        self._ledger = ledger
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._epochs: list[Epoch] = []
        self._fresh_until = 0.0

    def reading(self, ledger: Ledger) -> EpochCache:
        """Return a cache that has what this one has, and reads later from another ledger."""
        cache = EpochCache(ledger, monotonic=self._monotonic)
        with self._lock:
            cache._epochs, cache._fresh_until = self._epochs, self._fresh_until
        return cache

    def epochs(self) -> list[Epoch]:
        """Return every epoch of the ledger, the first one first."""
        with self._lock:
            if not self._epochs or self._monotonic() >= self._fresh_until:
                self._epochs = self._ledger.epochs.epochs()
                self._fresh_until = self._monotonic() + REFRESH_SECONDS
            return self._epochs

    def quarantine(self) -> Epoch | None:
        """Return the epoch that keeps older referrals back; None while nothing is."""
        present = self.epochs()[-1]
        return present if present.in_quarantine else None
