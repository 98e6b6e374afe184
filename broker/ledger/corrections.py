"""What the ledger does when a publisher corrects a referral, or takes it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from broker.domain.delivery import Offer
from broker.domain.ids import DeliveryId
from broker.domain.referral import (
    Accepted,
    NewVersion,
    Recalled,
    Refused,
    Withdrawal,
)
from broker.domain.states import ReferralState
from broker.ledger.database import Connection, Part, Row, rows
from broker.ledger.deliveries import offers

MOST_VERSIONS = 100
"""More than that are no corrections any more."""


class Corrections(Part):
    """Corrections and recalls; what agencies get of them is decided by routing."""

    def correct(self, new: NewVersion) -> Accepted | Refused:
        """Write a further version and make its referral due; the same content again is no other.

        Whoever repeats a correction gets its first receipt, also after the referral was recalled.
        """
        with self._transaction() as connection:
            found = _locked(connection, new)
            if isinstance(found, Refused):
                return found
            earlier = _named_by_key(connection, new) or found
            if earlier["digest"] == new.digest:
                return _version(found, earlier, duplicate=True)
            if earlier is not found:
                return Refused("idempotency_key")
            if why := _closed_to_changes(found):
                return Refused(why)
            if found["version"] >= MOST_VERSIONS:
                return Refused("too_many")
            written = {"version": found["version"] + 1, "digest": new.digest}
            rows(connection, "corrections/correct", {**_written(new, found), **written})
            after = {**written, "accepted_at": new.accepted_at}
            return _version(found, after, duplicate=False)

    def recall(self, new: Withdrawal) -> Recalled | Refused:
        """Take a referral back: nothing of it is offered from now on, and it is due for routing.

        The first recall stands; repeating it is harmless.
        """
        with self._transaction() as connection:
            found = _locked(connection, new)
            if isinstance(found, Refused):
                return found
            if found["recalled_at"] is not None:
                same = found["recall_reason"] == new.reason
                return _recalled(found, duplicate=True) if same else Refused("other_reason")
            if why := _closed_to_changes(found):
                return Refused(why)
            told = {"reason": new.reason, "by": new.by, "now": new.at, "actor": new.actor}
            asked = {"referral": new.referral, "before": found["state"], **told}
            rows(connection, "corrections/recall", asked)
            over = {"referrals": [new.referral], "now": new.at, "actor": new.actor}
            rows(connection, "clock_pauses/end_over_escalations", over)
            state = _after(found["state"])
            now = {"state": state, "recalled_at": new.at, "recall_reason": new.reason}
            return _recalled({**found, **now}, duplicate=False)

    def head(self, delivery: DeliveryId) -> Offer | None:
        """Return the latest that the agency of a delivery was given of the same part."""
        with self._transaction() as connection:
            found = rows(connection, "corrections/head", {"delivery": delivery})
            return offers(connection, [found[0]["id"]])[0] if found else None


def _locked(connection: Connection, new: NewVersion | Withdrawal) -> Row | Refused:
    asked = {"referral": new.referral, "publisher": new.publisher}
    if not rows(connection, "corrections/lock_referral", asked):
        return Refused("unknown")
    return rows(connection, "corrections/latest_version", {"referral": new.referral})[0]


def _named_by_key(connection: Connection, new: NewVersion) -> Row | None:
    if new.idempotency_key is None:
        return None
    asked = {"referral": new.referral, "idempotency_key": new.idempotency_key}
    found = rows(connection, "corrections/correction_by_key", asked)
    return found[0] if found else None


def _closed_to_changes(row: Row) -> str | None:
    """Return why a referral can be neither corrected nor recalled, or None."""
    if row["recalled_at"] is not None:
        return "recalled"
    if row["state"] == ReferralState.REJECTED:
        return "rejected"
    if row["state"] == ReferralState.CLOSED and row["routed_at"] is None:
        return "superseded"
    return None


def _written(new: NewVersion, found: Row) -> dict[str, Any]:
    return {
        "referral": new.referral,
        "before": found["state"],
        "body": new.body,
        "idempotency_key": new.idempotency_key,
        "now": new.accepted_at,
        "actor": new.actor,
    }


def _after(state: str) -> ReferralState:
    """Return where a referral stands that is due again: a closed one is open."""
    found = ReferralState(state)
    return ReferralState.ROUTED if found is ReferralState.CLOSED else found


def _version(found: Row, version: Row, *, duplicate: bool) -> Accepted:
    at: datetime = version["accepted_at"]
    state = ReferralState(found["state"]) if duplicate else _after(found["state"])
    return Accepted(
        found["id"], found["reference"], version["digest"], state, at, duplicate, version["version"]
    )


def _recalled(row: Row, *, duplicate: bool) -> Recalled:
    state = ReferralState(row["state"])
    return Recalled(
        row["id"], row["reference"], state, row["recalled_at"], row["recall_reason"], duplicate
    )
