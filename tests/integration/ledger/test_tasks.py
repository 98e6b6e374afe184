"""Tasks for ops: which are listed and counted, and what is written when they are settled."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from broker.domain.codes import Grade
from broker.domain.ids import TaskId
from broker.domain.task import NewTask, Task, TaskCounts, TaskDeadline
from broker.ledger import database
from broker.ledger.tasks import open_tasks
from tests.integration.ledger.conftest import NOW, POLICE, STOKE, Book, by_ops

MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)
ABOUT_REFERRAL = """
insert into task (publisher, referral, version, reference, code, pointer, message, policy_version,
                  opened_at, due_at, next_alarm_at)
select publisher, id, 1, reference, %(code)s, %(pointer)s, %(message)s, 'v1', %(opened)s, %(due)s,
       %(due)s
from referral where id = %(referral)s returning id
"""
ABOUT_BODY = """
insert into task (publisher, reference, digest, code, message, policy_version, opened_at, due_at,
                  next_alarm_at)
values (%(publisher)s, %(reference)s, sha256(convert_to(%(reason)s, 'UTF8')), 'refused',
        %(message)s, 'v1', %(opened)s, %(due)s, %(due)s)
returning id
"""
SETTLE = (
    "update task set state = 'settled', settled_at = %s, settled_by = 'x', settled_because = 'y',"
    " next_alarm_at = null where id = %s"
)
SETTLED = """
select state, settled_at, settled_by, settled_because, next_alarm_at from task where id = %s
"""
ESCALATE = """
insert into escalation (id, ladder, policy_version, milestone, organisation, due_at, began_at,
                        next_step_at, task, state, acknowledged_by, ended_at, ended_because)
select gen_random_uuid(), 'ladder', 'v1', 'attend', publisher, %(due)s, %(due)s,
       case when %(state)s = 'open' then %(due)s::timestamptz end, id, %(state)s,
       case when %(state)s = 'acknowledged' then 'x' end,
       case when %(state)s = 'ended' then %(due)s::timestamptz end,
       case when %(state)s = 'ended' then 'before' end
