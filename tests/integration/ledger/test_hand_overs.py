"""Parts that change hands: what is looked at, what ends with it, and whom each answer is of."""

import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import uuid_utils.compat as ids

from broker.domain.codes import Outcome, Stage
from broker.domain.delivery import Receipt
from broker.domain.ids import DeliveryId, ReferralId
from broker.ledger import database
from broker.ledger.hand_overs import HandOverBatch, look_again_all
from tests.integration.ledger.conftest import NOW, SHROPSHIRE, STOKE, Book

MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)
ADD = """
insert into delivery (id, referral, agency, channel, role, policy_row, view, state, available_at,
                      clock_start, kind, follows, stands_in_for, decided_at, returned_at,
                      lease_until)
select %(id)s, coalesce(%(referral)s, referral), %(agency)s, channel, role, %(row)s, view,
       %(state)s, available_at, clock_start, %(kind)s,
       case when %(kind)s <> 'referral' then delivery.id end, %(office)s,
       case when %(state)s = 'decided' then clock_start end,
       case when %(state)s in ('returned', 'handed_over') then clock_start end,
       case when %(state)s = 'leased' then clock_start end
from delivery where id = %(beside)s
"""
RECALL = """
update referral
set recalled_at = %s, recall_reason = 'wrong_person', recalled_by = 'A. Person'
"""


@pytest.fixture
def part(book: Book) -> DeliveryId:
    """A part of a council that may change hands now."""
    book.routed_to(STOKE)
    book.do("update delivery set hand_over_at = %s", NOW)
    ((id_,),) = book.look("select id from delivery")
    return DeliveryId(id_)


def add(book: Book, beside: DeliveryId, **changes: Any) -> DeliveryId:
    """Write another delivery of the same referral, and return its id."""
    fields = {"referral": None, "agency": SHROPSHIRE, "row": "social-care", "state": "available"}
    fields |= {"kind": "referral", "office": STOKE} | changes | {"id": ids.uuid7()}
    with psycopg.connect(book.dsn) as connection:
        connection.execute(ADD.encode(), {**fields, "beside": beside})
    return DeliveryId(fields["id"])


def another_referral(book: Book) -> ReferralId:
    return book.accept(f"other-{ids.uuid7()}")


def in_batch(book: Book, run: Any, *, limit: int = 9, now: Any = NOW) -> Any:
    with book.ledger.hand_overs.claim(limit, now=now) as batch:
        return run(batch)


def claimed(book: Book, **options: Any) -> list[DeliveryId]:
    return in_batch(book, lambda batch: [part.id for part in batch.parts], **options)


def test_answers_are_those_of_the_part_in_their_order(book: Book, part: DeliveryId) -> None:
    book.answer(STOKE, Receipt(part, Stage.ACKNOWLEDGED, "E"), now=NOW + MINUTE)
    book.answer(STOKE, Receipt(part, Stage.DECIDED, "A", outcome=Outcome.ADVICE), now=LATER)
    changed = Receipt(part, Stage.DECIDED, "B", outcome=Outcome.NO_FURTHER_ACTION)
    book.answer(STOKE, changed, now=LATER)
    book.do(
        "insert into answer (delivery, stage, at, given_by) values (%s, 'collected', %s, 'C')",
        part,
        NOW,
    )
    other = add(book, part)
    book.answer(SHROPSHIRE, Receipt(other, Stage.ACKNOWLEDGED, "D"))
    answers = in_batch(book, lambda batch: batch.answers(batch.parts[0]))
    assert [(answer.by, answer.stage) for answer in answers] == [
        ("C", "collected"),
        ("E", "acknowledged"),
        ("A", "decided"),
        ("B", "decided"),
    ]


def open_part(batch: HandOverBatch) -> DeliveryId | None:
    return batch.open_part(batch.parts[0], SHROPSHIRE)


@pytest.mark.parametrize(
    "changes",
    [
        {"agency": STOKE},
        {"row": "other"},
        {"kind": "correction"},
        {"state": "decided"},
        {"office": None},
        {"office": SHROPSHIRE},
    ],
)
def test_what_the_other_team_has_open_is_the_same_part(
    book: Book, part: DeliveryId, changes: dict[str, Any]
) -> None:
    add(book, part, **changes)
    add(book, part, referral=another_referral(book))
    assert in_batch(book, open_part) is None
    add(book, part)
    newest = add(book, part)
    assert in_batch(book, open_part) == newest


def test_an_office_has_the_part_open_as_its_own(book: Book, part: DeliveryId) -> None:
    book.do("update delivery set stands_in_for = %s", SHROPSHIRE)
    add(book, part)
    assert in_batch(book, open_part) is None
    own = add(book, part, office=None)
    assert in_batch(book, open_part) == own


