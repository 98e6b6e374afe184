"""Accept referrals, and record which bodies were refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.domain.referral import (
    Accepted,
    Contradiction,
    NewReferral,
    Refusal,
)
from broker.domain.states import ReferralState
from broker.domain.task import RefusalTask
from broker.ledger.database import Connection, Part, Row, rows
from broker.ledger.tasks import CORRECTED, open_refusals, settle_tasks


class Referrals(Part):
    """New referrals, and bodies that may not be stored."""

    def accept(self, new: Sequence[NewReferral]) -> list[Accepted | Contradiction]:
        """Write the referrals that are new; return for each, in order, what the ledger holds.

        The same content under the same reference or key is the referral that was accepted first;
        other content under either is a Contradiction and changes nothing.
        """
        with self._transaction() as connection:
            fresh = rows(connection, "referrals/accept", _columns(new))
            written = {row["id"] for row in fresh}
            over = [task for row in fresh for task in row["tasks"]]
            if over:
                settle_tasks(connection, over, because=CORRECTED, now=new[0].accepted_at)
            holders = _holders(connection, new, written)
        return [
            _accepted(referral) if referral.id in written else _held(referral, holders[place])
            for place, referral in enumerate(new)
        ]

    def record_refusals(self, refusals: Sequence[tuple[Refusal, RefusalTask | None]]) -> None:
        """Record which bodies were refused, without the bodies, and open the tasks about them."""
        with self._transaction() as connection:
            _record_refusals(connection, [refusal for refusal, _ in refusals])
            open_refusals(
                connection, [(refusal, task) for refusal, task in refusals if task is not None]
            )


def _record_refusals(connection: Connection, refusals: Sequence[Refusal]) -> None:
    columns = {
        "publishers": [refusal.publisher for refusal in refusals],
        "digests": [refusal.digest for refusal in refusals],
        "sizes": [refusal.size for refusal in refusals],
        "reasons": [refusal.reason for refusal in refusals],
        "at": [refusal.at for refusal in refusals],
    }
    rows(connection, "referrals/record_refusals", columns)


def _holders(
    connection: Connection, new: Sequence[NewReferral], written: set[Any]
) -> dict[int, Row]:
    """Return which referral holds the reference or key of each that was not written."""
    places = [place for place, referral in enumerate(new) if referral.id not in written]
    if not places:
        return {}
    columns = {
        "places": places,
        "publishers": [new[place].publisher for place in places],
        "references": [new[place].reference for place in places],
        "keys": [new[place].idempotency_key for place in places],
        "digests": [new[place].digest for place in places],
    }
    holders: dict[int, Row] = {}
    for row in rows(connection, "referrals/holders", columns):
        holders.setdefault(row["place"], row)
    return holders


def _columns(new: Sequence[NewReferral]) -> dict[str, list[Any]]:
    return {
        "ids": [referral.id for referral in new],
        "publishers": [referral.publisher for referral in new],
        "references": [referral.reference for referral in new],
        "keys": [referral.idempotency_key for referral in new],
        "digests": [referral.digest for referral in new],
        "bodies": [referral.body for referral in new],
        "accepted": [referral.accepted_at for referral in new],
        "actors": [referral.actor for referral in new],
        "occurrences": [referral.occurrence for referral in new],
    }


def _accepted(new_referral: NewReferral) -> Accepted:
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
