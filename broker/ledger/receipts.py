"""Agencies' receipts: each is recorded once, and follows the table of legal steps.

All deliveries of one call are locked first, judged in memory in the order of the receipts, then
written together. So the rules are Python that reads like the table, and the writes are four
statements however many receipts there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import TypeVar
from uuid import UUID

from broker.domain.codes import DeliveryKind, Outcome, ReceiptResult, Stage
from broker.domain.delivery import (
    NewDelivery,
    Offer,
    Receipt,
    ReceiptMessage,
    Redirectable,
    Returned,
    Settled,
)
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.states import DELIVERY_STEPS, DeliveryState, DeliveryStep
from broker.errors import Denied
from broker.ledger.clock_pauses import ClockBatch, end_over_escalations, running_clocks
from broker.ledger.corrections import latest_delivery
from broker.ledger.database import Connection, Part, Row, json_text, rows
from broker.ledger.deliveries import offers
from broker.ledger.operator_actions import ActionContext, expect_version, keep_act
from broker.ledger.queries import content
from broker.ledger.question_closings import close_questions
from broker.ledger.queue_keys import take
from broker.ledger.routing import insert_deliveries

Id = TypeVar("Id", bound=UUID)
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
"""Who has decided has acknowledged, and who has acknowledged has collected."""
_TIMES = ("collected_at", "acknowledged_at", "decided_at", "returned_at")
_CHILD = ("views_considered", "child_told")
_COMPARED = ("outcome", "reason", *_CHILD)
_ADDED = ("note", *_CHILD)
"""What a decision may be given again with, to say more."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A receipt that is recorded, and the decision whose place it takes."""

    receipt: Receipt
    number: int = 1
    changed_from: str | None = None
    is_late: bool = False
    """Whether another team had the delivery already: then it changes nothing."""

    @property
    def event(self) -> str:
        """Return the kind of its event."""
        return "delivery.answered_late" if self.is_late else f"delivery.{self.receipt.stage}"

    @property
    def codes(self) -> dict[str, str]:
        """Return what the history keeps of it: codes, never names or notes."""
        codes: dict[str, str | None] = {
            name: getattr(self.receipt, name) for name in (*_COMPARED, "area")
        }
        codes["changed_from"] = self.changed_from
        codes["stage"] = str(self.receipt.stage) if self.is_late else None
        return {name: code for name, code in codes.items() if code is not None}


def _answer(receipt: Receipt, earlier: Row | None) -> _Answer:
    """Return what is recorded of a receipt."""
    if earlier is None:
        return _Answer(receipt)
    if earlier["outcome"] == receipt.outcome:
        # The same decision with more to it: what was said before stays true.
        known = {name: getattr(receipt, name) or earlier[name] for name in _ADDED}
        receipt = replace(receipt, **known)
    return _Answer(receipt, earlier["number"] + 1, earlier["outcome"])


