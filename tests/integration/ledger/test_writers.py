"""Every statement that writes a delivery asks its referral; after a recall it writes nothing."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest
import uuid_utils.compat as ids

from broker.domain.codes import Stage
from broker.domain.delivery import Receipt
from broker.domain.ids import DeliveryId, LeaseId
from broker.domain.push import Attempt, Deferred
from broker.domain.referral import Withdrawal
from broker.domain.states import DeliveryState
from broker.ledger import ledger
from broker.ledger.bulk_actions import NewPlan
from broker.ledger.holds import Recounted
from broker.policy.decision import Revised
from broker.policy.revision.issued import Changed
from tests.integration.ledger.conftest import (
    NOW,
    POLICE,
    SHROPSHIRE,
    STOKE,
    Book,
    by_ops,
    new_delivery,
    routed,
)

STATEMENTS = Path(ledger.__file__).parent / "sql"
WRITES = re.compile(
    r"\b(?:update\s+delivery\b(?!_)|insert\s+into\s+delivery\b(?!_))", re.IGNORECASE
)
LATER = NOW + timedelta(hours=1)
LEASED_AS = LeaseId(ids.uuid7())
WRITERS = sorted(
    f"{path.parent.name}/{path.stem}"
    for path in STATEMENTS.glob("*/*.sql")
    if WRITES.search(path.read_text(encoding="utf-8"))
)
ASKS_NOBODY = {
    "alarms/plan_alarms": "it writes when the next alarm is due, of rows that its claim locked",
    "corrections/recall": "it is the recall",
    "hand_overs/keep": "it writes when a part is looked at next, of rows that its claim locked",
}


def push(book: Book, id_: DeliveryId) -> None:
    attempt = Attempt(id_, LEASED_AS, Deferred(LATER, "busy"))
    book.ledger.deliveries.settle_pushes([attempt], now=NOW, actor="channel:queue")


def claim_pushes(book: Book, _: DeliveryId) -> None:
    with psycopg.connect(book.dsn) as connection:
        connection.execute("update delivery set channel = 'queue', next_attempt_at = %s", [NOW])
    book.ledger.deliveries.claim_pushes(
        "queue", limit=9, lease_for=timedelta(minutes=1), now=NOW, new_id=ids.uuid7
    )


def answer(book: Book, id_: DeliveryId) -> None:
    book.answer(STOKE, Receipt(id_, Stage.ACKNOWLEDGED, "A. Person"))


def redirect(book: Book, id_: DeliveryId) -> None:
    book.ledger.receipts.redirect(id_, lambda _: new_delivery(SHROPSHIRE), by_ops(LATER))


def redirect_in_answer(book: Book, id_: DeliveryId) -> None:
    """Redirect inside the call that returns it, as a wrong area is."""
    receipt = Receipt(id_, Stage.RETURNED, "A. Person", reason="wrong_area")
    with book.ledger.receipts.settle(STOKE, [receipt], now=LATER, actor="key:x") as batch:
        batch.redirect(id_, new_delivery(SHROPSHIRE))


def replay_many(book: Book, _: DeliveryId) -> None:
    bulk, id_ = book.ledger.bulk_actions, ids.uuid7()
    bulk.plan_replay(NewPlan(id=id_, per_minute=6000, by="person:J"), now=NOW)
    bulk.turn_replay(id_, frm=["planned"], to="running", by="person:J", reason="R", now=NOW)
    bulk.step_replays(now=LATER, limit=10)


def pause(book: Book, id_: DeliveryId) -> None:
    with book.ledger.clock_pauses.clocks(id_, agency=None) as batch:
        batch.pause_clock(
            ids.uuid7(), reason="legal_hold", milestones=["acknowledge"], actor="key:x", now=NOW
        )


def resume(book: Book, id_: DeliveryId) -> None:
    with book.ledger.clock_pauses.clocks(id_, agency=None) as batch:
        batch.resume_clock({}, {"deadlines": []}, moved=[], because=None, actor="key:x", now=LATER)


def route_to_more(book: Book, _: DeliveryId) -> None:
    _due_again(book)
    with book.ledger.routing.claim_unrouted(9, now=LATER) as batch:
        (referral,) = batch.referrals
        batch.settle([routed(referral.id, [new_delivery(SHROPSHIRE)])], now=LATER, actor="broker")


def revise(book: Book, _: DeliveryId) -> None:
    _due_again(book)
    with book.ledger.routing.claim_unrouted(9, now=LATER) as batch:
        (referral,) = batch.referrals
        (before,) = referral.earlier
        after = replace(before, state=DeliveryState.AVAILABLE, version=2)
        decision = Revised(routed(referral.id, []), (Changed(before, after, ()),), {})
        batch.settle([decision], now=LATER, actor="broker")


def _due_again(book: Book) -> None:
    with psycopg.connect(book.dsn) as connection:
        connection.execute("update referral set next_attempt_at = %s", [NOW])


def extend(book: Book, id_: DeliveryId) -> None:
    held = [(id_, LEASED_AS)]
    book.ledger.deliveries.extend(STOKE, held, lease_for=timedelta(hours=2), now=NOW)


def hand_over(book: Book, id_: DeliveryId) -> None:
    book.do("update delivery set hand_over_at = %s", NOW)
    with book.ledger.hand_overs.claim(9, now=LATER) as batch:
        for part in batch.parts:
            batch.hand_over(part, id_, STOKE)


def regrade(book: Book, _: DeliveryId) -> None:
    _due_again(book)
    with book.ledger.routing.claim_unrouted(9, now=LATER) as batch:
        (referral,) = batch.referrals
        decision = Revised(routed(referral.id, []), (), {"grade": "high"})
        batch.settle([decision], now=LATER, actor="broker")


def warn_of_embargoes(book: Book, _: DeliveryId) -> None:
    before, now = timedelta(hours=1), NOW - timedelta(minutes=5)
    with book.ledger.embargoes.warn_of_embargoes(9, before=before, now=now):
        pass


ACTS: dict[str, tuple[DeliveryState, Callable[[Book, DeliveryId], object]]] = {
    "bulk_actions/step_replays": (DeliveryState.UNDELIVERABLE, replay_many),
    "clock_pauses/pause_clock": (DeliveryState.ACKNOWLEDGED, pause),
    "clock_pauses/resume_clock": (DeliveryState.ACKNOWLEDGED, resume),
    "deliveries/claim_pushes": (DeliveryState.AVAILABLE, claim_pushes),
    "deliveries/collect": (DeliveryState.AVAILABLE, lambda book, _: book.collect(STOKE)),
    "deliveries/extend": (DeliveryState.LEASED, extend),
    "deliveries/release": (
        DeliveryState.LEASED,
        lambda book, id_: book.ledger.deliveries.release(
            STOKE, [(id_, LEASED_AS)], now=NOW, actor="key:x"
        ),
    ),
    "deliveries/settle_pushes": (DeliveryState.LEASED, push),
    "hand_overs/hand_over": (DeliveryState.ACKNOWLEDGED, hand_over),
    "hand_overs/look_again_all": (
        DeliveryState.AVAILABLE,
        lambda book, _: book.ledger.policies.publish_policy(
            "another", bytes(range(32)), {}, NOW - timedelta(minutes=1)
        ),
    ),
    "revisions/look_again": (DeliveryState.AVAILABLE, regrade),
    "embargoes/warn_of_embargoes": (DeliveryState.HELD, warn_of_embargoes),
    "holds/offer_from": (
        DeliveryState.HELD,
        lambda book, id_: book.ledger.holds.release(
            id_, by_ops(LATER), lambda _: Recounted({}, {})
        ),
    ),
    "operator_actions/replay_delivery": (
        DeliveryState.UNDELIVERABLE,
        lambda book, id_: book.ledger.operator_actions.replay_delivery(id_, by_ops(NOW)),
    ),
    "receipts/redirect": (DeliveryState.RETURNED, redirect),
    "receipts/settle_deliveries": (DeliveryState.AVAILABLE, answer),
    "revisions/revise_deliveries": (DeliveryState.AVAILABLE, revise),
    "routing/insert_deliveries": (DeliveryState.AVAILABLE, route_to_more),
    "routing/mark_redirected": (DeliveryState.COLLECTED, redirect_in_answer),
    "sweep/lapse": (
        DeliveryState.LEASED,
        lambda book, _: book.ledger.sweep.lapse(now=NOW + timedelta(days=1), limit=10),
    ),
    "sweep/release_held": (
        DeliveryState.HELD,
        lambda book, _: book.ledger.sweep.release_held(now=LATER, limit=10),
    ),
}
"""From which state each writer writes, and what runs it."""

FORCE = """
update delivery
set state = %(state)s, lease = %(lease)s,
    lease_until = case when %(state)s = 'leased' then %(until)s::timestamptz end,
    undeliverable_at = case when %(state)s = 'undeliverable' then %(now)s::timestamptz end,
    returned_at = case when %(state)s = 'returned' then %(now)s::timestamptz end,
    refused_because = case when %(state)s = 'undeliverable' then 'gone' end
