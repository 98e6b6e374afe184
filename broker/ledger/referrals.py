"""What the ledger does at the door: accept referrals, and note what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from broker.domain.ids import OrganisationCode
from broker.domain.referral import (
    Accepted,
    Contradiction,
    NewReferral,
)
from broker.domain.states import ReferralState
from broker.ledger.database import Connection, Part, Row, rows


class Referrals(Part):
    """Referrals that are new, and bodies that may not be kept."""

    def accept(self, new: Sequence[NewReferral]) -> list[Accepted | Contradiction]:
        """Write the referrals that are new; answer for each one in order what the ledger holds.

        The same content under the same reference or key is the referral that was accepted first;
        other content under either is a Contradiction and changes nothing.
        """
        with self._transaction() as connection:
            written = {row["id"] for row in rows(connection, "referrals/accept", _columns(new))}
            holders = self._holders(connection, new, written)
        return [
            _receipt(one) if one.id in written else _held(one, holders[place])
            for place, one in enumerate(new)
        ]

    def record_refusal(
        self, publisher: OrganisationCode, *, digest: bytes, size: int, reason: str, now: datetime
    ) -> None:
        """Note that a body was refused, without the body: digest, size in bytes and a code."""
        refused = {"publisher": publisher, "digest": digest, "size": size, "reason": reason}
        self._rows("referrals/record_refusal", {**refused, "now": now})

    def _holders(
        self, connection: Connection, new: Sequence[NewReferral], written: set[Any]
    ) -> dict[int, Row]:
        places = [place for place, one in enumerate(new) if one.id not in written]
        if not places:
            return {}
        asked = {
            "places": places,
            "publishers": [new[place].publisher for place in places],
            "references": [new[place].reference for place in places],
            "keys": [new[place].idempotency_key for place in places],
            "digests": [new[place].digest for place in places],
        }
        found: dict[int, Row] = {}
        for row in rows(connection, "referrals/holders", asked):
            found.setdefault(row["place"], row)
        return found


def _columns(new: Sequence[NewReferral]) -> dict[str, list[Any]]:
    return {
        "ids": [one.id for one in new],
        "publishers": [one.publisher for one in new],
        "references": [one.reference for one in new],
        "keys": [one.idempotency_key for one in new],
        "digests": [one.digest for one in new],
        "bodies": [one.body for one in new],
        "accepted": [one.accepted_at for one in new],
        "actors": [one.actor for one in new],
        "occurrences": [one.occurrence for one in new],
    }


def _receipt(new_referral: NewReferral) -> Accepted:
    state = ReferralState.ACCEPTED
    return Accepted(
        new_referral.id,
        new_referral.reference,
        new_referral.digest,
        state,
        new_referral.accepted_at,
        duplicate=False,
    )


def _held(new_referral: NewReferral, row: Row) -> Accepted | Contradiction:
    if row["digest"] != new_referral.digest:
        return Contradiction(row["id"], "reference" if row["by_reference"] else "idempotency_key")
    return Accepted(
        row["id"],
        row["reference"],
        row["digest"],
        ReferralState(row["state"]),
        row["accepted_at"],
        duplicate=True,
    )
