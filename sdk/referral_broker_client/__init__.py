"""The SDK: ``Publisher`` for police systems, ``Consumer`` for agencies, ``Ops`` for ops.

    with Publisher(url, key) as publisher:
        receipt = publisher.publish(document)

    with Consumer(url, key, by="Intake desk") as consumer:
        for delivery in consumer:
            with delivery:
                case_system.save(delivery.id, delivery.content)

The distribution ``referral-broker-client`` needs urllib3 and nothing of the server. Its extra
``queue`` adds Kombu for ``referral_broker_client.queue_consumer.QueueConsumer``. The logger
``referral_broker_client`` writes ids and codes and never content.
"""

from referral_broker_client.consumer import Consumer
from referral_broker_client.delivery import Answer, Delivery, Lease, Settled
from referral_broker_client.errors import (
    ClientError,
    Conflict,
    CursorGone,
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
from referral_broker_client.results import (
    DeliveryStatus,
    Event,
    Published,
    Recall,
    Receipt,
    Reconciled,
    Status,
)

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "ClientError",
    "Conflict",
    "Consumer",
    "CursorGone",
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
    "__version__",
]
