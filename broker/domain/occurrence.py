"""The force's occurrence reference, in the one spelling that the ledger keeps."""

from __future__ import annotations

from typing import Any

from schemas.handling import Referrer
from schemas.names import name_of
from schemas.referral import Referral

LONGEST = 100
_REFERRER = name_of(Referral, lambda referral: referral.referrer)
_OCCURRENCE_REFERENCE = name_of(Referrer, lambda referrer: referrer.occurrence_reference)


def normalise_reference(reference: str) -> str:
    """Return a reference in capitals and without blanks, as the ledger keeps it."""
    return "".join(reference.split()).upper()


def occurrence_of(document: dict[str, Any]) -> str | None:
    """Return a document's occurrence reference in one spelling, before it is validated."""
    referrer = document.get(_REFERRER)
    reference = referrer.get(_OCCURRENCE_REFERENCE) if isinstance(referrer, dict) else None
    if not isinstance(reference, str) or len(reference) > LONGEST:
        return None
    return normalise_reference(reference) or None
