"""The force's occurrence reference, in the one spelling that the ledger keeps."""

from __future__ import annotations

from typing import Any

LONGEST = 100


def normalise_reference(reference: str) -> str:
    """Return a reference in capitals and without blanks, as the ledger keeps it."""
    return "".join(reference.split()).upper()


def occurrence_of(document: dict[str, Any]) -> str | None:
    """Return a document's occurrence reference in one spelling, before it is validated."""
    referrer = document.get("referrer")
    reference = referrer.get("occurrence_reference") if isinstance(referrer, dict) else None
    if not isinstance(reference, str) or len(reference) > LONGEST:
        return None
    return normalise_reference(reference) or None
