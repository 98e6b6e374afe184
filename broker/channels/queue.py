"""The queue channel: copies of deliveries in an agency's own durable Kombu queue.

A copy in a queue proves nothing, so each delivery stays leased while the agency has time to say
``collected``; if it does not, the same delivery is sent again under the same id, ever more rarely.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from broker.channels import Parcel
from broker.domain.delivery import Attempt
from broker.errors import Unavailable
from broker.telemetry import error_fields, logger
from broker.transport.queues import AgencyQueues, Copy

FIRST_PATIENCE = timedelta(minutes=15)
"""How long a copy may lie in the queue before it is sent again; doubles with each attempt."""
LONGEST_PATIENCE = timedelta(hours=4)
FIRST_PAUSE = timedelta(seconds=2)
"""How long to wait when the queue is full or away; doubles with each attempt."""
LONGEST_PAUSE = timedelta(minutes=5)
_log = logger("channel")


class QueueChannel:
    """Publishes to ``agency.<code>``. May be used from any thread, one batch at a time."""

    def __init__(self, url: str) -> None:
        self._queues = AgencyQueues(url)
        self._lock = threading.Lock()

    def send(self, parcels: Sequence[Parcel], *, now: datetime) -> list[Attempt]:
        """Put each parcel in its agency's queue; a full or absent queue defers it."""
        copies = [
            Copy(parcel.offer.agency, str(parcel.offer.id), parcel.body) for parcel in parcels
        ]
        code = "queue_full"
        with self._lock:
            try:
                sent = self._queues.publish(copies)
            except Unavailable as error:
                _log.warning("queues away", count=len(copies), **error_fields(error))
                sent, code = [False] * len(copies), "unavailable"
        return [
            _attempt(parcel, was_sent, code, now)
            for parcel, was_sent in zip(parcels, sent, strict=True)
        ]

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            self._queues.close()


def _attempt(parcel: Parcel, was_sent: bool, code: str, now: datetime) -> Attempt:
    offer = parcel.offer
    assert offer.lease is not None
    doublings = min(max(offer.attempt - 1, 0), 10)
    if was_sent:
        until = now + min(FIRST_PATIENCE * 2**doublings, LONGEST_PATIENCE)
        return Attempt(offer.id, offer.lease.id, "sent", until)
    again = now + min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)
    return Attempt(offer.id, offer.lease.id, "deferred", again, code)