from task where id = %(task)s returning id
"""
REFUSE = """
insert into refusal (publisher, digest, size, reason, at)
select %s, sha256(n::text::bytea), 1, %s, %s from generate_series(1, %s) n
"""


def insert(book: Book, statement: str, **values: Any) -> Any:
    with book.ledger.transaction() as connection:
        return connection.execute(statement.encode(), values).fetchone()["id"]  # type: ignore[index]


def about(book: Book, referral: UUID, **changes: Any) -> TaskId:
    """Write a task about a referral, and return its id."""
    values = {"code": "c", "pointer": "", "message": "Ask.", "opened": NOW, "due": LATER}
    return TaskId(insert(book, ABOUT_REFERRAL, **values | changes | {"referral": referral}))


def about_body(book: Book, **changes: Any) -> TaskId:
    """Write a task about a body that was refused, and return its id."""
    values = {"publisher": POLICE, "reference": None, "reason": "malformed", "message": "Call."}
    return TaskId(insert(book, ABOUT_BODY, **values | {"opened": NOW, "due": LATER} | changes))


def run(book: Book, statement: str, **params: Any) -> list[UUID]:
    with book.ledger.transaction() as connection:
        return [row["id"] for row in database.rows(connection, statement, params)]


def listed(book: Book, **which: Any) -> list[UUID]:
    return [task.id for task in book.ledger.tasks.tasks(**{"limit": 9, **which})]


def test_open_tasks_are_counted_and_what_is_due_now_is_not_overdue(book: Book) -> None:
    referral = book.accept("a")
    about(book, referral, due=NOW - MINUTE)
    about(book, referral, code="now", due=NOW)
    over = about(book, referral, code="over", due=NOW - MINUTE)
    book.do(SETTLE, NOW, over)
    assert book.ledger.tasks.counts(now=NOW) == TaskCounts(open=2, overdue=1)


def test_open_tasks_are_listed_soonest_due_first(book: Book) -> None:
    referral, other = book.accept("a"), book.accept("b")
    last = about(book, referral, due=LATER + MINUTE)
    same = {id_: about(book, id_, due=LATER, code="same") for id_ in (other, referral)}
    over = about(book, referral, code="over")
    book.do(SETTLE, NOW, over)
    first = about(book, other, due=LATER - MINUTE)
    both = sorted(same.values())
    assert listed(book) == [first, *both, last]
    assert listed(book, limit=2) == [first, both[0]]
    assert listed(book, id=last) == [last]
    assert listed(book, referral=other) == [first, same[other]]


def message(book: Book, id_: TaskId) -> str:
    (task,) = book.ledger.tasks.tasks(id=id_, limit=1)
    return task.message


def test_bodies_of_one_fault_are_counted_since_the_first_one(book: Book) -> None:
    id_ = about_body(book)
    assert message(book, id_) == "Call."
    for publisher, reason, at in (
        (POLICE, "malformed", NOW),
        (POLICE, "malformed", NOW - MINUTE),
        (POLICE, "too-large", LATER),
        (STOKE, "malformed", LATER),
    ):
        book.do(REFUSE, publisher, reason, at, 1)
    assert message(book, id_) == "Call."
    book.do(REFUSE, POLICE, "malformed", LATER, 1)
    assert message(book, id_) == "Call. So far 2 bodies, since the first one."
    assert message(book, about_body(book, reference="ref")) == "Call."
    book.do(REFUSE, POLICE, "malformed", LATER, 1_000)
    assert message(book, id_).startswith("Call. So far 1000 bodies")


def params_of_wanted(*wanted: tuple[UUID, str, str]) -> dict[str, Any]:
    referrals, codes, pointers = ([row[place] for row in wanted] for place in range(3))
    return {"referrals": referrals, "codes": codes, "pointers": pointers}


def test_what_is_wanted_no_more_is_over_but_for_codes_that_are_not_judged(book: Book) -> None:
    referral, other = book.accept("a"), book.accept("b")
    wanted = about(book, referral, code="wanted", pointer="/1")
    over = {
        about(book, referral, code="wanted", pointer="/2"),
        about(book, referral, code="other", pointer="/1"),
    }
    about(book, referral, code="unjudged", pointer="/1")
    settled = about(book, referral, code="settled")
    book.do(SETTLE, NOW, settled)
    of_other = about(book, other, code="wanted", pointer="/1")
    judged = {"judged": [referral], "unjudged": ["unjudged"]}
    keys = params_of_wanted((referral, "wanted", "/1"))
    assert set(run(book, "tasks/over_tasks", **judged, **keys)) == over
    both = {"judged": [referral, other], "unjudged": ["unjudged"]}
    assert set(run(book, "tasks/over_tasks", **both, **keys)) == {*over, of_other}
    assert wanted in run(book, "tasks/over_tasks", **judged, **params_of_wanted())


def test_tasks_about_refused_bodies_are_those_under_the_reference_of_a_publisher(
    book: Book,
) -> None:
    about(book, book.accept("ref"))
    own = about_body(book, reference="ref")
    about_body(book, reference="other")
    about_body(book, reference="ref", publisher=STOKE)
    params = {"publisher": POLICE, "reference": "ref"}
    assert run(book, "tasks/refused_tasks", **params) == [own]
    book.do(SETTLE, NOW, own)
    assert run(book, "tasks/refused_tasks", **params) == []


def test_a_task_is_settled_once_with_who_when_and_why(book: Book) -> None:
    referral = book.accept("a")
    id_, beside = about(book, referral, pointer="/1"), about(book, referral, pointer="/2")
    open_before = book.look(SETTLED, beside)
    assert book.ledger.tasks.settle(id_, by_ops(NOW))
    settled = [("settled", NOW, "key:ops", "No reason was asked for.", None)]
    assert book.look(SETTLED, id_) == settled
    assert book.look(SETTLED, beside) == open_before
    events = book.look(
        "select kind, referral, publisher, actor, data from event"
        " where kind like '%%.task_settled' order by id"
    )
    data = {"task": str(id_), "code": "c", "pointer": "/1", "because": "settled"}
    assert events == [("referral.task_settled", referral, POLICE, "key:ops", data)]
    assert not book.ledger.tasks.settle(id_, by_ops(LATER))
    assert book.look(SETTLED, id_) == settled


@pytest.mark.parametrize("state", ["open", "acknowledged", "ended"])
@pytest.mark.parametrize("is_about_body", [False, True])
def test_its_escalations_end_with_it(book: Book, state: str, is_about_body: bool) -> None:
    id_ = about_body(book) if is_about_body else about(book, book.accept("a"))
    own = insert(book, ESCALATE, task=id_, due=NOW, state=state)
    other = insert(book, ESCALATE, task=about(book, book.accept("b")), due=NOW, state="open")
    look = "select state, ended_at, ended_because, next_step_at from escalation where id = %s"
    before = book.look(look, other)
    assert book.ledger.tasks.settle(id_, by_ops(LATER))
    is_new = state != "ended"
    after = ("ended", LATER, "met", None) if is_new else ("ended", NOW, "before", None)
    assert book.look(look, own) == [after]
    assert book.look(look, other) == before
    kind = "organisation" if is_about_body else "referral"
    ended = book.look("select kind from event where kind like '%%.escalation_ended'")
    assert ended == ([(f"{kind}.escalation_ended",)] if is_new else [])
    assert book.look("select kind from event where kind like '%%.task_settled'") == [
        (f"{kind}.task_settled",)
    ]


def test_a_task_that_is_open_already_stays_as_it_is(book: Book) -> None:
    referral = book.accept("a")
    about(book, referral, code="c", pointer="/1", message="Before.")
    wanted = [
        NewTask(
            Task(code, pointer, "Again."),
            referral,
            POLICE,
            "a",
            1,
            TaskDeadline(Grade.HIGH, LATER),
            "v1",
        )
        for code, pointer in (("c", "/1"), ("c", "/2"), ("d", "/1"))
    ]
    with book.ledger.transaction() as connection:
        open_tasks(connection, wanted, now=NOW, actor="broker")
    assert book.look("select code, pointer, message from task order by 1, 2") == [
        ("c", "/1", "Before."),
        ("c", "/2", "Again."),
        ("d", "/1", "Again."),
    ]
    opened = (
        "select data ->> 'code', data ->> 'pointer' from event where kind like '%%.task_opened'"
    )
    assert book.look(f"{opened} order by id") == [("c", "/2"), ("d", "/1")]
