"""Bodies that were refused: a batch is recorded at once, and each has a task while that helps."""

from collections.abc import Sequence
from datetime import timedelta

from broker.domain.codes import Grade
from broker.domain.ids import OrganisationCode
from broker.domain.referral import Refusal
from broker.domain.task import RefusalTask, TaskDeadline
from broker.ledger.tasks import MOST_REFUSED
from tests.integration.ledger.conftest import NOW, POLICE, STOKE, Book

DUE = NOW + timedelta(hours=1)
DEADLINE = TaskDeadline(Grade.HIGH, DUE, NOW)
SETTLE = (
    "update task set state = 'settled', settled_at = %s, settled_by = 'x', settled_because = 'y',"
    " next_alarm_at = null"
)
Pair = tuple[Refusal, RefusalTask | None]


def refused(
    number: int,
    reference: str | None = "",
    *,
    publisher: OrganisationCode = POLICE,
    reason: str = "malformed",
) -> Pair:
    """Return a refused body with a digest of its own, under a reference of its own."""
    reference = f"ref-{number}" if reference == "" else reference
    refusal = Refusal(publisher, number.to_bytes(32, "big"), 10 + number, reason, NOW)
    return refusal, RefusalTask(reference, f"Body {number}.", DEADLINE, "v1")


def record(book: Book, *pairs: Pair) -> None:
    book.ledger.referrals.record_refusals(pairs)


def messages(book: Book, publisher: OrganisationCode = POLICE) -> Sequence[str]:
    rows = book.look("select message from task where publisher = %s order by message", publisher)
    return [message for (message,) in rows]


def test_each_body_is_recorded_in_its_order_with_a_task_and_an_event(book: Book) -> None:
    record(book, refused(2), refused(1, publisher=STOKE), (refused(3)[0], None))
    assert book.look("select publisher, digest, size, reason, at from refusal order by id") == [
        (POLICE, (2).to_bytes(32, "big"), 12, "malformed", NOW),
        (STOKE, (1).to_bytes(32, "big"), 11, "malformed", NOW),
        (POLICE, (3).to_bytes(32, "big"), 13, "malformed", NOW),
    ]
    tasks = book.look(
        "select publisher, reference, code, message, grade, policy_version, opened_at, due_at,"
        " next_alarm_at, referral, state from task order by message desc"
    )
    own = ("refused", "Body 2.", "high", "v1", NOW, DUE, NOW, None, "open")
    assert tasks[0] == (POLICE, "ref-2", *own)
    assert [task[0] for task in tasks] == [POLICE, STOKE]
    events = book.look(
        "select event.publisher, event.at, actor, data ->> 'reference', data ->> 'code',"
        " data ->> 'task' = task.id::text, (data ->> 'due_at')::timestamptz"
        " from event join task on task.reference = data ->> 'reference'"
        " where kind = 'organisation.task_opened' order by 4"
    )
    assert events == [
        (publisher, NOW, "broker", reference, "refused", True, DUE)
        for publisher, reference in ((STOKE, "ref-1"), (POLICE, "ref-2"))
    ]


def test_bodies_of_one_reference_or_one_fault_are_one_task(book: Book) -> None:
    record(book, refused(2, "A"), refused(1, "A"), refused(3, None), refused(4, None))
    record(book, refused(5, "A"), refused(6, None), refused(7, None, reason="too-large"))
    record(book, refused(8, "A", publisher=STOKE))
    assert messages(book) == ["Body 2.", "Body 3.", "Body 7."]
    assert messages(book, STOKE) == ["Body 8."]
    assert book.look("select count(*) from refusal") == [(8,)]
    book.do(SETTLE, NOW)
    record(book, refused(9, "A"))
    assert messages(book) == ["Body 2.", "Body 3.", "Body 7.", "Body 9."]


def test_a_flood_opens_so_many_tasks_and_no_more(book: Book) -> None:
    record(book, *(refused(number) for number in range(MOST_REFUSED - 2)))
    again = [refused(1_000 + number, f"ref-{number}") for number in range(5)]
    # Not in the order of their references: the first ones of the batch have a task.
    fresh = [refused(2_000 + number) for number in reversed(range(5))]
    record(book, *again, *fresh, refused(3_000, publisher=STOKE))
    assert len(messages(book)) == MOST_REFUSED
    opened = {message for message in messages(book) if message.startswith("Body 200")}
    assert opened == {"Body 2004.", "Body 2003."}
    assert messages(book, STOKE) == ["Body 3000."]
    record(book, refused(4_000))
    assert len(messages(book)) == MOST_REFUSED
    assert book.look("select count(*) from refusal") == [(MOST_REFUSED - 2 + 12,)]
    record(book, refused(4_001), refused(4_002, publisher=STOKE))
    assert messages(book, STOKE) == ["Body 3000.", "Body 4002."]
    book.do(SETTLE, NOW)
    record(book, refused(5_000))
    assert "Body 5000." in messages(book)


def test_tasks_about_referrals_leave_room_for_those_about_bodies(book: Book) -> None:
    referral = book.accept("held")
    book.do(
        "insert into task (publisher, referral, version, reference, code, pointer, message,"
        " policy_version, opened_at, due_at)"
        " select %s, %s, 1, 'held', 'no-recipient', n::text, 'Nobody', 'v1', %s, %s"
        " from generate_series(1, 200) n",
        *(POLICE, referral, NOW, NOW),
    )
    record(book, refused(1), refused(2, "held"))
    assert {"Body 1.", "Body 2."} <= {*messages(book)}
