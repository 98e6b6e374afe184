"""A job takes what could not be delivered when it was planned, and no more than was confirmed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
import uuid_utils.compat as ids
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.domain.ids import DeliveryId
from broker.domain.push import Attempt, Refused
from broker.ledger.bulk_actions import NewPlan
from broker.ledger.operator_actions import ActionContext
from tests.integration.ledger.conftest import LEASE, NOW, POLICE, SHROPSHIRE, STOKE, Book, by_ops

JO = "person:Jo Example"
MINUTE = timedelta(minutes=1)


def refused(book: Book, count: int, at: datetime) -> set[DeliveryId]:
    """Let so many deliveries be offered now, and their channel refuse them at an instant."""
    for _ in range(count):
        book.routed_to(STOKE, channel="queue")
    claim: dict[str, Any] = {"limit": 100, "lease_for": LEASE, "new_id": ids.uuid7}
    offers = book.ledger.deliveries.claim_pushes("queue", now=at, **claim)
    attempts = [
        Attempt(offer.id, offer.lease.id, Refused("too-large")) for offer in offers if offer.lease
    ]
    book.ledger.deliveries.settle_pushes(attempts, now=at, actor="channel:queue")
    return {offer.id for offer in offers}


def planned(book: Book, kind: str, at: datetime, **changes: Any) -> UUID:
    id_ = ids.uuid7()
    new = NewPlan(**{"id": id_, "per_minute": 6000, "by": JO, **changes})
    if kind == "send_on":
        book.ledger.bulk_actions.plan_redirect(new, receiver=SHROPSHIRE, now=at)
    else:
        book.ledger.bulk_actions.plan_replay(new, now=at)
    return id_


def started(book: Book, id_: UUID, at: datetime) -> None:
    params = {"frm": ("planned",), "to": "running", "by": JO, "reason": "it is mended", "now": at}
    assert book.ledger.bulk_actions.turn_replay(id_, **params)


def available(book: Book) -> set[DeliveryId]:
    return {row[0] for row in book.look("select id from delivery where state = 'available'")}


def test_what_became_undeliverable_after_the_plan_is_not_replayed(book: Book) -> None:
    first = refused(book, 1, NOW)
    for _ in range(5):
        book.routed_to(STOKE, channel="queue")
    id_ = planned(book, "replay", NOW + MINUTE)
    assert len(refused(book, 0, NOW + 2 * MINUTE)) == 5
    (line,) = book.ledger.bulk_actions.replay_plan(id_, now=NOW + 2 * MINUTE)
    assert line.count == 1
    started(book, id_, NOW + 3 * MINUTE)
    assert book.ledger.bulk_actions.step_replays(now=NOW + 5 * MINUTE, limit=500) == [1]
    assert available(book) == first
    assert book.ledger.bulk_actions.step_replays(now=NOW + 6 * MINUTE, limit=500) == [0]
    assert [
        (replay.state, replay.done) for replay in book.ledger.bulk_actions.replays(id_=id_)
    ] == [("done", 1)]


def test_what_became_undeliverable_after_the_plan_is_not_sent_on(book: Book) -> None:
    first = refused(book, 1, NOW)
    for _ in range(5):
        book.routed_to(STOKE, channel="queue")
    id_ = planned(book, "send_on", NOW + MINUTE)
    refused(book, 0, NOW + 2 * MINUTE)
    (line,) = book.ledger.bulk_actions.redirect_plan(id_, now=NOW + 2 * MINUTE)
    assert line.count == 1
    started(book, id_, NOW + 3 * MINUTE)
    (due,) = book.ledger.bulk_actions.due_redirects(now=NOW + 5 * MINUTE, limit=20)
    assert set(due.deliveries) == first


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=st.integers(0, 4), after=st.integers(0, 4), per_minute=st.integers(1, 5), data=st.data()
)
def test_a_replay_takes_what_was_planned_and_nothing_else(
    book: Book, before: int, after: int, per_minute: int, data: st.DataObject
) -> None:
    """Whatever is refused, replayed by hand and refused again while it runs."""
    at = NOW + timedelta(days=len(book.look("select id from replay")))
    with psycopg.connect(book.dsn) as connection:
        connection.execute("update delivery set state = 'recalled', next_attempt_at = null")
    meant = refused(book, before, at)
    id_ = planned(book, "replay", at, per_minute=per_minute)
    started(book, id_, at)
    taken = 0
    for turn in range(1, 8):
        now = at + turn * MINUTE
        if meant and data.draw(st.booleans()):
            by_hand = data.draw(st.sampled_from(sorted(meant)))
            book.ledger.operator_actions.replay_delivery(
                by_hand, ActionContext(ids.uuid7(), JO, "sooner", now)
            )
        refused(book, after if turn == 1 else 0, now)
        taken += sum(book.ledger.bulk_actions.step_replays(now=now, limit=500))
    replays = book.look(
        "select delivery from event where kind = 'delivery.replayed' and data ->> 'replay' = %s",
        str(id_),
    )
    assert len(replays) == len(set(replays)) == taken <= before
    assert {delivery for (delivery,) in replays} <= meant


@pytest.mark.parametrize("kind", ["replay", "send_on"])
def test_a_job_takes_no_more_than_was_confirmed(book: Book, kind: str) -> None:
    refused(book, 3, NOW)
    id_ = planned(book, kind, NOW)
    started(book, id_, NOW)
    with psycopg.connect(book.dsn) as connection:
        connection.execute("update replay set planned = 2")
    if kind == "replay":
        assert book.ledger.bulk_actions.step_replays(now=NOW + MINUTE, limit=500) == [2]
        assert book.ledger.bulk_actions.step_replays(now=NOW + 2 * MINUTE, limit=500) == [0]
    else:
        (due,) = book.ledger.bulk_actions.due_redirects(now=NOW + MINUTE, limit=20)
        assert len(due.deliveries) == 2
        assert book.ledger.bulk_actions.count_redirect(due, done=1, failed=1, now=NOW + MINUTE)
        (due,) = book.ledger.bulk_actions.due_redirects(now=NOW + 2 * MINUTE, limit=20)
        assert due.deliveries == []
        assert book.ledger.bulk_actions.count_redirect(due, done=0, failed=0, now=NOW + 2 * MINUTE)
    assert book.ledger.bulk_actions.replays(id_=id_)[0].state == "done"


def test_each_one_of_a_replay_keeps_the_name_and_the_reason(book: Book) -> None:
    refused(book, 2, NOW)
    id_ = planned(book, "replay", NOW)
    started(book, id_, NOW)
    book.ledger.bulk_actions.step_replays(now=NOW + MINUTE, limit=500)
    for (referral,) in book.look("select id from referral"):
        (event,) = [event for event in book.ledger.queries.timeline(referral) if event.reason]
        assert (event.kind, event.actor, event.reason) == (
            *("delivery.replayed", JO, "it is mended"),
        )
        assert event.data["replay"] == str(id_)


@pytest.mark.parametrize("kind", ["replay", "send_on"])
def test_every_turn_of_a_job_is_an_event_with_a_name_in_nobodys_feed(book: Book, kind: str) -> None:
    id_ = planned(book, kind, NOW, agency=STOKE, cause="a word of theirs")
    started(book, id_, NOW)
    sam = "person:Sam Example"
    for frm, to in (("running", "paused"), ("paused", "running"), ("running", "stopped")):
        assert book.ledger.bulk_actions.turn_replay(id_, frm=(frm,), to=to, by=sam, now=NOW)
    assert not book.ledger.bulk_actions.turn_replay(
        id_, frm=("running",), to="paused", by=sam, now=NOW
    )
    turns = ("planned", "running", "paused", "running", "stopped")
    found = book.look(
        "select kind, actor, agency, data ->> 'replay', data - 'replay' from event order by id"
    )
    assert found == [
        (
            f"organisation.{kind}_{turn}",
            JO if place < 2 else sam,
            STOKE,
            str(id_),
            {} if place else {"planned": 0},
        )
        for place, turn in enumerate(turns)
    ]
    assert book.ledger.queries.feed(POLICE, after="", limit=100)[0] == []


def test_since_when_it_cannot_be_delivered_is_told(book: Book) -> None:
    refused(book, 1, NOW + MINUTE)
    (waiting,) = book.ledger.queries.attention(limit=9)
    assert waiting.since == NOW + MINUTE


def test_what_people_did_last_comes_first(book: Book) -> None:
    operator_actions, hour = book.ledger.operator_actions, timedelta(hours=1)
    operator_actions.suspend_agency(STOKE, by_ops(NOW + hour))
    operator_actions.resume_agency(STOKE, by_ops(NOW + 2 * hour))
    operator_actions.suspend_agency(STOKE, by_ops(NOW + 3 * hour))
    latest = operator_actions.acts_of_agency(STOKE, limit=2)
    assert [act.at for act in latest] == [NOW + 3 * hour, NOW + 2 * hour]


AS_REFUSED = """
update delivery
set state = 'undeliverable', undeliverable_at = %s, refused_because = 'gone', sendings = 3,
    deferrals = 2, next_attempt_at = null, lease_until = null
"""
AS_REPLAYED = """
select state, refused_because, sendings, deferrals, next_attempt_at from delivery where id = %s
"""


def test_what_is_sent_again_begins_anew_and_its_like_stays_refused(book: Book) -> None:
    for _ in range(2):
        book.routed_to(STOKE, channel="queue")
    book.do(AS_REFUSED, NOW)
    id_, other = (id_ for (id_,) in book.look("select id from delivery order by id"))
    assert book.ledger.operator_actions.replay_delivery(id_, by_ops(NOW + LEASE))
    assert book.look(AS_REPLAYED, id_) == [("available", None, 0, 0, NOW + LEASE)]
    assert book.look(AS_REPLAYED, other) == [("undeliverable", "gone", 3, 2, None)]
