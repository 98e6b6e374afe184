"""What is written when a person decides about a held delivery, and when its task is settled."""

from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
import uuid_utils.compat as ids

from broker.domain.codes import Milestone
from broker.domain.delivery import Offer
from broker.domain.ids import DeliveryId
from broker.domain.states import DeliveryState
from broker.ledger import database
from broker.ledger.holds import Recounted
from tests.conftest import eventually
from tests.integration.ledger.conftest import NOW, SHROPSHIRE, STOKE, Book, by_ops

MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)
UNTIL = NOW + timedelta(days=2)
DUE = {
    Milestone.COLLECT: UNTIL + MINUTE,
    Milestone.ACKNOWLEDGE: UNTIL + 2 * MINUTE,
    Milestone.DECIDE: UNTIL + 3 * MINUTE,
}
CODE = "embargo-in-words"
DELIVERIES = """
select state, available_at, clock_start, collect_by, acknowledge_by, decide_by, next_alarm_at,
       hand_over_at, next_attempt_at, explanation ->> 'sentence'
from delivery join delivery_reason on delivery = id
where id = %s
"""
EVENTS = """
select kind, actor, at, publisher, referral, delivery, agency, data
from event where actor = 'key:ops' order by id
"""
CAUSE = """
update delivery_reason set explanation = explanation || jsonb_build_object(
    'hold', jsonb_build_object('code', %s::text))
where delivery = %s
"""
TASK = """
insert into task (publisher, referral, version, reference, code, message, policy_version, opened_at,
                  due_at)
select publisher, id, 1, reference, %s, 'Ask.', 'v1', %s, %s from referral where id = %s
"""
ACT = """
insert into act (id, at, kind, by, delivery, reason)
values (gen_random_uuid(), %s, %s, 'x', %s, 'r')
"""
RECALL = """
update referral set recalled_at = %s, recall_reason = 'wrong_person', recalled_by = 'A. Person'
"""


def held(book: Book, agency: Any = SHROPSHIRE, **changes: Any) -> DeliveryId:
    """Return a delivery that is held until a person decides."""
    referral = book.routed_to(agency, state=DeliveryState.HELD, available_at=UNTIL, **changes)
    ((id_,),) = book.look("select id from delivery where referral = %s", referral)
    return DeliveryId(id_)


def recounted(offer: Offer) -> Recounted:
    assert offer.state is DeliveryState.HELD
    return Recounted(DUE, {"sentence": "Counted anew."})


def release(book: Book, id_: DeliveryId) -> bool:
    return book.ledger.holds.release(id_, by_ops(LATER), recounted)


def extend(book: Book, id_: DeliveryId, at: datetime = LATER) -> bool:
    return book.ledger.holds.extend(id_, by_ops(at), recounted, until=UNTIL + MINUTE)


@pytest.mark.parametrize("channel", ["queue", "mailbox"])
def test_a_release_writes_when_it_is_offered_and_due_and_of_that_one_alone(
    book: Book, channel: str
) -> None:
    id_, other = held(book, channel=channel), held(book)
    book.do("update delivery set hand_over_at = %s, next_alarm_at = null", UNTIL)
    before = book.look(DELIVERIES, other)
    assert release(book, id_)
    pushed = LATER if channel == "queue" else None
    deadlines = tuple(DUE.values())
    after = ("available", LATER, LATER, *deadlines, LATER, LATER, pushed, "Counted anew.")
    assert book.look(DELIVERIES, id_) == [after]
    assert book.look(DELIVERIES, other) == before
    ((referral, publisher),) = book.look(
        "select referral, publisher from delivery join referral on referral.id = referral"
        " where delivery.id = %s",
        id_,
    )
    about = ("key:ops", LATER, publisher, referral, id_, SHROPSHIRE, {})
    kinds = ("delivery.released", "delivery.available")
    assert book.look(EVENTS) == [(kind, *about) for kind in kinds]


def test_an_extension_keeps_when_it_is_pushed_and_what_never_changes_hands(book: Book) -> None:
    id_ = held(book, channel="queue")
    assert extend(book, id_)
    ((state, available_at, *_, hand_over_at, next_attempt_at, _),) = book.look(DELIVERIES, id_)
    assert (state, available_at) == ("held", UNTIL + MINUTE)
    assert (hand_over_at, next_attempt_at) == (None, UNTIL)
    ((kind, *_, data),) = book.look(EVENTS)
    assert kind == "delivery.hold_extended"
    assert datetime.fromisoformat(data["until"]) == UNTIL + MINUTE


def keep(book: Book, id_: DeliveryId) -> list[Any]:
    """Run the statement alone, as after a look at the delivery."""
    params = {"delivery": id_, "act": ids.uuid7(), "by": "key:ops", "reason": "R", "now": LATER}
    with book.ledger.transaction() as connection:
        return database.rows(connection, "holds/keep", params)


def test_what_is_kept_is_written_of_one_held_delivery(book: Book) -> None:
    id_, _ = held(book), held(book, STOKE)
    assert len(keep(book, id_)) == 1
    ((kind, *_, delivery, agency, _),) = book.look(EVENTS)
    assert (kind, delivery, agency) == ("delivery.hold_kept", id_, SHROPSHIRE)
    assert book.look("select kind, delivery, organisation, reason from act") == [
        ("delivery.hold_kept", id_, SHROPSHIRE, "R")
    ]


