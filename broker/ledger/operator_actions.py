"""What people do: each action is an event with their name, and a row with their reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.referral import ChangeRefusal, Refused
from broker.errors import CorrectedSince
from broker.ledger.database import Connection, Part, json_text, rows
from broker.ledger.queries import content

NO_REASON = "No reason was asked for."
"""The reason that is kept for an action through a call that asks for none."""


@dataclass(frozen=True, slots=True)
class ActionContext:
    """Who acts, when, why, and under which id the act is kept."""

    act: UUID
    by: str
    """As events name them: ``person:<name>``."""
    reason: str
    now: datetime
    expected_version: int | None = None
    """The version of the referral that the person saw; None for whichever is the latest."""

    def parameters(self) -> dict[str, Any]:
        """Return these as the parameters of a statement."""
        return {"act": self.act, "by": self.by, "reason": self.reason, "now": self.now}


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did, and why."""

    at: datetime
    kind: str
    by: str
    delivery: DeliveryId | None
    reason: str


class OperatorActions(Part):
    """Actions of people."""

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
        """Record an action about a referral or one of its deliveries, ``data`` in codes.

        False when there is none.
        """
        with self._transaction() as connection:
            return _note_act(connection, kind, context, referral, delivery, data)

    def reveal(
        self, referral: ReferralId, context: ActionContext, *, may_see_recalled: bool
    ) -> bytes | Refused:
        """Record who sees a referral and why, and return its content.

        Refused as UNKNOWN, or as RECALLED where that may not be seen: a recall in the same moment
        comes either before all of this or after it.
        """
        with self._transaction() as connection:
            locked = rows(connection, "operator_actions/reveal", {"referral": referral})
            body = content(connection, referral)
            if not locked or body is None:
                return Refused(ChangeRefusal.UNKNOWN)
            if locked[0]["is_recalled"] and not may_see_recalled:
                return Refused(ChangeRefusal.RECALLED)
            _note_act(connection, "referral.content_revealed", context, referral)
            return body

    def suspend_agency(self, agency: OrganisationCode, context: ActionContext) -> bool:
        """Offer nothing to an agency from now on; False when it is suspended or unknown."""
        return bool(
            self._rows(
                "operator_actions/suspend_agency", {"agency": agency, **context.parameters()}
            )
        )

    def resume_agency(self, agency: OrganisationCode, context: ActionContext) -> bool:
        """Offer to an agency again; False when it was not suspended."""
        return bool(
            self._rows("operator_actions/resume_agency", {"agency": agency, **context.parameters()})
        )

    def acts_of_agency(self, agency: OrganisationCode, *, limit: int) -> list[Act]:
        """Return what people did about an agency, latest first."""
        acts = self._rows("operator_actions/acts_of_agency", {"agency": agency, "limit": limit})
        return [Act(**row) for row in acts]


def _note_act(
    connection: Connection,
    kind: str,
    context: ActionContext,
    referral: ReferralId | None,
    delivery: DeliveryId | None = None,
    data: dict[str, Any] | None = None,
) -> bool:
    params = {"kind": kind, "referral": referral, "delivery": delivery, **context.parameters()}
    params["data"] = json_text(data or {})
    return bool(rows(connection, "operator_actions/note_act", params))


def keep_act(
    connection: Connection,
    kind: str,
    context: ActionContext,
    *,
    referral: ReferralId | None = None,
    delivery: DeliveryId | None = None,
) -> None:
    """Record why a person did what this transaction has written into the history."""
    params = {"kind": kind, "referral": referral, "delivery": delivery}
    rows(connection, "operator_actions/keep_act", {**params, **context.parameters()})


def expect_version(
    connection: Connection,
    expected: int | None,
    *,
    referral: ReferralId | None = None,
    delivery: DeliveryId | None = None,
) -> None:
    """Raise CorrectedSince where a referral has another version than somebody saw.

    The referral, or that of the delivery, is locked by a caller that acts. None expects nothing.
    """
    if expected is None:
        return
    params = {"referral": referral, "delivery": delivery}
    if [row["version"] for row in rows(connection, "operator_actions/expect_version", params)] != [
        expected
    ]:
        raise CorrectedSince
