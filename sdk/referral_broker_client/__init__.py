"""The SDK: ``Publisher`` for police systems, ``Consumer`` for agencies, ``Ops`` for ops.

    with Publisher(url, key) as publisher:
        receipt = publisher.publish(document)

    with Consumer(url, key, by="Intake desk") as consumer:
        for delivery in consumer:
            with delivery:
                case_system.take_in(delivery.id, delivery.content)

It depends on nothing of the server: urllib3, and Kombu for ``QueueConsumer`` alone
(``from referral_broker_client.queue import QueueConsumer``). Its logger,
``referral_broker_client``, writes ids and codes and never content. See docs/sdk.md.
"""

from referral_broker_client.consumer import Consumer
from referral_broker_client.delivery import Answer, Delivery, Lease, Settled
from referral_broker_client.errors import (
    ClientError,
    Conflict,
    Denied,
    Fault,
    Invalid,
    NotFound,
    Problem,
    Throttled,
    Unavailable,
    Unexpected,
)
from referral_broker_client.ops import Ops
from referral_broker_client.publisher import Publisher
from referral_broker_client.values import (
    DeliveryStatus,
    Event,
    Published,
    Recall,
    Receipt,
    Reconciled,
    Status,
)

__all__ = [
    "Answer",
    "ClientError",
    "Conflict",
    "Consumer",
    "Delivery",
    "DeliveryStatus",
    "Denied",
    "Event",
    "Fault",
    "Invalid",
    "Lease",
    "NotFound",
    "Ops",
    "Problem",
    "Published",
    "Publisher",
    "Recall",
    "Receipt",
    "Reconciled",
    "Settled",
    "Status",
    "Throttled",
    "Unavailable",
    "Unexpected",
]
