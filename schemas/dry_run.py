"""What an act would write, were it done."""

from __future__ import annotations

from schemas.answers import anything, identifier, many, one, text
from schemas.loading import Answer
from schemas.status import DeliveryStatusSchema


class WrittenSchema(Answer):
    """One event that would be written into the history."""

    kind = text("What would have happened, such as `delivery.recalled`.")
    referral = identifier("The ID of the referral.", nullable=True)
    delivery = identifier("The ID of the delivery, if the event is about one.", nullable=True)
    agency = text("The code of the agency, if the event is about one.", nullable=True)
    agency_name = text("The agency's name.", nullable=True)
    data = anything("Further facts, which depend on the kind.")


class DryRunSchema(Answer):
    """What an act would write. It was done and rolled back: nothing has changed.

    The IDs of deliveries that the act would make are not those that they would get.
    """

    events = many(
        one(WrittenSchema()),
        "What the history would say, in order. Empty where the act was done already.",
    )
    deliveries = many(
        one(DeliveryStatusSchema()), "The deliveries that these events name, as they would be."
    )


DRY_RUN = DryRunSchema()
