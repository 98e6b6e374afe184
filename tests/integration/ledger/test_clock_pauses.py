"""Clocks that are paused and resumed, and escalations that end with what they are about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import uuid_utils.compat as ids

from broker.domain.codes import Milestone
from broker.domain.ids import DeliveryId, ReferralId
from broker.domain.states import DeliveryState
from broker.ledger.clock_pauses import awaiting_information, end_over_escalations
from broker.policy.time.deadlines import Span
from tests.integration.ledger.conftest import NOW, SHROPSHIRE, STOKE, Book

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LATER = NOW + HOUR
DUE = NOW + timedelta(hours=4)
"""The deadline to acknowledge of each delivery here."""
ESCALATE = """
insert into escalation (id, ladder, policy_version, milestone, referral, delivery, organisation,
                        due_at, began_at, next_step_at)
select gen_random_uuid(), 'ladder', 'v1', 'acknowledge', referral, id, agency, acknowledge_by, %s,
       %s
from delivery
"""
OF_REFERRALS = """
insert into escalation (id, ladder, policy_version, milestone, referral, organisation, due_at,
                        began_at, next_step_at)
select gen_random_uuid(), 'ladder', 'v1', 'attend', id, publisher, %s, %s, %s from referral
"""
HANDED_OVER = "update delivery set state = 'handed_over', hand_over_at = null, returned_at = now()"
ACKNOWLEDGED = "update delivery set acknowledged_at = now()"
TAKEN_ON = """
update escalation
set state = 'acknowledged', acknowledged_at = now(), acknowledged_by = 'x', next_step_at = null
"""
ENDED = """
update escalation
set state = 'ended', ended_at = began_at, ended_because = 'before', next_step_at = null
"""
OPEN = ("open", None, None, NOW)


def standing(book: Book, referral: ReferralId) -> list[tuple[Any, ...]]:
    return book.look(
        "select state, ended_at, ended_because, next_step_at from escalation where referral = %s",
        referral,
    )


def end_over(book: Book, *referrals: ReferralId) -> None:
    with book.ledger.transaction() as connection:
        end_over_escalations(connection, referrals, now=LATER, actor="x")


def ended(book: Book) -> list[tuple[Any, ...]]:
    """Return what the history says of escalations that ended."""
    return book.look(
        "select kind, referral, agency, data ->> 'milestone', data ->> 'because' from event"
        " where kind ~ 'escalation_ended' order by id"
    )


@pytest.mark.parametrize(
    ("statements", "because"),
    [
        (["update delivery set state = 'recalled'"], "recalled"),
        ([HANDED_OVER], "handed_over"),
        (["update delivery set state = 'decided', decided_at = now()"], "met"),
        ([ACKNOWLEDGED], "met"),
        ([TAKEN_ON, ACKNOWLEDGED], "met"),
        (
            ["update delivery set acknowledge_by = acknowledge_by + interval '1 hour'"],
            "rescheduled",
        ),
        (["update delivery set collected_at = now()"], None),
        (["update delivery set decide_by = null"], None),
    ],
)
def test_an_escalation_ends_with_what_it_is_about(
    book: Book, statements: Sequence[str], because: str | None
) -> None:
    id_, other = book.routed_to(SHROPSHIRE), book.routed_to(SHROPSHIRE)
    book.do(ESCALATE, NOW, NOW)
    for statement in statements:
        book.do(statement)
    before = standing(book, other)
    end_over(book, id_)
    assert standing(book, id_) == [("ended", LATER, because, None) if because else OPEN]
    assert standing(book, other) == before
    row = ("delivery.escalation_ended", id_, SHROPSHIRE, "acknowledge", because)
    assert ended(book) == ([row] if because else [])


def test_an_escalation_that_had_ended_keeps_its_end(book: Book) -> None:
    id_ = book.routed_to(SHROPSHIRE)
    book.do(ESCALATE, NOW, NOW)
    book.do(ENDED)
    book.do(ACKNOWLEDGED)
    end_over(book, id_)
    assert standing(book, id_) == [("ended", NOW, "before", None)]
    assert ended(book) == []


@pytest.mark.parametrize(("state", "because"), [("routed", "met"), ("unroutable", None)])
def test_an_escalation_of_a_referral_ends_when_an_agency_is_known(
    book: Book, state: str, because: str | None
) -> None:
    id_ = book.routed_to(SHROPSHIRE)
    if state == "unroutable":
        book.do(
            "update referral set state = 'unroutable', reason = 'no_area', attend_by = %s,"
            " routed_at = null",
            NOW,
        )
    book.do(OF_REFERRALS, NOW, NOW, NOW)
    end_over(book, id_)
    assert standing(book, id_) == [("ended", LATER, because, None) if because else OPEN]
    kinds = [(kind, because) for kind, *_, because in ended(book)]
    assert kinds == ([("referral.escalation_ended", because)] if because else [])


def test_an_escalation_of_a_task_ends_with_the_task_alone(book: Book) -> None:
    id_ = book.routed_to(SHROPSHIRE)
    book.do(
        "insert into task (publisher, referral, version, code, message, policy_version, opened_at,"
        " due_at) select publisher, id, 1, 'no_grade', 'Look.', 'v1', %s, %s from referral",
        NOW,
        NOW,
    )
    book.do(OF_REFERRALS, NOW, NOW, NOW)
    book.do("update escalation set task = (select id from task)")
    end_over(book, id_)
    assert standing(book, id_) == [OPEN]


PAUSE = """
insert into pause (id, delivery, reason, paused_at, paused_by, resumed_at, resumed_by)
select gen_random_uuid(), id, %s, %s, 'x', %s, 'x' from delivery where referral = %s
"""


def test_clocks_that_wait_for_information_are_found_by_their_running_pause(book: Book) -> None:
    """Not those that another cause holds, or that ran on, or of what is over or of no interest."""
    waiting, elsewhere, held, resumed, decided, stuck = (
        book.routed_to(SHROPSHIRE) for _ in range(6)
    )
    for referral, reason, end in (
        (waiting, "information_requested", None),
        (elsewhere, "information_requested", None),
        (held, "legal_hold", None),
        (resumed, "information_requested", LATER),
        (decided, "information_requested", None),
        (stuck, "information_requested", None),
    ):
        book.do(PAUSE, reason, NOW, end, referral)
    book.do(
        "update delivery set state = 'decided', decided_at = now() where referral = %s", decided
    )
    book.do(
        "update delivery set state = 'undeliverable', undeliverable_at = now(),"
        " refused_because = 'gone' where referral = %s",
        stuck,
    )
    asked = [waiting, held, resumed, decided, stuck]
    with book.ledger.transaction() as connection:
        found = [batch.clocks for batch in awaiting_information(connection, asked)]
    assert [clocks and clocks.referral for clocks in found] == [waiting]


def pause(
    book: Book, delivery: DeliveryId, at: datetime = NOW, *milestones: str
) -> tuple[UUID, bool]:
    id_ = ids.uuid7()
    with book.ledger.clock_pauses.clocks(delivery, agency=SHROPSHIRE) as batch:
        is_paused = batch.pause_clock(
            id_, reason="legal_hold", milestones=milestones, actor="key:x", now=at
        )
    return id_, is_paused


def resume(book: Book, delivery: DeliveryId, at: datetime, *, so_that: str = "later") -> bool:
    due = dict.fromkeys(Milestone, at + HOUR)
    with book.ledger.clock_pauses.clocks(delivery, agency=SHROPSHIRE) as batch:
        return batch.resume_clock(
            due, {"sentence": so_that}, moved=[], because=None, actor="key:y", now=at
        )


CLOCKS = """
select paused_at, standing, next_alarm_at, collect_by, acknowledge_by, decide_by
from delivery where id = %s
"""
REASONS = "select delivery, explanation ->> 'sentence' from delivery_reason"
PAUSES = "select delivery, reason, paused_at, paused_by, resumed_at, resumed_by from pause"


def two_deliveries(book: Book) -> tuple[DeliveryId, DeliveryId]:
    """Return the delivery that is tried, and one beside it."""
    book.routed_to(STOKE, SHROPSHIRE)
    found = dict(book.look("select agency, id from delivery"))
    return found[SHROPSHIRE], found[STOKE]


def test_a_pause_stops_these_clocks_of_one_delivery_until_it_is_resumed(book: Book) -> None:
    id_, other = two_deliveries(book)
    book.do("update delivery set next_alarm_at = %s", DUE)
    untouched = book.look(CLOCKS, other)
    _, is_paused = pause(book, id_, NOW, "acknowledge", "decide")
    assert is_paused
    ((*row, _),) = book.look(CLOCKS, id_)
    assert row == [NOW, ["acknowledge", "decide"], DUE, None, DUE]
    assert not pause(book, id_, LATER, "decide")[1]
    with book.ledger.clock_pauses.clocks(id_, agency=SHROPSHIRE) as batch:
        assert batch.clocks is not None
        assert (batch.clocks.paused_at, batch.clocks.pauses) == (NOW, [])
    assert resume(book, id_, LATER)
    due = LATER + HOUR
    assert book.look(CLOCKS, id_) == [(None, [], LATER, due, due, due)]
    assert book.look(PAUSES) == [(id_, "legal_hold", NOW, "key:x", LATER, "key:y")]
    assert dict(book.look(REASONS))[id_] == "later"
    assert dict(book.look(REASONS))[other] != "later"
    assert book.look(CLOCKS, other) == untouched
    assert not resume(book, id_, LATER + HOUR)


def test_every_pause_of_a_delivery_counts_in_its_order_and_none_of_anothers(book: Book) -> None:
    id_, other = two_deliveries(book)
    for begun, end in ((NOW - HOUR, NOW), (NOW, None)):
        book.do(
            "insert into pause (id, delivery, reason, paused_at, paused_by, resumed_at)"
            " values (gen_random_uuid(), %s, 'legal_hold', %s, 'x', %s)",
            *(other, begun, end),
        )
    book.do("update delivery set paused_at = %s where id = %s", NOW, other)
    for number in (2, 0):
        begun = NOW + number * HOUR
        pause(book, id_, begun, "decide")
        resume(book, id_, begun + MINUTE)
    with book.ledger.clock_pauses.clocks(id_, agency=SHROPSHIRE) as batch:
        assert batch.clocks is not None
        assert batch.clocks.pauses == [
            Span(NOW + hours, NOW + hours + MINUTE) for hours in (0 * HOUR, 2 * HOUR)
        ]
    assert book.look("select paused_at from delivery where id = %s", other) == [(NOW,)]
    ends = "select resumed_at from pause where delivery = %s order by paused_at"
    assert book.look(ends, other) == [(NOW,), (None,)]


@pytest.mark.parametrize("state", DeliveryState)
def test_what_is_over_or_cannot_be_delivered_has_no_clock_to_stop(
    book: Book, state: DeliveryState
) -> None:
    id_, _ = two_deliveries(book)
    book.force(state)
    runs = state in {"held", "available", "leased", "collected", "acknowledged"}
    assert pause(book, id_, NOW, "decide")[1] is runs
    assert len(book.look("select from pause")) == runs


def test_the_clock_of_a_recall_is_stopped_and_resumed_though_its_referral_is_recalled(
    book: Book,
) -> None:
    id_, other = two_deliveries(book)
    book.do("update delivery set kind = 'recall', follows = %s where id = %s", other, id_)
    book.do("update referral set recalled_at = now(), recall_reason = 'x', recalled_by = 'x'")
    assert pause(book, id_, NOW, "decide")[1]
    assert resume(book, id_, LATER)


def test_a_pause_that_another_has_replaced_is_not_ended(book: Book) -> None:
    """Who read the first pause, and comes when there is another, changes nothing."""
    id_, _ = two_deliveries(book)
    pause(book, id_, NOW, "decide")
    with book.ledger.clock_pauses.clocks(id_, agency=SHROPSHIRE) as batch:
        read = batch.clocks
    assert read is not None
    assert read.paused_at == NOW
    resume(book, id_, LATER)
    pause(book, id_, LATER + HOUR, "decide")
    before = book.look(CLOCKS, id_)
    with book.ledger.clock_pauses.clocks(id_, agency=SHROPSHIRE) as batch:
        batch.clocks = read
        done = batch.resume_clock(
            {}, {}, moved=[], because=None, actor="key:y", now=LATER + 2 * HOUR
        )
    assert (done, book.look(CLOCKS, id_)) == (False, before)


def test_whoever_judges_a_clock_holds_its_delivery(book: Book) -> None:
    """Another writer waits until the deadlines that follow are written."""
    id_, _ = two_deliveries(book)
    with book.ledger.clock_pauses.clocks(id_, agency=SHROPSHIRE):
        free = "select id from delivery for no key update skip locked"
        assert id_ not in {found for (found,) in book.look(free)}
