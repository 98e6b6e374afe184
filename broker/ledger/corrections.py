"""Corrections and recalls, as a publisher sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.domain.delivery import Offer
from broker.domain.ids import DeliveryId
from broker.domain.referral import (
    Accepted,
    ChangeRefusal,
    NewVersion,
    Recalled,
    Refused,
    Withdrawal,
)
from broker.domain.states import ReferralState
from broker.ledger.clock_pauses import end_over_escalations
from broker.ledger.database import Connection, Part, Row, rows
from broker.ledger.deliveries import offers
from broker.ledger.queries import content
from broker.ledger.question_closings import close_questions
from broker.ledger.routing import RouteBatch, claim_recalled
from broker.ledger.tasks import settle_refused

MOST_VERSIONS = 100
"""A referral has at most so many versions."""
Moved = Callable[[bytes | None], Sequence[str]]
"""Given the version before, returns the local ids that a correction gives to somebody else, or to
somebody elsewhere: an area that was given to one of them before counts no more."""


@dataclass(frozen=True, slots=True)
class RecallBatch:
    """A recall, with what must be settled of it before the commit."""

    receipt: Recalled | Refused
    batch: RouteBatch | None
    """The recalled referral with what its agencies had; None when nothing was changed."""


class Corrections(Part):
    """Corrections and recalls."""

    def correct(self, new: NewVersion, *, moved: Moved = lambda _: ()) -> Accepted | Refused:
        """Write a further version and make its referral due; unchanged content adds no version.

        Repeating a correction returns its first receipt, also after the referral was recalled. One
        that expects another version than the latest is refused. All of it is judged on the locked
        referral, so of two corrections at once the second sees the first.
        """
        with self._transaction() as connection:
            latest = _lock_latest_version(connection, new)
            if isinstance(latest, Refused):
                return latest
            earlier = _correction_by_key(connection, new) or latest
            if earlier["digest"] == new.digest:
                return _version(latest, earlier, duplicate=True)
            if earlier is not latest:
                return Refused(ChangeRefusal.IDEMPOTENCY_KEY)
            if refusal := _closed_to_changes(latest) or _version_refusal(new, latest):
                return Refused(refusal)
            version = {"version": latest["version"] + 1, "digest": new.digest}
            before = {"before": latest["state"]}
            before["moved"] = list(moved(content(connection, new.referral)))
            rows(connection, "corrections/correct", {**_params(new), **before, **version})
            settle_refused(connection, new.publisher, latest["reference"], now=new.accepted_at)
            after = {**version, "accepted_at": new.accepted_at}
            return _version(latest, after, duplicate=False)

    @contextmanager
    def recall(self, new: Withdrawal) -> Iterator[RecallBatch]:
        """Recall a referral: from the commit nothing of it is offered.

        What its agencies are told is settled by the caller in the same transaction; where it is
        not, the referral is due for routing, which tells them. The first recall counts; repeating
        it is harmless. One that expects another version than the latest is refused.
        """
        with self._transaction() as connection:
            receipt = _recall(connection, new)
            batch = None
            if isinstance(receipt, Recalled) and not receipt.duplicate:
                batch = claim_recalled(connection, new.referral, now=new.at)
            yield RecallBatch(receipt, batch)


def latest_delivery(connection: Connection, delivery: DeliveryId) -> Offer | None:
    """Return the latest version of a delivery's part that its agency was given."""
    latest = rows(connection, "corrections/latest_delivery", {"delivery": delivery})
    return offers(connection, [latest[0]["id"]])[0] if latest else None


