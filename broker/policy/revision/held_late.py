"""Parts that are held from agencies which had an earlier version: the hold came too late for them.

An embargo that a correction brings keeps the correction from a school, and the school keeps what it
was given before. It is not told to keep still, so a person has to decide how it learns of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from broker.domain.codes import DeliveryKind
from broker.domain.ids import OrganisationCode
from broker.domain.states import DeliveryState
from broker.domain.task import HELD_AFTER_SHARING, Task
from broker.errors import Remark
from broker.policy.language.directory import Directory
from broker.policy.language.evidence import NOWHERE
from broker.policy.revision.issued import EarlierDelivery, Revision

_HANDLING = "/handling"


def held_late(
    earlier: Sequence[EarlierDelivery], revision: Revision, directory: Directory, now: datetime
) -> tuple[Remark, Task] | None:
    """Return a warning and a task about whom a hold came too late for; None where it did for none.

    No agency is told of it: who is kept from something would learn that it is.
    """
    agencies = sorted(set(_kept_from(earlier, revision, now)))
    if not agencies:
        return None
    names = ", ".join(directory.organisation_name(agency) for agency in agencies)
    message = (
        f"{names} had an earlier version before it was to be held back, and still has that. The "
        "new version is held, so it is not told of the hold."
    )
    return (
        Remark(_HANDLING, HELD_AFTER_SHARING, message, ((NOWHERE,),)),
        Task(HELD_AFTER_SHARING, _HANDLING, message),
    )


def _kept_from(
    earlier: Sequence[EarlierDelivery], revision: Revision, now: datetime
) -> Iterator[OrganisationCode]:
    """Go through the agencies whose correction is held: each has an earlier version."""
    for issued in revision.issued:
        held_until = issued.assignment.held_until
        if issued.kind is DeliveryKind.CORRECTION and held_until is not None and held_until > now:
            yield issued.assignment.agency
    moved = {changed.was.id: changed.now for changed in revision.changed}
    for delivery in (moved.get(before.id, before) for before in earlier):
        if (delivery.kind, delivery.state) == (DeliveryKind.CORRECTION, DeliveryState.HELD):
            yield delivery.agency
