"""An escalation climbs while its subject is late, and no further once it is not."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
import uuid_utils.compat as ids

from broker.domain.escalation import TakenOn
from broker.domain.ids import LeaseId, OrganisationCode
from broker.domain.states import DeliveryState
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, STOKE, Book, by_ops

HOUR = timedelta(hours=1)
ESCALATE = """
insert into escalation (id, ladder, policy_version, milestone, referral, delivery, organisation,
                        due_at, began_at, next_step_at)
select gen_random_uuid(), 'ladder', 'v1', %s, referral, id, agency, %s, %s, %s
from delivery where agency = %s
"""
FORCE = """
update delivery
set state = %(state)s, next_attempt_at = null,
    lease_until = case when %(state)s = 'leased' then %(now)s::timestamptz end,
    hand_over_at = %(now)s,
    undeliverable_at = case %(state)s when 'undeliverable' then %(now)s::timestamptz end,
    returned_at = case when %(state)s in ('returned', 'handed_over') then %(now)s::timestamptz end,
    decided_at = case %(state)s when 'decided' then %(now)s::timestamptz end
"""
OVER = {DeliveryState.DECIDED, DeliveryState.RECALLED, DeliveryState.HANDED_OVER}


def escalate(book: Book, *milestones: str, agency: str = SHROPSHIRE) -> None:
    for milestone in milestones:
        book.do(ESCALATE, milestone, NOW, NOW, NOW, agency)


def due(book: Book, now: Any = NOW, limit: int = 9) -> dict[str, bool]:
    """Return which steps are due, by milestone, and whether each is met."""
    with book.ledger.alarms.claim_steps(limit, now=now) as batch:
        return {step.milestone: step.is_met for step in batch.steps}


@pytest.mark.parametrize("state", DeliveryState)
def test_what_has_ended_is_escalated_no_further(book: Book, state: DeliveryState) -> None:
    book.routed_to(SHROPSHIRE)
    with psycopg.connect(book.dsn) as connection:
        connection.execute(FORCE.encode(), {"state": str(state), "now": NOW})
    escalate(book, "acknowledge")
    assert due(book) == {"acknowledge": state in OVER}


@pytest.mark.parametrize("milestone", ["collect", "acknowledge", "decide"])
def test_a_milestone_that_is_met_ends_its_own_escalation_alone(book: Book, milestone: str) -> None:
    book.routed_to(SHROPSHIRE)
    column = {"collect": "collected_at", "acknowledge": "acknowledged_at"}.get(
        milestone, "decided_at"
    )
    book.do(f"update delivery set {column} = %s", NOW)
    escalate(book, "collect", "acknowledge", "decide")
    assert due(book) == {name: name == milestone for name in ("collect", "acknowledge", "decide")}


def test_what_another_delivery_replaces_is_escalated_no_further(book: Book) -> None:
    book.routed_to(STOKE)
    book.routed_to(SHROPSHIRE)
    escalate(book, "acknowledge", agency=STOKE)
    escalate(book, "decide")
    book.do(
        "update delivery set replaces = (select id from delivery where agency = %s)"
        " where agency = %s",
        STOKE,
        SHROPSHIRE,
    )
    assert due(book) == {"acknowledge": True, "decide": False}


def test_the_steps_that_are_due_longest_come_first(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    escalate(book, "collect", "acknowledge", "decide")
    for hours, milestone in enumerate(("decide", "acknowledge", "collect")):
        book.do(
            "update escalation set next_step_at = %s where milestone = %s",
            NOW + hours * HOUR,
            milestone,
        )
    assert due(book, NOW - timedelta(microseconds=1)) == {}
    assert [*due(book)] == ["decide"]
    assert {*due(book, NOW + 2 * HOUR, limit=2)} == {"acknowledge", "decide"}
    book.do("update escalation set state = 'ended', ended_at = now(), ended_because = 'met'")
    assert due(book, NOW + 2 * HOUR) == {}


TASK = """
insert into task (publisher, referral, version, code, message, policy_version, opened_at, due_at)
select publisher, id, 1, 'no_grade', 'Look.', 'v1', %s, %s from referral returning id
"""
OF_TASK = """
insert into escalation (id, ladder, policy_version, milestone, referral, task, organisation,
                        due_at, began_at, next_step_at)