@dataclass
class _ReceiptJudgement:
    """The locked deliveries of one call, and what is to be written of them."""

    deliveries: dict[DeliveryId, Row]
    answers: dict[tuple[DeliveryId, str], Row]
    now: datetime
    states_before: dict[DeliveryId, str] = field(default_factory=dict)
    recorded: list[_Answer] = field(default_factory=list)

    def settle(self, agency: OrganisationCode, receipt: Receipt) -> Settled:
        """Judge one receipt, and note what it changes."""
        row = self.deliveries.get(receipt.delivery)
        if row is None or row["agency"] != agency or row["state"] == DeliveryState.HELD:
            return Settled(receipt.delivery, ReceiptResult.NOT_FOUND)
        if _is_handed_over(row):
            return self._late(receipt, row)
        return self._settle(receipt, row, DeliveryState(row["state"]))

    def _settle(self, receipt: Receipt, row: Row, state: DeliveryState) -> Settled:
        if receipt.lease is not None and receipt.lease != row["lease"]:
            return Settled(receipt.delivery, ReceiptResult.LEASE_LOST, state)
        if earlier := self._earlier(receipt, row):
            return Settled(receipt.delivery, earlier[0], state, earlier[1])
        # A decision that changes nothing was answered above.
        is_change = receipt.stage is Stage.DECIDED and state is DeliveryState.DECIDED
        if not _fits(receipt, DeliveryKind(row["kind"])):
            return Settled(receipt.delivery, ReceiptResult.WRONG_KIND, state)
        after = DELIVERY_STEPS[state].get(_STEPS[receipt.stage])
        if after is None:
            return Settled(receipt.delivery, ReceiptResult.CONFLICT, state)
        self._change(receipt, row, after)
        return Settled(
            receipt.delivery, ReceiptResult.RECORDED, after, self.now, row["referral"], is_change
        )

    def _earlier(self, receipt: Receipt, row: Row) -> tuple[ReceiptResult, datetime] | None:
        """Compare a receipt with an earlier answer for the same stage, if there is one.

        None where there is none, or where it is a decision that now changes.
        """
        at = row[f"{receipt.stage}_at"]
        if at is None:
            return None
        answer = self.answers.get((receipt.delivery, str(receipt.stage)))
        if answer is None or _says_the_same(receipt, answer):
            return ReceiptResult.ALREADY, answer["at"] if answer else at
        return None if receipt.stage is Stage.DECIDED else (ReceiptResult.CONFLICT, at)

    def _late(self, receipt: Receipt, row: Row) -> Settled:
        """Keep in the history what the team that handed over says afterwards, once."""
        state = DeliveryState(row["state"])
        answer = self.answers.get((receipt.delivery, str(receipt.stage)))
        if state is DeliveryState.DECIDED and answer and _says_the_same(receipt, answer):
            return Settled(receipt.delivery, ReceiptResult.ALREADY, state, answer["at"])
        is_news = answer is None or (
            receipt.stage is Stage.DECIDED and not _says_the_same(receipt, answer)
        )
        if is_news and receipt.stage is not Stage.COLLECTED:
            self._note(replace(_answer(receipt, answer), is_late=True))
        result = ReceiptResult.HANDED_OVER
        return Settled(receipt.delivery, result, state, row["sent_on_at"], row["referral"])

    def _change(self, receipt: Receipt, row: Row, after: DeliveryState) -> None:
        self.states_before.setdefault(receipt.delivery, row["state"])
        row["state"] = str(after)
        for column in _IMPLIED[receipt.stage]:
            row[column] = row[column] or self.now
        self._note(_answer(receipt, self.answers.get((receipt.delivery, str(receipt.stage)))))

    def _note(self, answer: _Answer) -> None:
        self.answers[answer.receipt.delivery, str(answer.receipt.stage)] = {
            **{name: getattr(answer.receipt, name) for name in (*_COMPARED, "note")},
            "number": answer.number,
            "at": self.now,
        }
        self.recorded.append(answer)

    def returned(self) -> dict[DeliveryId, Receipt]:
        """Return the recorded receipts that return a delivery, by it; none that came too late."""
        return {
            answer.receipt.delivery: answer.receipt
            for answer in self.recorded
            if answer.receipt.stage is Stage.RETURNED and not answer.is_late
        }


def _is_handed_over(row: Row) -> bool:
    """Tell whether another team has a delivery; one that was decided before keeps that state."""
    state = DeliveryState(row["state"])
    return state is DeliveryState.HANDED_OVER or (
        state is DeliveryState.DECIDED and row["sent_on_at"] is not None
    )


def _says_the_same(receipt: Receipt, answer: Row) -> bool:
    """Tell whether an answer was given before; what a receipt leaves out changes nothing."""
    if (answer["outcome"], answer["reason"]) != (receipt.outcome, receipt.reason):
        return False
    added = _ADDED if receipt.stage is Stage.DECIDED else ()
    return all(getattr(receipt, name) in (None, answer[name]) for name in added)


def _fits(receipt: Receipt, kind: DeliveryKind) -> bool:
    """Return whether a kind of delivery may be answered so.

    A recall is decided by confirming that everything is destroyed, and nothing else is. A
    correction is not decided: what it corrects is, and would stay open. Neither can be returned:
    their agency was settled with what they follow.
    """
    if receipt.stage is Stage.RETURNED:
        return kind is DeliveryKind.REFERRAL
    if receipt.stage is Stage.DECIDED:
        is_destroyed = receipt.outcome == Outcome.DESTROYED
        return kind is (DeliveryKind.RECALL if is_destroyed else DeliveryKind.REFERRAL)
    return True


