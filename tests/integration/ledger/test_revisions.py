"""What a new version writes of deliveries that agencies have, and what it is decided from."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.codes import Milestone
from broker.domain.ids import DeliveryId, ReferralId
from broker.domain.referral import NewVersion
from broker.domain.states import DeliveryState
from broker.ledger.revisions import History, histories, write_revisions
from broker.policy.decision import Revised
from broker.policy.revision.issued import Changed, EarlierDelivery, HistoryEntry
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, STOKE, Book, routed

MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)
DUE = {
    Milestone.COLLECT: LATER + MINUTE,
    Milestone.ACKNOWLEDGE: LATER + 2 * MINUTE,
    Milestone.DECIDE: LATER + 3 * MINUTE,
}
SCOPE, WHY = {"children": ["c2"], "persons": ["p1"]}, {"sentence": "Now."}
FIELDS = (
    *("state", "version", "view", "policy_version", "available_at", "clock_start", "collect_by"),
    *("acknowledge_by", "decide_by", "refused_because", "lease_until", "next_attempt_at"),
    *("next_alarm_at", "recalled_at", "scope", "explanation"),
)
LOOK = f"select {', '.join(FIELDS)} from delivery join delivery_reason on delivery = id where id ="
FORCE = """
update delivery
set state = %(state)s, refused_because = 'gone', next_attempt_at = %(now)s, attempt = 1,
    lease_until = case when %(state)s = 'leased' then %(now)s::timestamptz end,
    undeliverable_at = case when %(state)s = 'undeliverable' then %(now)s::timestamptz end
where id = %(id)s
"""
RECALL = """
update referral set recalled_at = %s, recall_reason = 'wrong_person', recalled_by = 'A. Person'
"""
TASK = """
insert into task (publisher, referral, version, code, message, policy_version, opened_at, due_at,
                  state, settled_at, settled_by, settled_because)
values (%(publisher)s, %(referral)s, %(version)s, %(code)s, 'Ask.', 'v1', %(at)s, %(at)s,
        case when %(by)s::text is null then 'open' else 'settled' end,
        case when %(by)s::text is not null then %(at)s::timestamptz end, %(by)s,
        case when %(by)s::text is not null then 'done' end)
