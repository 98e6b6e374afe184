"""What a publisher gets for a referral, and an agency for what it says about a delivery."""

from __future__ import annotations

from schemas import codes
from schemas.answers import code, count, flag, identifier, instant, many, one, text
from schemas.loading import Answer


class LinksSchema(Answer):
    """Where to ask next."""

    self = text("The address of the referral's state and deliveries.")
    timeline = text("The address of everything that happened to it.")


class ReceiptSchema(Answer):
    """The broker has the referral: it is committed, whatever happens next."""

    id = identifier("The broker's ID of the referral.")
    reference = text("Your own reference.")
    state = code(codes.ReferralState, "The state of the referral.")
    accepted_at = instant("When this version was accepted.")
    digest = text("The SHA-256 of the canonical form of the document, in hexadecimal.")
    duplicate = flag("True when the broker already had this document; nothing was changed.")
    version = count("1 for a new referral, and one more with each correction.")
    links = one(LinksSchema(), "Addresses for further requests.")


class RecalledSchema(Answer):
    """The referral is taken back: nobody is offered any of it from now on."""

    id = identifier("The broker's ID of the referral.")
    reference = text("Your own reference.")
    state = code(codes.ReferralState, "The state of the referral.")
    recalled_at = instant("When it was recalled.")
    reason = code(codes.RecallReason, "Why it was recalled.")
    duplicate = flag("True when it had been recalled already; nothing was changed.")


class SettledSchema(Answer):
    """What became of one receipt."""

    delivery = identifier("The ID of the delivery.")
    result = code(codes.ReceiptResult, "What became of the receipt: `recorded`, or why it was not.")
    state = code(codes.DeliveryState, "The state of the delivery now.", nullable=True)
    at = instant("When the milestone was met, by this receipt or an earlier one.", nullable=True)
    changed = flag(
        "True when this decision takes the place of an earlier one, which stays in the history."
    )


class SettledListSchema(Answer):
    """One result for each receipt, in order."""

    results = many(
        one(SettledSchema()), "One result for each receipt, in the order of the request."
    )


RECEIPT = ReceiptSchema()
RECALLED = RecalledSchema()
SETTLED_LIST = SettledListSchema()