def test_what_is_due_is_looked_at_longest_due_first(book: Book) -> None:
    for _ in range(3):
        book.routed_to(STOKE, SHROPSHIRE)
    ordered = book.look("select id from delivery order by id")
    first, beside, second, _, third, _ = (id_ for (id_,) in ordered)
    due = {first: NOW - MINUTE, second: NOW, third: NOW - 2 * MINUTE, beside: NOW + MINUTE}
    for id_, at in due.items():
        book.do("update delivery set hand_over_at = %s where id = %s", at, id_)
    assert claimed(book) == [first, second, third]
    assert claimed(book, limit=2) == [first, third]
    assert claimed(book, now=NOW - 3 * MINUTE) == []
    assert claimed(book, now=NOW + MINUTE) == [first, beside, second, third]


def test_what_another_process_looks_at_is_passed_over(book: Book, part: DeliveryId) -> None:
    seen: list[Any] = []

    def run() -> None:
        thread = threading.Thread(target=lambda: seen.append(claimed(book)))
        thread.start()
        thread.join()

    in_batch(book, lambda _: run())
    assert seen == [[]]
    assert claimed(book) == [part]


def test_a_part_says_what_is_known_of_it(book: Book, part: DeliveryId) -> None:
    (due_part,) = in_batch(book, lambda batch: batch.parts)
    assert (due_part.is_paused, due_part.stands, due_part.return_reason) == (False, True, None)
    book.answer(STOKE, Receipt(part, Stage.ACKNOWLEDGED, "A"))
    book.answer(STOKE, Receipt(part, Stage.RETURNED, "A", reason="not_ours"))
    book.do("update delivery set paused_at = %s", NOW)
    other = add(book, part)
    book.answer(SHROPSHIRE, Receipt(other, Stage.RETURNED, "A", reason="duplicate"))
    book.do("update delivery set hand_over_at = %s where id = %s", NOW, part)
    (due_part,) = in_batch(book, lambda batch: batch.parts)
    assert (due_part.is_paused, due_part.stands, due_part.return_reason) == (True, True, "not_ours")


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ({}, False),
        ({"office": None}, False),
        ({"office": SHROPSHIRE}, True),
        ({"kind": "correction"}, True),
        ({"agency": SHROPSHIRE}, True),
        ({"row": "other"}, True),
    ],
)
def test_a_part_stands_until_its_own_recall(
    book: Book, part: DeliveryId, changes: dict[str, Any], *, stands: bool
) -> None:
    book.do("update delivery set stands_in_for = %s", STOKE)
    recall = {"agency": STOKE, "kind": "recall"} | changes
    add(book, part, **recall)
    (due_part,) = in_batch(book, lambda batch: batch.parts)
    assert due_part.stands is stands


def test_a_recall_of_another_referral_or_of_before_ends_no_part(book: Book) -> None:
    book.routed_to(STOKE)
    ((first,),) = book.look("select id from delivery")
    add(book, first, agency=STOKE, kind="recall", office=None)
    later = add(book, first, agency=STOKE, office=None)
    add(book, first, agency=STOKE, kind="recall", office=None, referral=another_referral(book))
    book.do("update delivery set hand_over_at = %s where id = %s", NOW, later)
    assert [part.stands for part in in_batch(book, lambda batch: batch.parts)] == [True]


@pytest.mark.parametrize(
    "ended",
    [
        "update delivery set sent_on_at = %s",
        RECALL,
    ],
)
def test_what_is_over_stands_no_longer(book: Book, part: DeliveryId, ended: str) -> None:
    book.do(ended, NOW)
    assert [due_part.stands for due_part in in_batch(book, lambda batch: batch.parts)] == [False]
    assert in_batch(book, hand_over) is False


def hand_over(batch: HandOverBatch) -> bool:
    return batch.hand_over(batch.parts[0], batch.parts[0].id, SHROPSHIRE)


STATE = (
    "select state, returned_at, sent_on_at, lease_until, next_attempt_at, next_alarm_at,"
    " hand_over_at from delivery where id = %s"
)
OVER = (None, None, None, None)