"""


def row(book: Book, id_: DeliveryId) -> dict[str, Any]:
    (values,) = book.look(f"{LOOK} %s", id_)
    return dict(zip(FIELDS, values, strict=True))


def do(book: Book, statement: str, **values: Any) -> None:
    with book.ledger.transaction() as connection:
        connection.execute(statement.encode(), values)


def history(book: Book, *referrals: ReferralId) -> Mapping[ReferralId, History]:
    with book.ledger.transaction() as connection:
        return histories(connection, referrals)


def earlier(book: Book, referral: ReferralId) -> EarlierDelivery:
    return history(book, referral)[referral].deliveries[0]


def change(
    book: Book, referral: ReferralId, *changed: Changed, grades: Mapping[str, str] | None = None
) -> None:
    decision = Revised(routed(referral, []), changed, grades or {})
    with book.ledger.transaction() as connection:
        write_revisions(connection, [decision], {referral: POLICE}, now=LATER, actor="broker")


def test_a_change_writes_all_of_its_delivery_and_nothing_of_another(book: Book) -> None:
    referral = book.routed_to(STOKE, channel="queue")
    book.routed_to(STOKE, channel="queue")
    was = earlier(book, referral)
    ((other,),) = book.look("select id from delivery where id <> %s", was.id)
    before = row(book, other)
    after = replace(
        was,
        state=DeliveryState.HELD,
        version=2,
        view="other",
        available_at=LATER + MINUTE,
        clock_start=LATER,
        due=DUE,
        scope=SCOPE,
        explanation=WHY,
    )
    noted = (HistoryEntry("delivery.held", {"n": 1}), HistoryEntry("delivery.moved", {"n": 2}))
    change(book, referral, Changed(was, after, noted))
    assert row(book, was.id) == {
        "state": "held",
        "version": 2,
        "view": "other",
        "policy_version": "v1",
        "available_at": LATER + MINUTE,
        "clock_start": LATER,
        **{f"{milestone}_by": at for milestone, at in DUE.items()},
        "refused_because": None,
        "lease_until": None,
        "next_attempt_at": LATER + MINUTE,
        "next_alarm_at": LATER,
        "recalled_at": None,
        "scope": SCOPE,
        "explanation": WHY,
    }
    assert row(book, other) == before
    events = (
        "select kind, at, publisher, delivery, agency, data from event where at = %s order by id"
    )
    assert book.look(events, LATER) == [
        (entry.kind, LATER, POLICE, was.id, STOKE, entry.data) for entry in noted
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("undeliverable", "undeliverable", {"refused_because": "gone"}),
        ("undeliverable", "available", {"refused_because": None, "next_attempt_at": LATER}),
        ("leased", "leased", {"lease_until": NOW, "next_attempt_at": None}),
        ("leased", "acknowledged", {"lease_until": None, "next_attempt_at": None}),
        ("available", "recalled", {"recalled_at": LATER, "next_alarm_at": None}),
        ("available", "acknowledged", {"recalled_at": None, "next_alarm_at": LATER}),
    ],
)
def test_what_belongs_to_a_state_ends_with_it(
    book: Book, before: str, after: str, expected: dict[str, Any]
) -> None:
    referral = book.routed_to(STOKE, channel="queue")
    do(book, FORCE, state=before, now=NOW, id=earlier(book, referral).id)
    was = earlier(book, referral)
    now = replace(was, state=DeliveryState(after), available_at=LATER)
    change(book, referral, Changed(was, now, ()))
    changed = row(book, was.id)
    assert {name: changed[name] for name in expected} == expected
    # The same version is shown under the policy that it was issued under.
    assert changed["policy_version"] is None


@pytest.mark.parametrize(
    "meanwhile", ["state = 'acknowledged'", "attempt = attempt + 1", "referral = referral"]
)
def test_what_was_judged_in_another_state_or_attempt_is_not_changed(
    book: Book, meanwhile: str
) -> None:
    referral = book.routed_to(STOKE)
    was = earlier(book, referral)
    book.do(f"update delivery set {meanwhile}")
    change(book, referral, Changed(was, replace(was, view="other"), ()))
    is_same = meanwhile == "referral = referral"
    assert row(book, was.id)["view"] == ("other" if is_same else "social-care")


@pytest.mark.parametrize("kind", ["referral", "recall"])
def test_of_a_recalled_referral_its_recalls_alone_are_changed(book: Book, kind: str) -> None:
    first, referral = earlier(book, book.routed_to(STOKE)).id, book.routed_to(STOKE)
    was = earlier(book, referral)
    if kind == "recall":
        book.do("update delivery set kind = 'recall', follows = %s where id = %s", first, was.id)
    book.do(f"{RECALL} where id = %s", NOW, referral)
    change(book, referral, Changed(was, replace(was, view="other"), ()))
    assert row(book, was.id)["view"] == ("other" if kind == "recall" else "social-care")


@pytest.mark.parametrize(
    ("changes", "is_due"),
    [
        ("version = version", True),
        ("kind = 'correction', follows = id", False),
        (f"stands_in_for = '{SHROPSHIRE}'", False),
        ("state = 'decided', decided_at = clock_start", False),
    ],
)
def test_what_is_regraded_may_change_hands_at_once(
    book: Book, changes: str, *, is_due: bool
) -> None:
    referral, other = book.routed_to(STOKE), book.routed_to(STOKE)
    book.do(f"update delivery set {changes}")
    change(book, referral, grades={"grade": "high"})
    look = "select hand_over_at from delivery where referral = %s"
    assert book.look(look, referral) == [(LATER if is_due else None,)]
    assert book.look(look, other) == [(None,)]


def test_what_was_recalled_is_not_looked_at_for_its_new_grade(book: Book) -> None:
    book.routed_to(STOKE)
    referral = book.routed_to(STOKE)
    book.do(f"{RECALL} where id = %s", NOW, referral)
    change(book, referral, grades={"grade": "high"})
    assert book.look("select hand_over_at from delivery") == [(None,), (None,)]


def corrected(book: Book, referral: ReferralId, number: int) -> None:
    """Store a further version of a referral, whose body says which it is."""
    body, digest = f'"{number}"'.encode(), number.to_bytes(32, "big")
    book.ledger.corrections.correct(
        NewVersion(referral, POLICE, None, digest, body, NOW, "key:test")
    )


def test_what_agencies_had_is_locked_and_read_in_its_order(book: Book) -> None:
    referral = book.routed_to(STOKE, SHROPSHIRE)
    book.routed_to(STOKE)
    book.do(
        "update delivery set attempt = 1 where id = (select id from delivery order by id limit 1)"
    )
    own = [id_ for (id_,) in book.look("select id from delivery where referral = %s", referral)]
    free = "select count(*) from (select from delivery for no key update skip locked) as free"
    with book.ledger.transaction() as connection:
        read = histories(connection, [referral])[referral].deliveries
        assert book.look(free) == [(1,)]
    assert [delivery.id for delivery in read] == sorted(own)


def test_the_versions_that_agencies_have_are_read_but_for_those_of_recalls_alone(
    book: Book,
) -> None:
    referral, other = book.routed_to(STOKE, SHROPSHIRE), book.routed_to(STOKE)
    for number in (2, 3):
        corrected(book, referral, number)
    corrected(book, other, 2)
    book.do(
        "update delivery set version = 3, kind = 'recall', follows = id"
        " where referral = %s and agency = %s",
        *(referral, SHROPSHIRE),
    )
    bodies = history(book, referral)[referral].bodies
    assert bodies.keys() == {1}


def test_what_a_person_settled_last_is_known_with_the_version_that_it_was_about(
    book: Book,
) -> None:
    referral, other = book.routed_to(STOKE), book.routed_to(STOKE)
    for id_, number in ((referral, 2), (referral, 3), (other, 2)):
        corrected(book, id_, number)
    person, broker = "person:A", "broker"
    for code, version, at, by in (
        ("settled", 2, NOW, person),
        # Each way round, and often: what comes first without an order is right by chance alone.
        *(
            row
            for number in range(9)
            for row in ((f"again {number}", 2, NOW, person), (f"again {number}", 3, LATER, broker))
        ),
        *(
            row
            for number in range(9)
            for row in (
                (f"before {number}", 2, LATER, person),
                (f"before {number}", 3, NOW, broker),
            )
        ),
        ("by the broker", 2, NOW, broker),
        ("open", 2, NOW, None),
    ):
        values = {"code": code, "version": version, "at": at, "by": by, "publisher": POLICE}
        do(book, TASK, referral=referral, **values)
    values = {"code": "other", "version": 2, "at": NOW, "by": person, "publisher": POLICE}
    do(book, TASK, referral=other, **values)
    read = history(book, referral)[referral]
    assert [(task.code, task.version) for task in read.settled] == [
        *((f"before {number}", 2) for number in range(9)),
        ("settled", 2),
    ]
    assert {number: bytes(body) for number, body in read.bodies.items() if number > 1} == {
        2: b'"2"'
    }
