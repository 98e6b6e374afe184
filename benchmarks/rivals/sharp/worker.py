"""Its worker, one process of two: ``python -m benchmarks.rivals.sharp.worker``."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import orjson
import psycopg
from redis import Redis

from benchmarks.recipients import recipients, view
from benchmarks.rivals.sharp.tables import CLAIM, INSERT_DELIVERIES, SETTLE
from benchmarks.rivals.sharp.web import WAITING
from schemas import referral as schema

_TAKEN = "sharp.taken"
"""Ids that a worker has taken. What one had that died stays there for a person to push back."""


def main() -> None:
    """Take ids and route their referrals until the process is ended."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    queue = Redis.from_url(os.environ["SHARP_QUEUE"])
    exchange = Redis.from_url(os.environ["SHARP_EXCHANGE"])
    # Without a look whether the connection is still there, as somebody who wants speed does it.
    with psycopg.connect(os.environ["SHARP_DATABASE"]) as ledger:
        ledger.prepare_threshold = 1
        while True:
            taken = cast("bytes | None", queue.blmove(WAITING, _TAKEN, 1))
            if taken is not None:
                _route(ledger, exchange, UUID(bytes=taken))
                queue.lrem(_TAKEN, 1, taken)  # type: ignore[arg-type] # bytes will do


def _route(ledger: psycopg.Connection[Any], exchange: Redis, id_: UUID) -> None:
    with ledger.transaction():
        row = ledger.execute(CLAIM, (id_,)).fetchone()
        if row is None:
            return
        reference, document = row
        if schema.load(document, today=datetime.now(UTC).date()).referral is None:
            ledger.execute(SETTLE, ("rejected", id_))
            return
        agencies = recipients(document)
        deliveries = [uuid4() for _ in agencies]
        with ledger.pipeline():
            ledger.execute(INSERT_DELIVERIES, (id_, deliveries, list(agencies)))
            ledger.execute(SETTLE, ("routed", id_))
    with exchange.pipeline(transaction=False) as sending:
        for delivery, agency in zip(deliveries, agencies, strict=True):
            sending.lpush(f"sharp.{agency}", _message(reference, document, delivery, agency))
        sending.execute()


def _message(reference: str, document: dict[str, Any], delivery: UUID, agency: str) -> bytes:
    return orjson.dumps(
        {
            "delivery": str(delivery),
            "reference": reference,
            "agency": agency,
            "grade": document["grade"]["level"],
            "content": view(document, agency),
        }
    )


if __name__ == "__main__":
    main()
