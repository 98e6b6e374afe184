"""What an agency's people see in their inbox, who looked at what, and who deals with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from broker.domain.codes import DeliveryKind, LookKind, Role
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

    def is_for(self, member: UUID) -> bool:
        """Tell whether a member deals with it, or covers for who does."""
        return member in (self.member, self.cover)


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
    must_decide: bool
    """Whether a decision is what is due next."""
    is_acknowledged: bool
    is_paused: bool
    is_read: bool
    """Whether anybody of the agency has opened it in the inbox."""
    handler: Handler | None


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
    member: UUID


class Inbox(Part):
    """The deliveries of one agency as its people work on them."""

    def items(self, agency: OrganisationCode, *, limit: int) -> list[InboxItem]:
        """Return what an agency has to do, soonest due first."""
        return [_item(row) for row in self._rows("inbox/items", {"agency": agency, "limit": limit})]

    def done(self, agency: OrganisationCode, *, limit: int) -> list[InboxItem]:
        """Return what an agency's people have finished, last looked at first."""
        return [_item(row) for row in self._rows("inbox/done", {"agency": agency, "limit": limit})]

    def offers(self, agency: OrganisationCode, ids: list[DeliveryId]) -> dict[DeliveryId, Offer]:
        """Return an agency's own deliveries with what is needed to render them."""
        with self._transaction() as connection:
            return {offer.id: offer for offer in offers(connection, ids) if offer.agency == agency}

    def announce(self, limit: int, *, now: datetime, notice: Callable[[Arrival], NewNotice]) -> int:
        """Write a notice to each member who is to be told what arrived; return how many."""
        with self._transaction() as connection:
            arrived = rows(connection, "inbox/announce", {"limit": limit, "now": now})
            notices = [
                notice(Arrival(**{**row, "kind": DeliveryKind(row["kind"])})) for row in arrived
            ]
            add_notices(connection, notices, now)
            return len(notices)

    def note_look(
        self, id_: UUID, delivery: DeliveryId, member: UUID, kind: LookKind, *, now: datetime
    ) -> bool:
        """Keep that a member saw a delivery; False when it is not their organisation's."""
        params = {"id": id_, "delivery": delivery, "member": member, "kind": kind, "now": now}
        return bool(self._rows("inbox/note_look", params))

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
        """Have a member deal with a delivery; False when either is not the agency's."""
        params = {"id": id_, "agency": agency, "delivery": delivery, "member": to, "by": by}
        return bool(self._rows("inbox/give", {**params, "now": now}))

    def handlers(
        self, agency: OrganisationCode, delivery: DeliveryId, *, limit: int
    ) -> list[HandOver]:
        """Return who dealt with a delivery, newest first."""
        params = {"agency": agency, "delivery": delivery, "limit": limit}
        return [HandOver(**row) for row in self._rows("inbox/handlers", params)]


def _item(row: Row) -> InboxItem:
    handler, name, at = row.pop("handler"), row.pop("handler_name"), row.pop("handled_at")
    cover = row.pop("handler_cover")
    return InboxItem(
        **{
            **row,
            "kind": DeliveryKind(row["kind"]),
            "state": DeliveryState(row["state"]),
            "role": Role(row["role"]),
            "handler": Handler(handler, name, at, cover) if handler else None,
        }
    )
