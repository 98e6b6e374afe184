"""What an agency's people see in their inbox, who looked at what, and who deals with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from broker.domain.codes import DeliveryKind, Grade, LookKind, Milestone, Role
from broker.domain.delivery import Offer
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.notice import NewNotice
from broker.domain.states import DeliveryState
from broker.ledger.alarms import add_notices
from broker.ledger.database import Part, Row, rows
from broker.ledger.deliveries import offers


@dataclass(frozen=True, slots=True)
class Handler:
    """Who deals with a delivery, and since when."""

    member: UUID
    name: str
    at: datetime
    cover: UUID | None
    """The colleague who looks after it while they are away."""


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A line of an agency's inbox: what is due when, and who deals with it."""

    id: DeliveryId
    referral: ReferralId
    reference: str
    publisher: OrganisationCode
    kind: DeliveryKind
    state: DeliveryState
    role: Role
    grade: str
    available_at: datetime
    due_at: datetime | None
    milestone: Milestone | None
    """What is due next; None where no deadline runs."""
    is_acknowledged: bool
    is_paused: bool
    """Whether a clock of what is to be done is paused."""
    is_to_do: bool
    """Whether the agency has to do something about it still."""
    is_read: bool
    """Whether anybody of the agency has opened it in the inbox."""
    handler: Handler | None


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which lines of a list are wanted; everything by default."""

    mine: UUID | None = None
    """A member: what they deal with, or cover for."""
    unread: bool = False
    kind: DeliveryKind | None = None
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """How much an agency has to do."""

    todo: int
    mine: int
    unread: int
    late: int
    next_due_at: datetime | None
    """The next deadline that is still ahead."""


@dataclass(frozen=True, slots=True)
class Look:
    """One time that somebody saw the content of a delivery."""

    at: datetime
    kind: LookKind
    member: UUID
    name: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Who dealt with a delivery from an instant on, and who gave it to them."""

    at: datetime
    member: UUID
    name: str
    given_by: UUID
    given_by_name: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery that somebody is to be told of."""

    delivery: DeliveryId
    agency: OrganisationCode
    referral: ReferralId
    kind: DeliveryKind
    due_at: datetime | None
    milestone: Milestone | None
    """What is due next; None where no deadline runs."""
    member: UUID
    has_mobile: bool
    """Whether the member wants text messages too."""


@dataclass(frozen=True, slots=True)
class NearDeadline:
    """A deadline of which somebody is to be reminded."""

    delivery: DeliveryId
    agency: OrganisationCode
    referral: ReferralId
    kind: DeliveryKind
    due_at: datetime
    milestone: Milestone
    """What is due."""
    member: UUID
    has_mobile: bool
    """Whether the member wants text messages too."""


class Inbox(Part):
    """The deliveries of one agency as its people work on them."""

    def items(
        self, agency: OrganisationCode, wanted: ItemFilter, *, limit: int, offset: int
    ) -> list[InboxItem]:
        """Return what an agency has to do, soonest due first."""
        page = {"limit": limit, "offset": offset, "mine": wanted.mine, "unread": wanted.unread}
        return self._items("inbox/items", agency, wanted, page)

    def done(
        self, agency: OrganisationCode, wanted: ItemFilter, *, limit: int, offset: int
    ) -> list[InboxItem]:
        """Return what an agency's people have finished, last looked at first."""
        return self._items("inbox/done", agency, wanted, {"limit": limit, "offset": offset})

    def find(
        self, agency: OrganisationCode, text: str, wanted: ItemFilter, *, limit: int
    ) -> list[InboxItem]:
        """Return what has a text in its reference, or an id that begins with it."""
        return self._items("inbox/find", agency, wanted, {"text": text.lower(), "limit": limit})

    def _items(
        self, name: str, agency: OrganisationCode, wanted: ItemFilter, params: Mapping[str, Any]
    ) -> list[InboxItem]:
        params = {"agency": agency, "kind": wanted.kind, "grade": wanted.grade, **params}
        return [_item(row) for row in self._rows(name, params)]

    def counts(self, agency: OrganisationCode, member: UUID, *, now: datetime) -> InboxCounts:
        """Return how much an agency has to do, and how much of it a member deals with."""
        params = {"agency": agency, "member": member, "now": now}
        return InboxCounts(**self._rows("inbox/counts", params)[0])

    def offers(self, agency: OrganisationCode, ids: list[DeliveryId]) -> dict[DeliveryId, Offer]:
        """Return an agency's own deliveries with what is needed to render them."""
        with self._transaction() as connection:
            return {offer.id: offer for offer in offers(connection, ids) if offer.agency == agency}

    def announce(
        self, limit: int, *, now: datetime, notices_of: Callable[[Arrival], Sequence[NewNotice]]
    ) -> int:
        """Write the notices to each member who is to be told what arrived; return how many."""
        with self._transaction() as connection:
            arrived = rows(connection, "inbox/announce", {"limit": limit, "now": now})
            notices = [notice for row in arrived for notice in notices_of(Arrival(**_coded(row)))]
            add_notices(connection, notices, now)
            return len(notices)

    def remind(
        self,
        limit: int,
        *,
        before: timedelta,
        now: datetime,
        notices_of: Callable[[NearDeadline], Sequence[NewNotice]],
    ) -> int:
        """Write the notices to each member whom a near deadline concerns; return how many."""
        with self._transaction() as connection:
            params = {"limit": limit, "now": now, "before": before}
            near = rows(connection, "inbox/remind", params)
            notices = [notice for row in near for notice in notices_of(NearDeadline(**_coded(row)))]
            add_notices(connection, notices, now)
            return len(notices)

    def kinds_with(
        self, agency: OrganisationCode, referral: ReferralId, kinds: Collection[str]
    ) -> list[str]:
        """Return which of these kinds of organisation have a referral beside an agency."""
        if not kinds:
            return []
        params = {"agency": agency, "referral": referral, "kinds": sorted(kinds)}
        return [row["kind"] for row in self._rows("inbox/kinds_with", params)]

    def note_look(
        self, id_: UUID, delivery: DeliveryId, member: UUID, kind: LookKind, *, now: datetime
    ) -> DeliveryState | None:
        """Keep that a member saw a delivery; return its state.

        None where their organisation may not see it: then nothing is kept.
        """
        params = {"id": id_, "delivery": delivery, "member": member, "kind": kind, "now": now}
        seen = self._rows("inbox/note_look", params)
        return DeliveryState(seen[0]["state"]) if seen else None

    def looks(self, agency: OrganisationCode, delivery: DeliveryId, *, limit: int) -> list[Look]:
        """Return who saw a delivery, newest first."""
        params = {"agency": agency, "delivery": delivery, "limit": limit}
        return [
            Look(row["at"], LookKind(row["kind"]), row["member"], row["name"])
            for row in self._rows("inbox/looks", params)
        ]

    def give(
        self,
        id_: UUID,
        agency: OrganisationCode,
        delivery: DeliveryId,
        *,
        to: UUID,
        by: UUID,
        now: datetime,
    ) -> bool:
        """Have a member deal with a delivery; False when either is not there for the agency."""
        params = {"id": id_, "agency": agency, "delivery": delivery, "member": to, "by": by}
        return bool(self._rows("inbox/give", {**params, "now": now}))

    def handlers(
        self, agency: OrganisationCode, delivery: DeliveryId, *, limit: int
    ) -> list[HandOver]:
        """Return who dealt with a delivery, newest first."""
        params = {"agency": agency, "delivery": delivery, "limit": limit}
        return [HandOver(**row) for row in self._rows("inbox/handlers", params)]


def _coded(row: Row) -> Row:
    milestone = row["milestone"]
    return {
        **row,
        "kind": DeliveryKind(row["kind"]),
        "milestone": Milestone(milestone) if milestone else None,
    }


def _item(row: Row) -> InboxItem:
    handler, name, at = row.pop("handler"), row.pop("handler_name"), row.pop("handled_at")
    cover = row.pop("handler_cover")
    return InboxItem(
        **{
            **_coded(row),
            "state": DeliveryState(row["state"]),
            "role": Role(row["role"]),
            "handler": Handler(handler, name, at, cover) if handler else None,
        }
    )