@pytest.mark.parametrize(
    ("state", "returned_at", "after"),
    [
        ("available", None, ("handed_over", LATER, LATER, *OVER)),
        ("leased", None, ("handed_over", LATER, LATER, *OVER)),
        ("returned", NOW, ("returned", NOW, LATER, *OVER)),
        ("decided", None, ("decided", None, LATER, *OVER)),
    ],
)
def test_a_part_that_is_handed_over_is_over(
    book: Book, part: DeliveryId, state: str, returned_at: Any, after: tuple[Any, ...]
) -> None:
    book.do(
        "update delivery set state = %s, returned_at = %s, next_attempt_at = %s,"
        " next_alarm_at = %s, decided_at = case when %s = 'decided' then %s::timestamptz end,"
        " lease_until = case when %s = 'leased' then %s::timestamptz end",
        *(state, returned_at, NOW, NOW, state, NOW, state, NOW),
    )
    other = add(book, part)
    assert in_batch(book, hand_over, now=LATER) is True
    assert book.look(STATE, part) == [after]
    assert book.look("select state from delivery where id = %s", other) == [("available",)]
    event = "select kind, actor, delivery, agency, data ->> 'to_agency' from event order by id desc"
    assert book.look(event)[0] == ("delivery.handed_over", "broker", part, STOKE, SHROPSHIRE)


def test_a_part_that_changed_meanwhile_is_not_handed_over(book: Book, part: DeliveryId) -> None:
    (due_part,) = in_batch(book, lambda batch: batch.parts)
    book.do("update delivery set state = 'acknowledged'")
    assert in_batch(book, lambda batch: batch.hand_over(due_part, part, SHROPSHIRE)) is False
    assert book.look("select state, sent_on_at from delivery") == [("acknowledged", None)]


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({}, True),
        ({"office": None}, True),
        ({"state": "leased"}, True),
        ({"office": SHROPSHIRE}, False),
        ({"agency": SHROPSHIRE}, False),
        ({"row": "other"}, False),
        ({"kind": "recall"}, False),
        ({"state": "handed_over"}, False),
        ({"state": "held"}, False),
    ],
)
def test_corrections_of_a_part_end_with_it(
    book: Book, part: DeliveryId, changes: dict[str, Any], *, ends: bool
) -> None:
    book.do("update delivery set stands_in_for = %s", STOKE)
    own = add(book, part, **({"agency": STOKE, "kind": "correction"} | changes))
    far = add(book, part, agency=STOKE, kind="correction", referral=another_referral(book))
    book.do("update delivery set next_attempt_at = %s, next_alarm_at = %s", NOW, NOW)
    assert in_batch(book, hand_over, now=LATER) is True
    ended = ("handed_over", LATER, LATER, None, None, None, None)
    assert (book.look(STATE, own) == [ended]) is ends
    assert book.look(STATE, far) == [("available", None, None, None, NOW, NOW, None)]
    told = book.look("select delivery from event where kind = 'delivery.handed_over' order by id")
    assert told == ([(part,), (own,)] if ends else [(part,)])


def test_when_to_look_again_is_written_of_what_was_due(book: Book, part: DeliveryId) -> None:
    later = add(book, part, agency=STOKE)
    book.do("update delivery set hand_over_at = %s where id = %s", LATER, later)
    third = add(book, part, agency=STOKE)
    book.do("update delivery set hand_over_at = %s where id = %s", NOW, third)
    again = {part: LATER + MINUTE, later: LATER + MINUTE}
    in_batch(book, lambda batch: batch.keep(again))
    rows = dict(book.look("select id, hand_over_at from delivery"))
    assert rows == {part: LATER + MINUTE, later: LATER, third: NOW}


def test_a_new_policy_has_every_part_that_stands_looked_at(book: Book, part: DeliveryId) -> None:
    sooner, recalled = add(book, part), another_referral(book)
    of_recalled = add(book, part, referral=recalled)
    never = add(book, part)
    book.do(f"{RECALL} where id = %s", NOW, recalled)
    for id_, at in ((part, LATER + MINUTE), (of_recalled, LATER + MINUTE), (sooner, NOW)):
        book.do("update delivery set hand_over_at = %s where id = %s", at, id_)
    with book.ledger.transaction() as connection:
        look_again_all(connection, LATER)
    rows = dict(book.look("select id, hand_over_at from delivery"))
    assert rows == {part: LATER, of_recalled: LATER + MINUTE, sooner: NOW, never: None}


def test_a_refusal_is_written_of_its_part_alone(book: Book, part: DeliveryId) -> None:
    add(book, part)
    params = {"delivery": part, "to_agency": SHROPSHIRE, "because": "kept", "now": NOW}
    with book.ledger.transaction() as connection:
        database.rows(connection, "hand_overs/refuse", params)
    written = book.look(
        "select delivery, agency, data from event where kind = 'delivery.hand_over_refused'"
    )
    assert written == [(part, STOKE, {"to_agency": SHROPSHIRE, "because": "kept"})]
