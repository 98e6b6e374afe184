"""A publisher's list of a day against what was handed in: which occurrence has no referral."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from broker.domain.ids import OrganisationCode
from broker.errors import Fault, Invalid
from broker.flow.parts import Broker
from broker.ledger.reconciling import Reconciled
from broker.policy.calendars import LONDON

_NEXT_DAY = timedelta(days=1)
"""A sender's clock may be a little ahead of ours, also at midnight."""


def reconcile(
    broker: Broker, publisher: OrganisationCode, day: date, references: Sequence[str], *, actor: str
) -> Reconciled:
    """Compare a list, keep what came of it as the last word about its day, and return it.

    Each reference is looked for as a referral's own and as its occurrence reference; blanks and
    case make no difference to the latter. Raises Invalid for a day that has not come.
    """
    now = broker.clock()
    if day > now.astimezone(LONDON).date() + _NEXT_DAY:
        told = "The list is of a day in the future."
        raise Invalid(told, faults=[Fault("/day", "date-in-future", told)])
    listed = {spelt(one): one.strip() for one in references}
    return broker.ledger.reconcile(publisher, day, listed, now=now, actor=actor)


def spelt(reference: str) -> str:
    """Return a reference in capitals and without blanks, as the ledger keeps it."""
    return "".join(reference.split()).upper()


def occurrence_of(document: dict[str, Any]) -> str | None:
    """Return a document's occurrence reference in one spelling, before it is validated."""
    referrer = document.get("referrer")
    found = referrer.get("occurrence_reference") if isinstance(referrer, dict) else None
    return spelt(found) or None if isinstance(found, str) and len(found) <= 100 else None