select gen_random_uuid(), 'ladder', 'v1', 'attend', referral, id, publisher, due_at, due_at, due_at
from task
"""
SETTLED = """
update task set state = 'settled', settled_at = now(), settled_by = 'x', settled_because = 'x'
"""


@pytest.mark.parametrize("is_settled", [False, True])
def test_a_task_is_escalated_until_it_is_settled(book: Book, is_settled: bool) -> None:
    book.accept("ref")
    book.do("update referral set state = 'unroutable', reason = 'no_area', attend_by = %s", NOW)
    book.do(TASK, NOW, NOW)
    book.do(OF_TASK)
    if is_settled:
        book.do(SETTLED)
    assert due(book) == {"attend": is_settled}


ROW = """
select state, acknowledged_at, acknowledged_by, own_acknowledged_at, own_acknowledged_by, own_until,
       next_step_at
from escalation
"""


def test_what_an_acknowledgement_writes_depends_on_who_gives_it(book: Book) -> None:
    """An agency's own, then the publisher's, then one that comes too late."""
    book.routed_to(SHROPSHIRE)
    escalate(book, "acknowledge")
    ((id_,),) = book.look("select id from escalation")
    own = (NOW, "Duty worker", NOW + HOUR)
    expected = [
        (SHROPSHIRE, "Duty worker", True, ("open", None, None, *own, NOW)),
        (SHROPSHIRE, "A colleague", False, ("open", None, None, *own, NOW)),
        (POLICE, "Supervisor", True, ("acknowledged", NOW, "Supervisor", *own, None)),
        (None, "Ops", False, ("acknowledged", NOW, "Supervisor", *own, None)),
    ]
    for who, owner, is_first, row in expected:
        done = book.ledger.alarms.acknowledge_escalation(
            id_, by_ops(NOW), TakenOn(owner, NOW + HOUR, NOW + HOUR), visible_to=who
        )
        assert done is not None
        assert (done.is_first, book.look(ROW)) == (is_first, [row])
    of_events = "select data ->> 'whose' from event where kind ~ 'acknowledged' order by id"
    assert book.look(of_events) == [("agency",), ("publisher",)]


@pytest.mark.parametrize("who", [None, POLICE])
def test_ops_and_the_publisher_stop_every_step_at_once(
    book: Book, who: OrganisationCode | None
) -> None:
    book.routed_to(SHROPSHIRE)
    escalate(book, "acknowledge")
    ((id_,),) = book.look("select id from escalation")
    book.ledger.alarms.acknowledge_escalation(
        id_, by_ops(NOW), TakenOn("A. Person", NOW + HOUR, NOW + HOUR), visible_to=who
    )
    assert book.look(ROW) == [("acknowledged", NOW, "A. Person", None, None, None, None)]
    whose = "select data ->> 'whose' from event where kind ~ 'acknowledged'"
    assert book.look(whose) == [("ops" if who is None else "publisher",)]
    assert due(book, NOW + 9 * HOUR) == {}


TAKEN = "select state, step, acknowledged_by, taken_until, next_step_at, offered_to from escalation"


def take(
    book: Book, owner: str = "person:Jo", *, now: datetime = NOW, extends: bool = False
) -> bool:
    ((id_,),) = book.look("select id from escalation")
    taken = TakenOn(owner, now + HOUR / 2, now, extends)
    done = book.ledger.alarms.acknowledge_escalation(id_, by_ops(now), taken)
    assert done is not None
    return done.is_first


def reopened(book: Book) -> list[Any]:
    """Return the reasons for which people were alerted again, one an event."""
    kind = "select data ->> 'because' from event where kind ~ 'escalation_reopened' order by id"
    return [because for (because,) in book.look(kind)]


@pytest.mark.parametrize(("step", "next_step_at", "goes_on_at"), [(1, NOW + HOUR, 1), (3, None, 2)])
def test_what_was_taken_on_goes_on_where_it_stopped_once_the_time_is_over(
    book: Book, step: int, next_step_at: datetime | None, goes_on_at: int
) -> None:
    """The step that was put off is due; where every step had been taken, the last one again."""
    book.routed_to(SHROPSHIRE)
    escalate(book, "acknowledge")
    book.do("update escalation set step = %s, next_step_at = %s", step, next_step_at)
    assert take(book)
    end = NOW + HOUR / 2
    assert book.look(TAKEN) == [("acknowledged", step, "person:Jo", end, None, None)]
    assert book.ledger.alarms.reopen_escalations(9, now=end - timedelta(seconds=1)) == 0
    assert book.ledger.alarms.reopen_escalations(9, now=end) == 1
    assert book.look(TAKEN) == [("open", goes_on_at, None, None, end, None)]
    assert reopened(book) == ["time_over"]
    assert due(book, end) == {"acknowledge": False}


@pytest.mark.parametrize("of_older_version", [False, True])
def test_undoing_alerts_people_again_also_where_no_step_was_postponed(
    book: Book, *, of_older_version: bool
) -> None:
    """Every step had been taken, or an older version took it on: the last step is due again."""
    book.routed_to(SHROPSHIRE)
    escalate(book, "acknowledge")
    book.do("update escalation set step = 3, next_step_at = null")
    assert take(book)
    if of_older_version:
        book.do("update escalation set taken_until = null, postponed_step_at = null")
    ((id_,),) = book.look("select id from escalation")
    later = NOW + HOUR / 4
    assert book.ledger.alarms.release_escalation(id_, by_ops(later))
    assert book.look(TAKEN) == [("open", 2, None, None, later, None)]
    assert reopened(book) == ["released"]
    assert due(book, later) == {"acknowledge": False}


def test_what_was_met_meanwhile_is_not_alerted_again(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    escalate(book, "acknowledge")
    assert take(book)
    with book.ledger.alarms.claim_steps(9, now=NOW + HOUR) as batch:
        assert batch.steps == []
    book.force(DeliveryState.DECIDED)
    book.ledger.alarms.reopen_escalations(9, now=NOW + HOUR)
    assert due(book, NOW + HOUR) == {"acknowledge": True}


def test_taking_on_is_undone_extended_and_handed_over(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    escalate(book, "acknowledge")
    ((id_,),) = book.look("select id from escalation")
    alarms, later = book.ledger.alarms, NOW + HOUR / 4
    assert take(book)
    assert not take(book, now=later)
    assert not take(book, "person:Kim", now=later)
    assert take(book, now=later, extends=True)
    assert book.look(TAKEN)[0][3] == later + HOUR / 2
    assert not alarms.offer_escalation(id_, by_ops(later), to="person:Kim")  # by somebody else
    jo = replace(by_ops(later), by="person:Jo")
    assert alarms.offer_escalation(id_, jo, to="person:Kim")
    assert book.look(TAKEN)[0][::5] == ("acknowledged", "person:Kim")
    assert take(book, "person:Kim", now=later)
    assert book.look(TAKEN)[0][2] == "person:Kim"
    assert alarms.release_escalation(id_, by_ops(later))
    assert not alarms.release_escalation(id_, by_ops(later))
    assert book.look(TAKEN) == [("open", 0, None, None, NOW, None)]
    assert reopened(book) == ["released"]
    kinds = book.look("select kind, count(*) from act group by kind order by kind")
    assert kinds == [
        ("delivery.escalation_acknowledged", 3),
        ("delivery.escalation_offered", 1),
        ("delivery.escalation_reopened", 1),
    ]


def test_notices_that_are_due_and_those_whose_sender_died_share_one_order(book: Book) -> None:
    for state, column, minutes in (
        ("due", "next_attempt_at", 2),
        ("sending", "lease_until", 1),
        ("due", "next_attempt_at", 0),
    ):
        book.do(
            "insert into notice (id, kind, organisation, contact, channel, state, created_at,"
            f" {column}) values (gen_random_uuid(), %s, %s, 'duty', 'email', %s, %s, %s)",
            *(str(minutes), STOKE, state, NOW, NOW + timedelta(minutes=minutes)),
        )
    claim = book.ledger.alarms.claim_notices
    lease, now = LeaseId(ids.uuid7()), NOW + HOUR
    taken = [claim(1, lease=lease, lease_for=HOUR, now=now)[0].kind for _ in range(3)]
    assert taken == ["0", "1", "2"]
    assert book.look("select distinct state, attempt, lease, lease_until from notice") == [
        ("sending", 1, lease, now + HOUR)
    ]
