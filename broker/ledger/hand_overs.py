"""Parts of referrals that change hands when an office opens or closes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from broker.domain.delivery import NewDelivery, Offer
from broker.domain.due_part import DuePart, GivenAnswer
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.notice import NewNotice
from broker.domain.states import DeliveryState
from broker.domain.task import NewTask
from broker.ledger.alarms import add_notices
from broker.ledger.clock_pauses import end_over_escalations
from broker.ledger.corrections import latest_delivery
from broker.ledger.database import Connection, Part, Row, rows
from broker.ledger.deliveries import offers
from broker.ledger.queries import content
from broker.ledger.question_closings import close_questions
from broker.ledger.receipts import close_referrals
from broker.ledger.routing import insert_deliveries
from broker.ledger.tasks import open_tasks

ACTOR = "broker"


class HandOverBatch:
    """Parts that this transaction has locked, to hand them over or to keep them."""

    def __init__(self, connection: Connection, parts: Sequence[DuePart], now: datetime) -> None:
        self._connection = connection
        self._now = now
        self.parts = parts

    def offer(self, part: DuePart) -> tuple[Offer, Offer]:
        """Return a part with all that its successor needs, and the latest version of it."""
        (offer,) = offers(self._connection, [part.id])
        return offer, latest_delivery(self._connection, part.id) or offer

    def content(self, part: DuePart) -> bytes | None:
        """Return the newest version of the document that a part is of."""
        return content(self._connection, part.referral)

    def answers(self, part: DuePart) -> list[GivenAnswer]:
        """Return what the team that has a part has answered."""
        given = rows(self._connection, "hand_overs/answers", {"delivery": part.id})
        return [GivenAnswer(**row) for row in given]

    def open_part(self, part: DuePart, agency: OrganisationCode) -> DeliveryId | None:
        """Return the same part that another agency has open already."""
        office = None if part.office else part.agency
        params = {"referral": part.referral, "agency": agency, "row": part.row, "office": office}
        already = rows(self._connection, "hand_overs/open_part", params)
        return DeliveryId(already[0]["id"]) if already else None

    def hand_over(self, part: DuePart, to: DeliveryId, agency: OrganisationCode) -> bool:
        """End a part because another delivery has its place; False when it changed meanwhile."""
        params = {
            "delivery": part.id,
            "before": str(part.state),
            "to": to,
            "to_agency": agency,
            "now": self._now,
        }
        return bool(rows(self._connection, "hand_overs/hand_over", params))

    def add(self, part: DuePart, new: NewDelivery) -> None:
        """Write the delivery that takes the place of a part."""
        successor = (part.referral, part.publisher, replace(new, replaces=part.id))
        insert_deliveries(self._connection, [successor], now=self._now, actor=ACTOR)

    def keep(self, again: Mapping[DeliveryId, datetime | None]) -> None:
        """Write when to look at parts again that stay with their teams; None is never."""
        if again:
            params = {"ids": list(again), "again": list(again.values()), "now": self._now}
            rows(self._connection, "hand_overs/keep", params)

    def refuse(self, part: DuePart, agency: OrganisationCode, because: str, task: NewTask) -> None:
        """Write that an agency must not get a part, and by which rule; open the task about it."""
        params = {"delivery": part.id, "to_agency": agency, "because": because, "now": self._now}
        rows(self._connection, "hand_overs/refuse", params)
        open_tasks(self._connection, [task], now=self._now, actor=ACTOR)

    def finish(self, notices: Sequence[NewNotice]) -> None:
        """Write whom to notify, and end the escalations and referrals that are over."""
        referrals = sorted({part.referral for part in self.parts})
        add_notices(self._connection, notices, self._now)
        if referrals:
            end_over_escalations(self._connection, referrals, now=self._now, actor=ACTOR)
            close_questions(self._connection, referrals, now=self._now, actor=ACTOR)
            close_referrals(self._connection, referrals, now=self._now, actor=ACTOR)


class HandOvers(Part):
    """Parts of referrals that change hands."""

    @contextmanager
    def claim(self, limit: int, *, now: datetime) -> Iterator[HandOverBatch]:
        """Claim the parts that are due to be looked at and that nobody else holds."""
        with self._transaction() as connection:
            referrals = _lock_referrals(connection, limit, now)
            parts = _due_parts(connection, referrals, now) if referrals else []
            yield HandOverBatch(connection, parts, now)


def look_again_all(connection: Connection, at: datetime) -> None:
    """Have every part looked at from an instant on, since a new policy may have other hours."""
    rows(connection, "hand_overs/look_again_all", {"at": at})


def _lock_referrals(connection: Connection, limit: int, now: datetime) -> list[ReferralId]:
    locked = rows(connection, "hand_overs/lock_referrals", {"limit": limit, "now": now})
    return [ReferralId(row["id"]) for row in locked]


def _due_parts(
    connection: Connection, referrals: Sequence[ReferralId], now: datetime
) -> list[DuePart]:
    params = {"referrals": list(referrals), "now": now}
    return [_part(row) for row in rows(connection, "hand_overs/due_parts", params)]


def _part(row: Row) -> DuePart:
    return DuePart(**{**row, "state": DeliveryState(row["state"])})
