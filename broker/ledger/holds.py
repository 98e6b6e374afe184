"""What people decide about held deliveries; the task that asked for it is settled with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.domain.codes import Milestone
from broker.domain.delivery import Offer
from broker.domain.ids import DeliveryId
from broker.domain.states import DeliveryState
from broker.ledger.database import Connection, Part, Row, json_text, rows
from broker.ledger.deliveries import offers
from broker.ledger.operator_actions import ActionContext, expect_version
from broker.ledger.receipts import lock_referrals
from broker.ledger.tasks import settle_tasks

_Write = Callable[[Connection, dict[str, Any]], list[Row]]


@dataclass(frozen=True, slots=True)
class Recounted:
    """A held delivery's deadlines, counted from another start, and why it has them."""

    due: Mapping[Milestone, datetime]
    explanation: Mapping[str, Any]

    def parameters(self) -> dict[str, Any]:
        """Return these as the parameters of a statement."""
        deadlines = {f"{milestone}_by": self.due.get(milestone) for milestone in Milestone}
        return {**deadlines, "explanation": json_text(dict(self.explanation))}


Recount = Callable[[Offer], Recounted]
"""Called with a held delivery while its referral is locked; what it raises changes nothing."""


class Holds(Part):
    """Deliveries that are held.

    Each decision returns False when the delivery is not held, and raises Conflict where its
    referral was corrected since the version that its action expects.
    """

    def release(self, delivery: DeliveryId, action: ActionContext, recount: Recount) -> bool:
        """Offer a held delivery from now on, with other deadlines."""
        params = {
            "state": str(DeliveryState.AVAILABLE),
            "kinds": ["delivery.released", "delivery.available"],
            "start": action.now,
            "until": None,
        }
        return self._decide(delivery, action, _offer_from, params, recount)

    def extend(
        self, delivery: DeliveryId, action: ActionContext, recount: Recount, *, until: datetime
    ) -> bool:
        """Hold a held delivery until then, with other deadlines."""
        params = {
            "state": str(DeliveryState.HELD),
            "kinds": ["delivery.hold_extended"],
            "start": until,
            "until": until,
        }
        return self._decide(delivery, action, _offer_from, params, recount)

    def keep(self, delivery: DeliveryId, action: ActionContext) -> bool:
        """Record that a person looked at a held delivery and keeps it held."""
        return self._decide(delivery, action, _keep, {})

    def _decide(
        self,
        delivery: DeliveryId,
        action: ActionContext,
        write: _Write,
        params: dict[str, Any],
        recount: Recount | None = None,
    ) -> bool:
        """Write a decision, and settle the task that asked for it once it was the last one.

        The referral is locked, so of two decisions at once the second sees the first, and what is
        counted anew is what stands: no correction is routed meanwhile.
        """
        with self._transaction() as connection:
            lock_referrals(connection, [delivery])
            held = [offer for offer in offers(connection, [delivery]) if _is_held(offer)]
            if not held:
                return False
            expect_version(connection, action.expected_version, delivery=delivery)
            recounted = recount(held[0]).parameters() if recount else {}
            over = _tasks_over(connection, delivery)
            decision = {"delivery": delivery, **params, **recounted, **action.parameters()}
            if not write(connection, decision):
                return False
            settle_tasks(connection, over, because=action.reason, by=action.by, now=action.now)
            return True


def _is_held(offer: Offer) -> bool:
    return offer.state is DeliveryState.HELD


def _offer_from(connection: Connection, params: dict[str, Any]) -> list[Row]:
    return rows(connection, "holds/offer_from", params)


def _keep(connection: Connection, params: dict[str, Any]) -> list[Row]:
    return rows(connection, "holds/keep", params)


def _tasks_over(connection: Connection, delivery: DeliveryId) -> list[UUID]:
    over = rows(connection, "holds/tasks_over", {"delivery": delivery})
    return [row["id"] for row in over]
