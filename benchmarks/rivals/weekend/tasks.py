"""Its worker: one Celery task a referral, a row and a message by Kombu for each delivery."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from celery import Celery
from kombu import Connection, pools

from benchmarks.recipients import recipients, view
from benchmarks.rivals.weekend.tables import Delivery, Referral, session
from schemas import referral as schema

app = Celery("weekend", broker=os.environ.get("WEEKEND_CELERY"))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
)


@app.task(name="weekend.process")
def process(id_: str) -> None:
    """Validate a referral, write a delivery for each agency, and send it to them."""
    with session() as open_session:
        referral = open_session.get(Referral, UUID(id_), with_for_update=True)
        if referral is None or referral.state != "accepted":
            return
        checked = schema.load(referral.body, today=datetime.now(UTC).date())
        if checked.referral is None:
            referral.state = "rejected"
            open_session.commit()
            return
        agencies = recipients(referral.body)
        deliveries = [Delivery(referral=referral.id, agency=agency) for agency in agencies]
        open_session.add_all(deliveries)
        referral.state, referral.routed_at = "routed", datetime.now(UTC)
        open_session.commit()
    _send(referral, deliveries)


def _send(referral: Referral, deliveries: Sequence[Delivery]) -> None:
    with pools.producers[_exchange()].acquire(block=True) as producer:
        for delivery in deliveries:
            producer.publish(
                _message(referral, delivery),
                exchange="",
                routing_key=f"weekend.{delivery.agency}",
                serializer="json",
            )


def _message(referral: Referral, delivery: Delivery) -> dict[str, Any]:
    document = referral.body
    return {
        "delivery": str(delivery.id),
        "reference": referral.reference,
        "agency": delivery.agency,
        "grade": document["grade"]["level"],
        "content": view(document, delivery.agency),
    }


@cache
def _exchange() -> Connection:
    return Connection(os.environ["WEEKEND_EXCHANGE"])