class SettleBatch:
    """The receipts of one call, recorded; what was returned may be redirected before the commit."""

    def __init__(
        self,
        connection: Connection,
        results: Sequence[Settled],
        returned: Sequence[Returned],
        *,
        now: datetime,
        actor: str,
    ) -> None:
        self._connection = connection
        self._now = now
        self._actor = actor
        self.results = results
        self.returned = returned

    def paused(self) -> Iterator[ClockBatch]:
        """Lock the paused clocks of what was returned in this call."""
        for returned in self.returned:
            batch = running_clocks(self._connection, returned.delivery.id, None)
            if batch.clocks is not None and batch.clocks.paused_at is not None:
                yield batch

    def redirectable(self, offer: Offer) -> Redirectable:
        """Return what another agency would get of what was returned in this call."""
        return _redirectable(self._connection, offer)

    def was_returned_by(self, referral: ReferralId, agency: OrganisationCode) -> bool:
        """Tell whether an agency has returned a part of a referral."""
        return _was_returned_by(self._connection, referral, agency)

    def redirect(self, returned: DeliveryId, new: NewDelivery) -> None:
        """Give another agency what was returned in this call."""
        _redirect(self._connection, returned, new, now=self._now, actor=self._actor)


class Receipts(Part):
    """Receipts, and deliveries that are redirected."""

    @contextmanager
    def settle(
        self,
        agency: OrganisationCode,
        receipts: Sequence[Receipt],
        *,
        now: datetime,
        actor: str,
        message: ReceiptMessage | None = None,
    ) -> Iterator[SettleBatch]:
        """Record an agency's receipts in order; see ``ReceiptResult`` for what becomes of each.

        A receipt with a lease counts only while no other lease was given since. A receipt without
        one is a person's answer: it counts in every state that allows it, and earlier milestones
        are met with it. A decision may change: the newest stands, and all stay. A referral in which
        nobody owes anything closes in the same transaction, and one that is owed again reopens.

        A ``message`` from a queue is taken in the same transaction: one that comes again, after
        later ones, does not put an earlier decision back. Raises Denied when it was taken before.
        """
        with self._transaction() as connection:
            if message is not None and not take(connection, message):
                raise Denied("This message was taken before.")
            ids = _in_order({receipt.delivery for receipt in receipts})
            judgement = _lock(connection, ids, now)
            results = [judgement.settle(agency, receipt) for receipt in receipts]
            _write(connection, judgement, actor)
            returned = _returned(connection, judgement)
            yield SettleBatch(connection, results, returned, now=now, actor=actor)
            changed = {judgement.deliveries[id_]["referral"] for id_ in judgement.states_before}
            close_referrals(connection, _in_order(changed), now=now, actor=actor)

    def redirectable(
        self,
        delivery: DeliveryId,
        *,
        is_to_be_returned: bool = False,
        expected_version: int | None = None,
    ) -> Redirectable | None:
        """Return what another agency would get of a delivery; None where it is not redirected.

        It is when it is returned or undeliverable, and nothing has its place. With
        ``is_to_be_returned`` its state does not count. Raises Conflict as ``redirect`` does.
        """
        with self._transaction() as connection:
            if not is_to_be_returned and not _may_be_redirected(connection, delivery):
                return None
            expect_version(connection, expected_version, delivery=delivery)
            found = offers(connection, [delivery])
            return _redirectable(connection, found[0]) if found else None

    def redirect(
        self,
        delivery: DeliveryId,
        successor: Callable[[Redirectable], NewDelivery],
        action: ActionContext,
    ) -> NewDelivery | None:
        """Redirect a returned or undeliverable delivery, once; None when it is neither.

        ``successor`` returns the delivery that takes its place. It is called while the referral is
        locked, so what it is given stands until the commit; what it raises changes nothing. Raises
        Conflict where the referral was corrected since the version that ``action`` expects.
        """
        with self._transaction() as connection:
            lock_referrals(connection, [delivery])
            if not _may_be_redirected(connection, delivery):
                return None
            expect_version(connection, action.expected_version, delivery=delivery)
            (offer,) = offers(connection, [delivery])
            new = successor(_redirectable(connection, offer))
            _redirect(connection, delivery, new, now=action.now, actor=action.by)
            keep_act(connection, "delivery.sent_on", action, delivery=delivery)
            return new


def _in_order(ids: Iterable[Id]) -> list[Id]:
    """Return ids in their order, by their numbers: UUIDs compare each other in Python."""
    return sorted(ids, key=attrgetter("int"))


def _redirectable(connection: Connection, offer: Offer) -> Redirectable:
    latest = latest_delivery(connection, offer.id) or offer
    return Redirectable(offer, latest, content(connection, offer.referral) or latest.body)


def _redirect(
    connection: Connection, old: DeliveryId, new: NewDelivery, *, now: datetime, actor: str
) -> None:
    """Write the delivery that takes another's place, and reopen its referral if it had closed."""
    params = {"delivery": old, "new": new.id, "now": now, "actor": actor}
    (row,) = rows(connection, "receipts/redirect", params)
    successor = (ReferralId(row["referral"]), row["publisher"], replace(new, replaces=old))
    insert_deliveries(connection, [successor], now=now, actor=actor)


