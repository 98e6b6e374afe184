"""Reconcile a publisher's list of a day with its referrals: which occurrence has none."""

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
"""A publisher's clock may be slightly ahead of ours, also at midnight."""


def reconcile(
    context: Context,
    publisher: OrganisationCode,
    day: date,
    references: Sequence[str],
    *,
    actor: str,
) -> Reconciled:
    """Compare a list with the referrals, store the result as the latest for its day, return it.

    Each reference is compared with references of referrals and with occurrence references, the
    latter without regard to blanks and case. Raises Invalid for a day in the future.
    """
    now = context.clock()
    if day > now.astimezone(LONDON).date() + _NEXT_DAY:
        message = "The list is for a day in the future."
        raise Invalid(message, faults=[Fault("/day", "date-in-future", message)])
    listed = {normalise_reference(reference): reference.strip() for reference in references}
    return context.ledger.reconciliations.reconcile(publisher, day, listed, now=now, actor=actor)
