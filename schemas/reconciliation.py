"""What came of a publisher's list of a day."""

from __future__ import annotations

from marshmallow import fields

from schemas.answers import count, instant, many, one, text
from schemas.fields import described
from schemas.loading import Answer


def _day() -> fields.Date:
    return fields.Date(required=True, metadata=described(""))


class ReconciledSchema(Answer):
    """Which references of a list have no referral."""

    publisher = text()
    day = _day()
    at = instant("When the list was compared last.")
    listed = count("How many different references were on the list.")
    referred = count("How many of them have a referral.")
    missing = many(fields.String(), "Nothing was handed in for these.")
    rejected = many(fields.String(), "Rejected, and no corrected referral came.")


class ReconciliationsSchema(Answer):
    """What came of the lists, the latest day first."""

    reconciliations = many(one(ReconciledSchema()))


class UnreferredSchema(Answer):
    """A day of which something has no referral."""

    publisher = text()
    day = _day()
    at = instant()
    listed = count()
    missing = count()
    rejected = count()


RECONCILED = ReconciledSchema()
RECONCILIATIONS = ReconciliationsSchema()