def _lock(connection: Connection, ids: Sequence[DeliveryId], now: datetime) -> _ReceiptJudgement:
    """Lock referrals before their deliveries, so that two calls never wait for each other."""
    lock_referrals(connection, ids)
    deliveries = _lock_deliveries(connection, ids)
    # With each answer its delivery got an instant, so most calls have none to read.
    answered = [id_ for id_, row in deliveries.items() if any(row[time] for time in _TIMES)]
    answers = _answers(connection, answered) if answered else {}
    return _ReceiptJudgement(deliveries, answers, now)


def lock_referrals(connection: Connection, ids: Sequence[DeliveryId]) -> None:
    """Lock the referrals of deliveries: so nothing else closes, recalls or redirects them."""
    rows(connection, "receipts/lock_referrals", {"ids": list(ids)})


def _lock_deliveries(connection: Connection, ids: Sequence[DeliveryId]) -> dict[DeliveryId, Row]:
    locked = rows(connection, "receipts/lock_deliveries", {"ids": list(ids)})
    return {row["id"]: row for row in locked}


def _answers(
    connection: Connection, ids: Sequence[DeliveryId]
) -> dict[tuple[DeliveryId, str], Row]:
    answers = rows(connection, "receipts/answers", {"ids": list(ids)})
    return {(row["delivery"], row["stage"]): row for row in answers}


def _was_returned_by(
    connection: Connection, referral: ReferralId, agency: OrganisationCode
) -> bool:
    params = {"referral": referral, "agency": agency}
    return bool(rows(connection, "receipts/was_returned_by", params))


def _may_be_redirected(connection: Connection, delivery: DeliveryId) -> bool:
    return bool(rows(connection, "receipts/may_be_redirected", {"delivery": delivery}))


def _write(connection: Connection, judgement: _ReceiptJudgement, actor: str) -> None:
    if not judgement.recorded:
        return
    _settle_deliveries(connection, judgement)
    _settle_answers(connection, judgement, actor)
    changed = {judgement.deliveries[id_]["referral"] for id_ in judgement.states_before}
    end_over_escalations(connection, _in_order(changed), now=judgement.now, actor=actor)
    # Of what an agency answers a return alone ends what it has: most calls have no such question.
    returned = {judgement.deliveries[id_]["referral"] for id_ in judgement.returned()}
    close_questions(connection, _in_order(returned), now=judgement.now, actor=actor)


def _settle_deliveries(connection: Connection, judgement: _ReceiptJudgement) -> None:
    changed = [judgement.deliveries[id_] for id_ in judgement.states_before]
    columns = {
        "ids": [row["id"] for row in changed],
        "before": list(judgement.states_before.values()),
        "states": [row["state"] for row in changed],
        **{time: [row[time] for row in changed] for time in _TIMES},
    }
    rows(connection, "receipts/settle_deliveries", columns)


def _settle_answers(connection: Connection, judgement: _ReceiptJudgement, actor: str) -> None:
    answers = judgement.recorded
    receipts = [answer.receipt for answer in answers]
    columns = {
        "deliveries": [receipt.delivery for receipt in receipts],
        "stages": [str(receipt.stage) for receipt in receipts],
        "by": [receipt.by for receipt in receipts],
        "outcomes": [receipt.outcome for receipt in receipts],
        "reasons": [receipt.reason for receipt in receipts],
        "notes": [receipt.note for receipt in receipts],
        "areas": [receipt.area for receipt in receipts],
        "numbers": [answer.number for answer in answers],
        "views_considered": [receipt.views_considered for receipt in receipts],
        "child_told": [receipt.child_told for receipt in receipts],
        "data": [json_text(answer.codes) for answer in answers],
        "events": [answer.event for answer in answers],
    }
    params = {**columns, "now": judgement.now, "actor": actor}
    rows(connection, "receipts/settle_answers", params)


def close_referrals(
    connection: Connection, referrals: Sequence[ReferralId], *, now: datetime, actor: str
) -> None:
    """Close those of these locked referrals in which nobody has anything left to do, or reopen."""
    params = {"ids": list(referrals), "now": now, "actor": actor}
    rows(connection, "receipts/close_referrals", params)


def _returned(connection: Connection, judgement: _ReceiptJudgement) -> list[Returned]:
    receipts = judgement.returned()
    return [
        Returned(offer, receipts[offer.id].reason or "", receipts[offer.id].area)
        for offer in offers(connection, list(receipts))
    ]
