"""Who looks after an organisation's inbox: at least one person, whatever two do at once."""

from collections.abc import Callable
from threading import Thread
from uuid import UUID

import pytest
import uuid_utils.compat as ids

from broker.domain.codes import MemberRight
from broker.ledger.database import rows
from broker.ledger.members import NewMember, _lock_members
from tests.integration.ledger.conftest import NOW, STOKE, Book

ADMINISTRATOR = frozenset({MemberRight.READ, MemberRight.ADMINISTER})
WAITS = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"


def invited(book: Book, name: str) -> UUID:
    email = f"{name.lower()}@example.org"
    new = NewMember(ids.uuid7(), STOKE, name, email, ADMINISTRATOR, "test")
    member = book.ledger.members.invite(new, now=NOW)
    assert member is not None
    return member


@pytest.mark.parametrize(
    "other_act",
    [
        lambda book, id_: book.ledger.members.disable(STOKE, id_, now=NOW),
        lambda book, id_: book.ledger.members.change_rights(STOKE, id_, {MemberRight.READ}),
    ],
    ids=["disable", "change_rights"],
)
@pytest.mark.two_actors
def test_of_two_who_end_each_others_right_one_keeps_it(
    book: Book, other_act: Callable[[Book, UUID], bool]
) -> None:
    jo, sam = invited(book, "Jo"), invited(book, "Sam")
    answers: list[bool] = []
    other = Thread(target=lambda: answers.append(other_act(book, sam)))
    with book.ledger.members._transaction() as connection:
        _lock_members(connection, STOKE)
        params = {"organisation": STOKE, "id": jo, "now": NOW}
        assert rows(connection, "members/disable", params)
        other.start()
        while other.is_alive() and book.look(WAITS) == [(0,)]:
            other.join(0.01)
    other.join(30)
    assert answers == [False]
    assert book.look(
        "select name from member where disabled_at is null and 'administer' = any(rights)"
    ) == [("Sam",)]


def test_a_rehearsal_answers_as_the_act_and_changes_nothing(book: Book) -> None:
    jo, rehearsal = invited(book, "Jo"), book.ledger.rehearsal()
    assert not rehearsal.members.disable(STOKE, jo, now=NOW)
    invited(book, "Sam")
    assert rehearsal.members.disable(STOKE, jo, now=NOW)
    assert book.look("select count(*) from member where disabled_at is null") == [(2,)]


def test_the_last_administrator_is_not_invited_again_with_fewer_rights(book: Book) -> None:
    jo, reader = invited(book, "Jo"), frozenset({MemberRight.READ})
    again = NewMember(ids.uuid7(), STOKE, "Joanna", "JO@example.org", reader, "test")
    assert book.ledger.members.invite(again, now=NOW) is None
    rights = f"select name, rights from member where id = '{jo}'"
    assert book.look(rights) == [("Jo", ["administer", "read"])]
    invited(book, "Sam")
    assert book.ledger.members.invite(again, now=NOW) == jo
    assert book.look(rights) == [("Joanna", ["read"])]
