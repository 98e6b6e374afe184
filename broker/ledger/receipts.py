"""What the ledger does with answers: each receipt is recorded once, and follows the state table.

All deliveries of one call are locked first, then judged in memory in the order of the receipts,
then written together: so the rules are Python that reads like the state table, and the writes are
four statements however many receipts there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from broker.domain.codes import Kind, Outcome, Stage
from broker.domain.delivery import (
    NewDelivery,
    Receipt,
    Returned,
    Settled,
)
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.states import DELIVERY_STEPS, DeliveryState, DeliveryStep
from broker.ledger.database import Connection, Part, Row, json_text, rows
from broker.ledger.deliveries import offers
from broker.ledger.operator_actions import ActionContext, keep_act
from broker.ledger.routing import insert_deliveries

_STEPS = {
    Stage.COLLECTED: DeliveryStep.COLLECT,
    Stage.ACKNOWLEDGED: DeliveryStep.ACKNOWLEDGE,
    Stage.DECIDED: DeliveryStep.DECIDE,
    Stage.RETURNED: DeliveryStep.RETURN,
}
_IMPLIED = {
    Stage.COLLECTED: ("collected_at",),
    Stage.ACKNOWLEDGED: ("collected_at", "acknowledged_at"),
    Stage.DECIDED: ("collected_at", "acknowledged_at", "decided_at"),
    Stage.RETURNED: ("collected_at", "returned_at"),
}
"""A person who decides has taken it, and what a person has taken the software has."""
_TIMES = ("collected_at", "acknowledged_at", "decided_at", "returned_at")


@dataclass
class _Book:
    """The deliveries of one call as they are, and what is to be written of them."""

    deliveries: dict[DeliveryId, Row]
    answers: dict[tuple[DeliveryId, str], Row]
    now: datetime
    before: dict[DeliveryId, str] = field(default_factory=dict)
    given: list[Receipt] = field(default_factory=list)

    def settle(self, agency: OrganisationCode, receipt: Receipt) -> Settled:
        """Judge one receipt, and note what it changes."""
        row = self.deliveries.get(receipt.delivery)
        if row is None or row["agency"] != agency or row["state"] == DeliveryState.HELD:
            return Settled(receipt.delivery, "not_found")
        state = DeliveryState(row["state"])
        if receipt.lease is not None and receipt.lease != row["lease"]:
            return Settled(receipt.delivery, "lease_lost", state)
        if earlier := self._earlier(receipt, row):
            return Settled(receipt.delivery, earlier[0], state, earlier[1])
        if not _fits(receipt, Kind(row["kind"])):
            return Settled(receipt.delivery, "wrong_kind", state)
        after = DELIVERY_STEPS[state].get(_STEPS[receipt.stage])
        if after is None:
            return Settled(receipt.delivery, "conflict", state)
        self._change(receipt, row, after)
        return Settled(receipt.delivery, "recorded", after, self.now, row["referral"])

    def _earlier(self, receipt: Receipt, row: Row) -> tuple[str, datetime] | None:
        """Return how a receipt compares with an earlier answer for the same stage, if any."""
        at = row[f"{receipt.stage}_at"]
        if at is None:
            return None
        answer = self.answers.get((receipt.delivery, str(receipt.stage)))
        same = answer is None or (answer["outcome"], answer["reason"]) == (
            receipt.outcome,
            receipt.reason,
        )
        return ("already" if same else "conflict"), at

    def _change(self, receipt: Receipt, row: Row, after: DeliveryState) -> None:
        self.before.setdefault(receipt.delivery, row["state"])
        row["state"] = str(after)
        for column in _IMPLIED[receipt.stage]:
            row[column] = row[column] or self.now
        self.answers[receipt.delivery, str(receipt.stage)] = {
            "outcome": receipt.outcome,
            "reason": receipt.reason,
        }
        self.given.append(receipt)


def _fits(receipt: Receipt, kind: Kind) -> bool:
    """Tell whether a kind of delivery is answered so.

    A recall ends with the word that everything is destroyed, and nothing else does. Neither a
    recall nor a correction is given back: whose it is was settled with what it follows.
    """
    if receipt.stage is Stage.RETURNED:
        return kind is Kind.REFERRAL
    if receipt.stage is Stage.DECIDED:
        return (receipt.outcome == Outcome.DESTROYED) == (kind is Kind.RECALL)
    return True


class SettleBatch:
    """The receipts of one call, recorded; what was returned may be sent on before the commit."""

    def __init__(
        self,
        connection: Connection,
        results: Sequence[Settled],
        returned: Sequence[Returned],
        about: dict[str, Any],
    ) -> None:
        self._connection = connection
        self._about = about
        self.results = results
        self.returned = returned

    def redirect(self, returned: DeliveryId, new: NewDelivery) -> None:
        """Give another agency what was returned in this call."""
        write_redirect(self._connection, returned, new, **self._about)


class Receipts(Part):
    """Receipts, and deliveries that are sent on."""

    @contextmanager
    def settle(
        self, agency: OrganisationCode, receipts: Sequence[Receipt], *, now: datetime, actor: str
    ) -> Iterator[SettleBatch]:
        """Record an agency's receipts in order; see ``Settled`` for what becomes of each.

        A receipt that bears a lease counts only while no other lease was given since. One without
        is a person's answer: it counts in every state that allows it, and earlier milestones are
        met with it. A referral whose deliveries have all ended closes in the same transaction.
        """
        about = {"now": now, "actor": actor}
        with self._transaction() as connection:
            book = _locked(connection, sorted({receipt.delivery for receipt in receipts}), now)
            results = [book.settle(agency, receipt) for receipt in receipts]
            _write(connection, book, about)
            yield SettleBatch(connection, results, _returned(connection, book), about)
            ended = {book.deliveries[one.delivery]["referral"] for one in book.given}
            rows(connection, "receipts/close_referrals", {"ids": sorted(ended), **about})

    def redirect(
        self,
        delivery: DeliveryId,
        new: NewDelivery,
        *,
        actor: str,
        now: datetime,
        why: ActionContext | None = None,
    ) -> bool:
        """Send a returned or undeliverable delivery on; False when it is neither, or was before.

        ``why`` is kept with it where a person does it.
        """
        with self._transaction() as connection:
            rows(connection, "receipts/lock_referrals", {"ids": [delivery]})
            if not rows(connection, "receipts/may_be_redirected", {"delivery": delivery}):
                return False
            write_redirect(connection, delivery, new, now=now, actor=actor)
            if why:
                keep_act(connection, "delivery.sent_on", why, delivery=delivery)
            return True


def write_redirect(
    connection: Connection, old: DeliveryId, new: NewDelivery, *, now: datetime, actor: str
) -> None:
    """Write the delivery that takes another's place, and reopen its referral if it had closed."""
    asked = {"delivery": old, "new": new.id, "now": now, "actor": actor}
    (found,) = rows(connection, "receipts/redirect", asked)
    whose = (ReferralId(found["referral"]), found["publisher"], replace(new, replaces=old))
    insert_deliveries(connection, [whose], now=now, actor=actor)


