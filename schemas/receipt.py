"""What a publisher gets for a referral, and an agency for what it says about a delivery."""

from __future__ import annotations

from schemas import codes
from schemas.answers import code, count, flag, identifier, instant, many, one, text
from schemas.loading import Answer


class LinksSchema(Answer):
    """Where to ask next."""

    self = text("The referral's state and deliveries.")
    timeline = text("What happened to it, in order.")


class ReceiptSchema(Answer):
    """The broker has the referral: it is committed, whatever happens next."""

    id = identifier()
    reference = text()
    state = code(codes.ReferralState)
    accepted_at = instant("When this version was.")
    digest = text("SHA-256 of the canonical form of the document, in hex.")
    duplicate = flag("True when the broker had it already; nothing was changed.")
    version = count("1, and one more with each correction.")
    links = one(LinksSchema())


class RecalledSchema(Answer):
    """The referral is taken back: nobody is offered any of it from now on."""

    id = identifier()
    reference = text()
    state = code(codes.ReferralState)
    recalled_at = instant()
    reason = code(codes.RecallReason)
    duplicate = flag("True when it had been recalled already; nothing was changed.")


class SettledSchema(Answer):
    """What became of one receipt."""

    delivery = identifier()
    result = code(codes.ReceiptResult)
    state = code(codes.DeliveryState, "Where the delivery stands now.", nullable=True)
    at = instant("When the milestone was met, now or earlier.", nullable=True)


class SettledListSchema(Answer):
    """One result for each receipt, in order."""

    results = many(one(SettledSchema()))


RECEIPT = ReceiptSchema()
RECALLED = RecalledSchema()
SETTLED_LIST = SettledListSchema()
