"""What came of a publisher's list of a day."""

from __future__ import annotations

from marshmallow import fields

from schemas.answers import count, instant, many, one, text
from schemas.fields import described
from schemas.loading import Answer


def _day(description: str) -> fields.Date:
    return fields.Date(required=True, metadata=described(description))


class ReconciledSchema(Answer):
    """Which references of a list have no referral."""

    publisher = text("The code of the organisation that sent the list.")
    day = _day("The day of the list.")
    at = instant("When the list was last compared.")
    listed = count("How many different references are on the list.")
    referred = count("How many of them have a referral.")
    missing = many(fields.String(), "References for which no referral was published.")
    rejected = many(fields.String(), "References whose referral was rejected and not corrected.")


class ReconciliationsSchema(Answer):
    """What came of the lists, the latest day first."""

    reconciliations = many(one(ReconciledSchema()), "The results, the latest day first.")


class UnreferredSchema(Answer):
    """A day of which something has no referral."""

    publisher = text("The code of the organisation that sent the list.")
    day = _day("The day of the list.")
    at = instant("When the list was last compared.")
    listed = count("How many different references are on the list.")
    missing = count("How many have no referral.")
    rejected = count("How many have a referral that was rejected and not corrected.")


RECONCILED = ReconciledSchema()
RECONCILIATIONS = ReconciliationsSchema()