def _locked(connection: Connection, ids: Sequence[DeliveryId], now: datetime) -> _Book:
    """Lock the referrals in the order of their ids, so that two calls never wait for each other."""
    asked = {"ids": list(ids)}
    rows(connection, "receipts/lock_referrals", asked)
    deliveries = {row["id"]: row for row in rows(connection, "receipts/lock_deliveries", asked)}
    answers = {(r["delivery"], r["stage"]): r for r in rows(connection, "receipts/answers", asked)}
    return _Book(deliveries, answers, now)


def _write(connection: Connection, book: _Book, about: dict[str, Any]) -> None:
    if not book.given:
        return
    changed = [book.deliveries[id_] for id_ in book.before]
    columns = {time: [row[time] for row in changed] for time in _TIMES}
    ids = {"ids": [row["id"] for row in changed], "before": list(book.before.values())}
    rows(
        connection,
        "receipts/settle_deliveries",
        {**ids, **columns, "states": [row["state"] for row in changed]},
    )
    rows(connection, "receipts/settle_answers", {**_answer_columns(book), **about})
    referrals = sorted({row["referral"] for row in changed})
    rows(connection, "clock_pauses/end_over_escalations", {"referrals": referrals, **about})


def _answer_columns(book: _Book) -> dict[str, list[Any]]:
    given = book.given
    about = [{"outcome": r.outcome, "reason": r.reason, "area": r.area} for r in given]
    return {
        "deliveries": [one.delivery for one in given],
        "stages": [str(one.stage) for one in given],
        "by": [one.by for one in given],
        "outcomes": [one.outcome for one in given],
        "reasons": [one.reason for one in given],
        "notes": [one.note for one in given],
        "areas": [one.area for one in given],
        "data": [json_text({k: v for k, v in one.items() if v is not None}) for one in about],
    }


def _returned(connection: Connection, book: _Book) -> list[Returned]:
    given = {one.delivery: one for one in book.given if one.stage is Stage.RETURNED}
    return [
        Returned(offer, given[offer.id].reason or "", given[offer.id].area)
        for offer in offers(connection, list(given))
    ]