"""
RECALLED = """
update referral set recalled_at = %s, recall_reason = 'wrong_person', recalled_by = 'DS Farlow'
"""


def test_every_writer_of_a_delivery_is_among_those_that_are_tried() -> None:
    assert sorted({*ACTS, *ASKS_NOBODY}) == WRITERS


@pytest.mark.parametrize("writer", sorted(ACTS))
def test_a_writer_names_the_state_of_the_referral(writer: str) -> None:
    assert "stands(referral.*)" in (STATEMENTS / f"{writer}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("writer", sorted(ACTS))
@pytest.mark.parametrize("is_recalled", [False, True])
def test_a_writer_writes_only_while_the_referral_stands(
    book: Book, writer: str, is_recalled: bool
) -> None:
    """The referral alone is marked, as no statement of ours would: the delivery says nothing."""
    state, act = ACTS[writer]
    delivery = standing(book, state)
    if writer == "clock_pauses/resume_clock":
        book.do("update delivery set paused_at = %s, standing = '{acknowledge}'", NOW)
    if writer == "hand_overs/look_again_all":
        book.do("update delivery set hand_over_at = %s", LATER)
    if is_recalled:
        book.do(RECALLED, NOW)
    before = _rows(book)
    act(book, delivery)
    assert (_rows(book) == before) is is_recalled


def standing(book: Book, state: DeliveryState) -> DeliveryId:
    """Return a delivery for Stoke that is in a state."""
    book.routed_to(STOKE)
    until = NOW + timedelta(minutes=1)
    with psycopg.connect(book.dsn) as connection:
        values: dict[str, Any] = {"state": str(state), "lease": LEASED_AS, "now": NOW}
        connection.execute(FORCE.encode(), {**values, "until": until})
    ((delivery,),) = book.look("select id from delivery")
    return DeliveryId(delivery)


def _rows(book: Book) -> list[tuple[Any, ...]]:
    """Return all that a writer may change of the deliveries, but for when it is pushed next."""
    return sorted(
        book.look(
            "select id, state, lease, lease_until, attempt, version, paused_at is null, sent_on_at,"
            " collect_by, acknowledge_by, coalesce(hand_over_at > %s, false), hold_warned_at"
            " from delivery",
            NOW,
        )
    )


RACERS: dict[str, tuple[DeliveryState, Callable[[Book, DeliveryId], object]]] = {
    name: ACTS[name]
    for name in (
        "receipts/redirect",
        "hand_overs/hand_over",
        "holds/offer_from",
        "operator_actions/replay_delivery",
        "deliveries/collect",
        "receipts/settle_deliveries",
        "sweep/release_held",
        "sweep/lapse",
    )
}


@pytest.mark.parametrize("racer", sorted(RACERS))
@pytest.mark.parametrize("is_first", [False, True])
def test_after_a_race_with_a_recall_nothing_is_offered(
    book: Book, racer: str, is_first: bool
) -> None:
    """One side holds the referral's row while the other waits for it, or comes just before."""
    state, act = RACERS[racer]
    delivery = standing(book, state)
    start = Barrier(2)

    def recall() -> None:
        start.wait(10)
        ((referral,),) = book.look("select referral from delivery where id = %s", delivery)
        book.recall(Withdrawal(referral, POLICE, "unlawful", "DS Farlow", LATER, "key:x"))

    def race() -> None:
        start.wait(10)
        act(book, delivery)

    threads = [Thread(target=target) for target in ((race, recall) if is_first else (recall, race))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    open_now = book.look(
        "select agency, state from delivery where kind <> 'recall' and is_unfinished(state)"
    )
    assert open_now == []
    assert book.collect(STOKE, now=LATER) == book.collect(SHROPSHIRE, now=LATER) == []


@pytest.mark.parametrize("racer", sorted(RACERS))
def test_whoever_waits_for_a_recall_finds_it_when_it_goes_on(book: Book, racer: str) -> None:
    """The recall has written and not committed when the other begins; so the other must wait."""
    state, act = RACERS[racer]
    delivery = standing(book, state)
    ((referral,),) = book.look("select referral from delivery where id = %s", delivery)
    withdrawal = Withdrawal(referral, POLICE, "unlawful", "DS Farlow", LATER, "key:x")
    with book.ledger.corrections.recall(withdrawal):
        waiting = Thread(target=act, args=(book, delivery))
        waiting.start()
        waiting.join(0.3)
    waiting.join(20)
    assert book.look("select count(*) from delivery") == [(1,)]
    ((after,),) = book.look("select state from delivery")
    assert after == ("returned" if state is DeliveryState.RETURNED else "recalled")