@pytest.mark.parametrize("change", ["update delivery set state = 'available'", None])
def test_what_is_not_held_or_does_not_stand_is_not_kept(book: Book, change: str | None) -> None:
    id_ = held(book)
    if change:
        book.do(change)
    else:
        book.accept("another, which stands")
        book.do(f"{RECALL} where id = (select referral from delivery)", NOW)
    assert keep(book, id_) == []
    assert not release(book, id_)
    assert book.look("select count(*) from act") == [(0,)]


def test_a_recall_that_is_held_is_decided_about_though_its_referral_does_not_stand(
    book: Book,
) -> None:
    first = held(book)
    id_ = held(book)
    book.do("update delivery set kind = 'recall', follows = %s where id = %s", first, id_)
    book.do(RECALL, NOW)
    assert len(keep(book, id_)) == 1
    assert release(book, id_)


def test_a_keep_waits_for_who_has_the_delivery_and_keeps_nothing_that_was_released(
    book: Book,
) -> None:
    id_, kept, done = held(book), list[Any](), Event()

    def run() -> None:
        kept.extend(keep(book, id_))
        done.set()

    waits = "select count(*) from pg_locks where not granted"
    with psycopg.connect(book.dsn) as sweeper:
        sweeper.execute("update delivery set state = 'available'")
        thread = Thread(target=run)
        thread.start()
        eventually(lambda: done.is_set() or book.look(waits)[0][0])
    thread.join(20)
    assert done.is_set()
    assert kept == []


def test_what_was_released_while_it_was_counted_anew_is_not_released_again(book: Book) -> None:
    id_ = held(book)

    def meanwhile(_: Offer) -> Recounted:
        book.do("update delivery set state = 'available', available_at = %s", NOW)
        return Recounted({}, {})

    assert not book.ledger.holds.release(id_, by_ops(LATER), meanwhile)
    assert book.look("select available_at from delivery") == [(NOW,)]
    assert book.look(EVENTS) == []


def caused(book: Book) -> tuple[DeliveryId, DeliveryId]:
    """Return two deliveries of one referral, held for one cause, about which a task is open."""
    book.routed_to(SHROPSHIRE, STOKE, state=DeliveryState.HELD, available_at=UNTIL)
    pair = book.look("select id, referral from delivery order by agency")
    for id_, _ in pair:
        book.do(CAUSE, CODE, id_)
    book.do(TASK, CODE, NOW, LATER, pair[0][1])
    return DeliveryId(pair[0][0]), DeliveryId(pair[1][0])


def tasks(book: Book) -> list[tuple[str, str]]:
    return book.look("select code, state from task order by code")


OPEN, SETTLED = [(CODE, "open")], [(CODE, "settled")]


def test_a_task_is_settled_with_the_last_delivery_that_it_is_about(book: Book) -> None:
    first, second = caused(book)
    far = held(book)
    book.do(CAUSE, CODE, far)
    ((referral,),) = book.look("select referral from delivery where id = %s", far)
    book.do(TASK, "far", NOW, LATER, referral)
    book.do("update task set code = %s where code = 'far'", CODE)
    ((own,),) = book.look("select referral from delivery where id = %s", first)
    book.do(TASK, "other", NOW, LATER, own)
    of_each = "select referral = %s, code, state from task order by 1, 2"
    assert extend(book, first)
    assert {state for _, _, state in book.look(of_each, own)} == {"open"}
    assert release(book, second)
    assert book.look(of_each, own) == [
        (False, CODE, "open"),
        (True, CODE, "settled"),
        (True, "other", "open"),
    ]


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (None, OPEN),
        ("update delivery set state = 'available' where id = %s", SETTLED),
        (
            'update delivery_reason set explanation = \'{"hold": {"code": "x"}}\''
            " where delivery = %s",
            SETTLED,
        ),
    ],
)
def test_what_is_held_for_the_same_cause_holds_up_its_task(
    book: Book, change: str | None, after: list[Any]
) -> None:
    first, second = caused(book)
    if change:
        book.do(change, second)
    assert extend(book, first)
    assert tasks(book) == after


@pytest.mark.parametrize(
    ("at", "kind", "after"),
    [
        (NOW, "delivery.hold_kept", SETTLED),
        (LATER, "delivery.hold_extended", SETTLED),
        (NOW - MINUTE, "delivery.hold_kept", OPEN),
        (LATER, "delivery.replayed", OPEN),
    ],
)
def test_a_decision_since_the_task_was_opened_is_one(
    book: Book, at: datetime, kind: str, after: list[Any]
) -> None:
    first, second = caused(book)
    book.do(ACT, at, kind, second)
    assert extend(book, first)
    assert tasks(book) == after


def test_a_decision_about_another_delivery_is_none(book: Book) -> None:
    first, _ = caused(book)
    book.do(ACT, LATER, "delivery.hold_kept", first)
    assert extend(book, first)
    assert tasks(book) == OPEN
