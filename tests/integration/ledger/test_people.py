"""Links and sessions end when they should, by what the ledger says and by its rows."""

from datetime import timedelta

import pytest
import uuid_utils.compat as ids

from broker.domain.codes import Right
from tests.integration.ledger.conftest import NOW, Book

LINK, SESSION, SECOND = (bytes([number] * 32) for number in (1, 2, 3))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
SUBJECT = "https://id.example.org jo"


@pytest.fixture
def book(book: Book) -> Book:
    """A person with a link for a minute and a session for an hour; another has one of each too."""
    people = book.ledger.people
    for name, subject, link, session in (
        ("Sam Sample", "sam", bytes(32), bytes([9] * 32)),
        ("Jo Example", SUBJECT, LINK, SESSION),
    ):
        id_ = people.add_person(ids.uuid7(), name, [Right.VIEW], subject=subject, now=NOW)
        people.add_link(id_, link, now=NOW, expires_at=NOW + MINUTE)
        assert people.begin_session(
            subject, session, answer_sha256=session, now=NOW, expires_at=NOW + HOUR
        )
    return book


def sessions(book: Book) -> list[tuple]:
    return book.look(
        "select name, ended_at from session join person on person.id = person"
        " order by began_at, name"
    )


def test_a_session_lasts_to_its_end_and_no_longer(book: Book) -> None:
    signed_in = book.ledger.people.signed_in
    until = NOW + HOUR
    found = signed_in(SESSION, now=until - INSTANT)
    assert found is not None
    assert (found.name, found.rights, found.expires_at) == ("Jo Example", {Right.VIEW}, until)
    assert signed_in(SESSION, now=until) is None
    assert signed_in(SECOND, now=NOW) is None


def test_a_session_that_was_ended_is_nobodys(book: Book) -> None:
    people = book.ledger.people
    assert people.end_session(SESSION, now=NOW + MINUTE)
    assert people.signed_in(SESSION, now=NOW + MINUTE) is None
    assert not people.end_session(SESSION, now=NOW + HOUR)
    assert sessions(book) == [("Jo Example", NOW + MINUTE), ("Sam Sample", None)]


def test_a_provider_that_withdraws_every_right_ends_that_subjects_sessions(book: Book) -> None:
    book.ledger.people.end_sessions(SUBJECT, now=NOW + MINUTE)
    book.ledger.people.end_sessions(SUBJECT, now=NOW + HOUR)
    assert sessions(book) == [("Jo Example", NOW + MINUTE), ("Sam Sample", None)]
    assert book.ledger.people.signed_in(SESSION, now=NOW + MINUTE) is None


def test_a_link_begins_one_session(book: Book) -> None:
    people, until = book.ledger.people, NOW + 2 * HOUR
    assert people.link_owner(LINK, now=NOW) == "Jo Example"
    assert people.use_link(LINK, SECOND, now=NOW, expires_at=until)
    assert people.link_owner(LINK, now=NOW) is None
    assert not people.use_link(LINK, bytes([4] * 32), now=NOW, expires_at=until)
    assert [name for name, _ in sessions(book)].count("Jo Example") == 2
    assert book.look("select used_at from sign_in_link order by used_at") == [(NOW,), (None,)]


def test_a_link_is_good_before_its_end_and_not_at_it(book: Book) -> None:
    people = book.ledger.people
    at_its_end = NOW + MINUTE
    assert people.link_owner(LINK, now=at_its_end - INSTANT) == "Jo Example"
    assert people.link_owner(LINK, now=at_its_end) is None
    assert not people.use_link(LINK, SECOND, now=at_its_end, expires_at=NOW + HOUR)
    assert people.use_link(LINK, SECOND, now=at_its_end - INSTANT, expires_at=NOW + HOUR)


def test_who_is_disabled_has_no_way_in_and_others_keep_theirs(book: Book) -> None:
    people, until = book.ledger.people, NOW + 2 * HOUR
    assert people.disable_person("Jo Example", now=NOW)
    assert not people.disable_person("Jo Example", now=NOW + MINUTE)
    assert book.look("select name, disabled_at from person order by name") == [
        ("Jo Example", NOW),
        ("Sam Sample", None),
    ]
    assert sessions(book) == [("Jo Example", NOW), ("Sam Sample", None)]
    book.do("update session set ended_at = null")  # the person alone is in the way now
    assert people.signed_in(SESSION, now=NOW) is None
    assert people.link_owner(LINK, now=NOW) is None
    assert not people.use_link(LINK, SECOND, now=NOW, expires_at=until)
    assert not people.begin_session(SUBJECT, SECOND, answer_sha256=LINK, now=NOW, expires_at=until)
    rights = {Right.VIEW, Right.ACT}
    assert not people.upsert_person(
        ids.uuid7(), "Jo Example", rights, subject=SUBJECT, other_name="Jo 2", now=NOW
    )
    assert book.look("select rights from person where name = 'Jo Example'") == [(["view"],)]
    assert len(sessions(book)) == 2


def test_whom_a_provider_names_like_somebody_else_gets_another_name(book: Book) -> None:
    for subject, name, expected in (
        ("sam 2", "Sam Sample", "Sam Sample 2"),
        ("kim", "Kim Example", "Kim Example"),
    ):
        assert book.ledger.people.upsert_person(
            ids.uuid7(), name, [Right.VIEW], subject=subject, other_name=f"{name} 2", now=NOW
        )
        assert book.look("select name from person where subject = %s", subject) == [(expected,)]


def test_a_session_that_had_ended_keeps_its_end_when_its_person_is_disabled(book: Book) -> None:
    assert book.ledger.people.end_session(SESSION, now=NOW)
    assert book.ledger.people.disable_person("Jo Example", now=NOW + MINUTE)
    assert sessions(book) == [("Jo Example", NOW), ("Sam Sample", None)]


def test_a_providers_answer_begins_one_session(book: Book) -> None:
    assert not book.ledger.people.begin_session(
        SUBJECT, SECOND, answer_sha256=SESSION, now=NOW, expires_at=NOW + HOUR
    )
    assert len(sessions(book)) == 2


def test_who_is_added_again_gets_these_rights_and_access(book: Book) -> None:
    people = book.ledger.people
    (before,) = people.people(name="Jo Example")
    assert people.disable_person("Jo Example", now=NOW)
    rights = {Right.VIEW, Right.BULK}
    add = {"subject": None, "now": NOW + HOUR}
    assert people.add_person(ids.uuid7(), "Jo Example", rights, **add) == before.id
    (after,) = people.people(name="Jo Example")
    assert (after.rights, after.subject, after.disabled_at) == (rights, SUBJECT, None)
    people.add_person(ids.uuid7(), "Jo Example", rights, subject="other", now=NOW + HOUR)
    assert [person.subject for person in people.people()] == ["other", "sam"]


def test_people_are_looked_up_by_name_and_by_subject(book: Book) -> None:
    people = book.ledger.people
    assert [person.name for person in people.people()] == ["Jo Example", "Sam Sample"]
    assert [person.name for person in people.people(name="Sam Sample")] == ["Sam Sample"]
    assert [person.name for person in people.people(subject=SUBJECT)] == ["Jo Example"]
    assert people.people(name="Sam Sample", subject=SUBJECT) == []
