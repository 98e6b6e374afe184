"""What agencies were given of a referral before, and what a new version makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from broker.domain.codes import DeliveryKind, Milestone, Role
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.domain.states import OPEN_DELIVERIES, DeliveryState
from broker.policy.routing.assignments import Assignment
from schemas.immutable import immutable


@immutable
class EarlierDelivery:
    """A delivery as it stands when a new version, or a recall, is decided about."""

    id: DeliveryId
    agency: OrganisationCode
    channel: str
    role: Role
    row: str
    view: str
    scope: Mapping[str, Sequence[str]]
    state: DeliveryState
    kind: DeliveryKind
    version: int
    attempt: int
    available_at: datetime
    clock_start: datetime
    due: Mapping[Milestone, datetime]
    met: Mapping[Milestone, datetime]
    explanation: Mapping[str, Any]
    replaces: DeliveryId | None
    stands_in_for: OrganisationCode | None = None
    """The closed office whose part it is, where its agency is a team out of hours."""

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.state in OPEN_DELIVERIES

    @property
    def is_unoffered(self) -> bool:
        """Whether nobody can have seen any of it.

        An undeliverable one was refused at its first attempt, before it left the broker.
        """
        if self.met:
            return False
        waits = self.state in {DeliveryState.HELD, DeliveryState.AVAILABLE}
        refused = self.state is DeliveryState.UNDELIVERABLE
        return (waits and self.attempt == 0) or (refused and self.attempt <= 1)

    @property
    def was_offered(self) -> bool:
        """Whether its agency may have some of it."""
        ended_unseen = self.state is DeliveryState.RECALLED and not self.attempt and not self.met
        return not self.is_unoffered and not ended_unseen


@immutable
class HistoryEntry:
    """A line for the history: codes, ids, instants, and how a deadline was reckoned."""

    kind: str
    data: Mapping[str, Any]


@immutable
class Changed:
    """A delivery that is changed where it stands."""

    was: EarlierDelivery
    now: EarlierDelivery
    noted: tuple[HistoryEntry, ...]


@immutable
class Issued:
    """A delivery that is to be written."""

    assignment: Assignment
    kind: DeliveryKind
    follows: DeliveryId | None = None
    """What its agency had before; for a correction or a recall."""
    replaces: DeliveryId | None = None
    """The returned delivery that nobody has to see to any more."""


@immutable
class Revision:
    """Everything that follows from a new version, or from a recall."""

    changed: tuple[Changed, ...]
    issued: tuple[Issued, ...]
