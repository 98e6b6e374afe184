"""What people do to the ledger: each act is an event with their name, and keeps their reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.ledger.database import Connection, Part, json_text, rows
from broker.ledger.monitoring import cause_of


@dataclass(frozen=True, slots=True)
class ActionContext:
    """Who acts, when, why, and under which id the act is kept."""

    act: UUID
    by: str
    """As events name them: ``person:<name>``."""
    reason: str
    now: datetime

    def parameters(self) -> dict[str, Any]:
        """Return these as the parameters of a statement."""
        return {"act": self.act, "by": self.by, "reason": self.reason, "now": self.now}


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did, and why."""

    at: datetime
    kind: str
    by: str
    delivery: DeliveryId | None
    reason: str


class OperatorActions(Part):
    """Acts of people."""

    def replay_delivery(self, delivery: DeliveryId, context: ActionContext) -> bool:
        """Put an undeliverable delivery back into the queue; False when it is not one."""
        return bool(
            self._rows(
                "operator_actions/replay_delivery", {"delivery": delivery, **context.parameters()}
            )
        )

    def note_act(
        self,
        kind: str,
        context: ActionContext,
        *,
        referral: ReferralId | None = None,
        delivery: DeliveryId | None = None,
        data: dict[str, Any] | None = None,
    ) -> bool:
        """Keep an act about a referral or one of its deliveries, ``data`` in codes.

        False when there is none.
        """
        told = {"kind": kind, "referral": referral, "delivery": delivery, **context.parameters()}
        return bool(
            self._rows("operator_actions/note_act", {**told, "data": json_text(data or {})})
        )

    def cause_found(self, delivery: DeliveryId, milestone: str, *, now: datetime) -> str | None:
        """Return what the broker puts a missed deadline down to; None when it is not missed."""
        asked = {"delivery": delivery, "milestone": milestone, "now": now}
        found = self._rows("operator_actions/missed", asked)
        return cause_of(found[0]) if found else None

    def see_to_escalation(self, escalation: UUID, context: ActionContext) -> bool:
        """Stop climbing a ladder because somebody sees to it; False when it is not open."""
        return bool(
            self._rows(
                "operator_actions/see_to_escalation",
                {"escalation": escalation, **context.parameters()},
            )
        )

    def suspend_agency(self, agency: OrganisationCode, context: ActionContext) -> bool:
        """Offer nothing to an agency from now on; False when it is stopped or unknown."""
        return bool(
            self._rows(
                "operator_actions/suspend_agency", {"agency": agency, **context.parameters()}
            )
        )

    def resume_agency(self, agency: OrganisationCode, context: ActionContext) -> bool:
        """Offer to an agency again; False when it was not stopped."""
        return bool(
            self._rows("operator_actions/resume_agency", {"agency": agency, **context.parameters()})
        )

    def acts_of_agency(self, agency: OrganisationCode, *, limit: int) -> list[Act]:
        """Return what people did about an agency, latest first."""
        found = self._rows("operator_actions/acts_of_agency", {"agency": agency, "limit": limit})
        return [Act(**row) for row in found]


def keep_act(
    connection: Connection,
    kind: str,
    context: ActionContext,
    *,
    referral: ReferralId | None = None,
    delivery: DeliveryId | None = None,
) -> None:
    """Keep why somebody did what this transaction has put into the history."""
    told = {"kind": kind, "referral": referral, "delivery": delivery}
    rows(connection, "operator_actions/keep_act", {**told, **context.parameters()})
