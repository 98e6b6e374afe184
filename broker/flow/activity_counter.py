"""Part of steps 1, 4 and 5: count what organisations do, in memory, and write it every few seconds.

A process that is killed loses the counts of a few seconds, and no referral.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta

from broker.domain.ids import Clock, OrganisationCode
from broker.ledger.activity import Noted
from broker.ledger.ledger import Ledger

EVERY = timedelta(seconds=5)
SENT, POLLED, COLLECTED, ANSWERED = "sent", "polled", "collected", "answered"
MOST_COUNTS = 10_000
"""The most counts held while the ledger is unavailable; further ones are dropped."""
_Key = tuple[str, datetime, OrganisationCode]


class ActivityCounter:
    """Counts what organisations do. May be used from any thread; a count costs no transaction."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[_Key] = Counter()
        self._last: dict[tuple[str, OrganisationCode], datetime] = {}

    def note(self, organisation: OrganisationCode, activity: str, count: int = 1) -> None:
        """Count what an organisation did; a count of zero changes nothing."""
        if count < 1:
            return
        now = self._clock()
        with self._lock:
            self._add((activity, _hour(now), organisation), count, now)

    def flush(self) -> None:
        """Write the counts since the last flush. Raises Unavailable, and keeps the counts then."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            last, self._last = self._last, {}
        try:
            self._write(counts, last)
        except BaseException:
            with self._lock:
                for (activity, hour, organisation), count in counts.items():
                    at = last.get((activity, organisation), hour)
                    self._add((activity, hour, organisation), count, at)
            raise

    def _write(
        self, counts: Counter[_Key], last: dict[tuple[str, OrganisationCode], datetime]
    ) -> None:
        if counts:
            self._ledger.activity.note_activity(
                [
                    Noted(organisation, activity, hour, count, last[activity, organisation])
                    for (activity, hour, organisation), count in counts.items()
                ]
            )

    def _add(self, key: _Key, count: int, at: datetime) -> None:
        activity, _, organisation = key
        if key in self._counts or len(self._counts) < MOST_COUNTS:
            self._counts[key] += count
            before = self._last.get((activity, organisation), at)
            self._last[activity, organisation] = max(before, at)


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
