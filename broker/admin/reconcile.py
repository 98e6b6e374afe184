"""A publisher's list of a day against what was handed in: which occurrence has no referral."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from broker.domain.ids import OrganisationCode
from broker.domain.occurrence import normalise_reference
from broker.errors import Fault, Invalid
from broker.flow.context import Context
from broker.ledger.reconciliations import Reconciled
from broker.policy.time.calendars import LONDON

_NEXT_DAY = timedelta(days=1)
"""A sender's clock may be a little ahead of ours, also at midnight."""


def reconcile(
    context: Context,
    publisher: OrganisationCode,
    day: date,
    references: Sequence[str],
    *,
    actor: str,
) -> Reconciled:
    """Compare a list, keep what came of it as the last word about its day, and return it.

    Each reference is looked for as a referral's own and as its occurrence reference; blanks and
    case make no difference to the latter. Raises Invalid for a day that has not come.
    """
    now = context.clock()
    if day > now.astimezone(LONDON).date() + _NEXT_DAY:
        told = "The list is of a day in the future."
        raise Invalid(told, faults=[Fault("/day", "date-in-future", told)])
    listed = {normalise_reference(reference): reference.strip() for reference in references}
    return context.ledger.reconciliations.reconcile(publisher, day, listed, now=now, actor=actor)
