"""What is held, and what a person did about it."""

from __future__ import annotations

from schemas import codes
from schemas.answers import code, identifier, instant, many, one, text
from schemas.loading import Answer


class HeldDeliverySchema(Answer):
    """A delivery that is held."""

    delivery = identifier("The ID of the delivery.")
    referral = identifier("The ID of the referral.")
    reference = text("The publisher's own reference.")
    publisher = text("The code of the organisation that published it.")
    agency = text("The code of the agency that is not told until then.")
    role = code(codes.Role, "Whether the agency must act, or has a copy for information.")
    until = instant(
        "When it is released. Null where a person must release it, because no time will.",
        nullable=True,
    )
    since = instant("When the referral was accepted.")
    acknowledge_by = instant("By when a person must have read it.", nullable=True)
    effective_grade = code(codes.Grade, "The grade that its deadlines follow.", nullable=True)
    warned_at = instant("When its publisher was last told of it.", nullable=True)


class EmbargoesSchema(Answer):
    """The held deliveries."""

    embargoes = many(
        one(HeldDeliverySchema()), "Held deliveries, the one that is released next first."
    )


class HoldDecidedSchema(Answer):
    """What became of a held delivery."""

    delivery = identifier("The ID of the delivery.")
    state = code(("held", "available"), "`held`, or `available`: its agency is offered it now.")


EMBARGOES = EmbargoesSchema()
HOLD = HoldDecidedSchema()