def _recall(connection: Connection, new: Withdrawal) -> Recalled | Refused:
    """Write the recall, and end what agencies were still offered."""
    latest = _lock_latest_version(connection, new)
    if isinstance(latest, Refused):
        return latest
    if latest["recalled_at"] is not None:
        if latest["recall_reason"] != new.reason:
            return Refused(ChangeRefusal.OTHER_REASON)
        return _recalled(latest, duplicate=True)
    refusal = _closed_to_changes(latest)
    if refusal is None and new.expected_version not in (None, latest["version"]):
        refusal = ChangeRefusal.CORRECTED_SINCE
    if refusal:
        return Refused(refusal)
    params = {"reason": new.reason, "by": new.by, "now": new.at, "actor": new.actor}
    params |= {"referral": new.referral, "before": latest["state"]}
    _lock_deliveries(connection, new)
    rows(connection, "corrections/recall", params)
    end_over_escalations(connection, [new.referral], now=new.at, actor=new.actor)
    close_questions(connection, [new.referral], now=new.at, actor=new.actor)
    state = _reopened(latest["state"])
    recall = {"state": state, "recalled_at": new.at, "recall_reason": new.reason}
    return _recalled({**latest, **recall}, duplicate=False)


def _lock_latest_version(connection: Connection, new: NewVersion | Withdrawal) -> Row | Refused:
    """Lock a referral, then read it: the first statement may have waited for another change."""
    if not _lock_referral(connection, new):
        return Refused(ChangeRefusal.UNKNOWN)
    return _latest_version(connection, new)


def _lock_referral(connection: Connection, new: NewVersion | Withdrawal) -> bool:
    params = {"referral": new.referral, "publisher": new.publisher}
    return bool(rows(connection, "corrections/lock_referral", params))


def _lock_deliveries(connection: Connection, new: Withdrawal) -> None:
    rows(connection, "corrections/lock_deliveries", {"referral": new.referral})


def _latest_version(connection: Connection, new: NewVersion | Withdrawal) -> Row:
    return rows(connection, "corrections/latest_version", {"referral": new.referral})[0]


def _correction_by_key(connection: Connection, new: NewVersion) -> Row | None:
    if new.idempotency_key is None:
        return None
    params = {"referral": new.referral, "idempotency_key": new.idempotency_key}
    earlier = rows(connection, "corrections/correction_by_key", params)
    return earlier[0] if earlier else None


def _closed_to_changes(row: Row) -> ChangeRefusal | None:
    """Return why a referral can be neither corrected nor recalled, or None."""
    if row["recalled_at"] is not None:
        return ChangeRefusal.RECALLED
    if row["state"] == ReferralState.REJECTED:
        return ChangeRefusal.REJECTED
    if row["state"] == ReferralState.CLOSED and row["routed_at"] is None:
        return ChangeRefusal.SUPERSEDED
    return None


def _version_refusal(new: NewVersion, latest: Row) -> ChangeRefusal | None:
    """Return why no version may follow the latest one, or None."""
    if new.expected_version not in (None, latest["version"]):
        return ChangeRefusal.NEWER_VERSION
    return ChangeRefusal.TOO_MANY if latest["version"] >= MOST_VERSIONS else None


def _params(new: NewVersion) -> dict[str, Any]:
    return {
        "referral": new.referral,
        "body": new.body,
        "idempotency_key": new.idempotency_key,
        "now": new.accepted_at,
        "actor": new.actor,
    }


def _reopened(state: str) -> ReferralState:
    """Return the state of a referral that is due again: a closed one is reopened."""
    before = ReferralState(state)
    return ReferralState.ROUTED if before is ReferralState.CLOSED else before


def _version(latest: Row, version: Row, *, duplicate: bool) -> Accepted:
    state = ReferralState(latest["state"]) if duplicate else _reopened(latest["state"])
    accepted_at: datetime = version["accepted_at"]
    return Accepted(
        id=latest["id"],
        reference=latest["reference"],
        digest=version["digest"],
        state=state,
        accepted_at=accepted_at,
        duplicate=duplicate,
        version=version["version"],
    )


def _recalled(row: Row, *, duplicate: bool) -> Recalled:
    return Recalled(
        id=row["id"],
        reference=row["reference"],
        state=ReferralState(row["state"]),
        recalled_at=row["recalled_at"],
        reason=row["recall_reason"],
        duplicate=duplicate,
    )
