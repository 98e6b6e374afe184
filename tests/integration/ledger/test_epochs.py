"""Numbers of events and epochs: no feed skips anything, and a restore is told."""

from datetime import timedelta

import psycopg
import pytest

from broker.bootstrap import new_uuid7
from broker.devstack.engines import Engines
from broker.domain.codes import EpochReason, RecallReason
from broker.domain.epoch import Epoch
from broker.domain.ids import ReferralId
from broker.domain.referral import Withdrawal
from broker.errors import CursorGone
from broker.ledger.ledger import Ledger
from tests.conftest import eventually
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, STOKE, Book

LATER = NOW + timedelta(hours=1)
_EVENT = "insert into event (at, kind, publisher, referral, actor) values (%s, %s, %s, %s, 'test')"
_GAPS = "select not isempty(gaps) from feed_position"


def kinds_after(book: Book, cursor: str) -> tuple[list[str], str]:
    events, cursor = book.ledger.queries.feed(POLICE, after=cursor, limit=100)
    return [event.kind for event in events], cursor


def test_a_slow_writer_delays_its_own_events_alone(book: Book) -> None:
    early = book.routed_to(SHROPSHIRE)
    with psycopg.connect(book.dsn) as slow:
        slow.execute(_EVENT.encode(), (NOW, "referral.slow", POLICE, early))
        book.routed_to(SHROPSHIRE)
        before, cursor = kinds_after(book, "")
        assert before.count("referral.routed") == 2
        for _ in range(3):  # its place is kept for it, however often numbers are given
            book.do("update feed_position set suspected_at = suspected_at - interval '1 minute'")
            assert kinds_after(book, cursor) == ([], cursor)
        slow.commit()
    assert kinds_after(book, cursor)[0] == ["referral.slow"]


def test_a_writer_in_another_database_delays_nothing(book: Book, engines: Engines) -> None:
    with psycopg.connect(engines.database_url) as other:
        other.execute("create table left_open (n int)")
        book.routed_to(SHROPSHIRE)
        assert kinds_after(book, "")[0] == [
            "referral.accepted",
            "referral.routed",
            "delivery.available",
        ]
        other.rollback()


def test_the_place_of_an_event_that_was_rolled_back_is_given_up(book: Book) -> None:
    early = book.routed_to(SHROPSHIRE)
    with psycopg.connect(book.dsn) as writer:
        writer.execute(_EVENT.encode(), (NOW, "referral.undone", POLICE, early))
        writer.rollback()
    book.routed_to(SHROPSHIRE)
    _, cursor = kinds_after(book, "")
    assert book.look(_GAPS) == [(True,)]

    def is_given_up() -> bool:
        book.ledger.queries.number_events()
        return book.look(_GAPS) == [(False,)]

    eventually(is_given_up)
    assert kinds_after(book, cursor) == ([], cursor)


def test_a_process_that_stands_still_while_it_numbers_holds_up_nobody(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    _, cursor = kinds_after(book, "")
    with psycopg.connect(book.dsn) as frozen:
        frozen.execute("select from feed_position for update")
        book.routed_to(SHROPSHIRE)
        assert kinds_after(book, cursor) == ([], cursor)
    assert "referral.routed" in kinds_after(book, cursor)[0]


def gone(book: Book, cursor: str) -> CursorGone:
    with pytest.raises(CursorGone) as caught:
        book.ledger.queries.feed(POLICE, after=cursor, limit=100)
    return caught.value


def test_a_cursor_of_before_a_restore_says_where_to_read_on(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    _, cursor = kinds_after(book, "")
    begun = book.ledger.epochs.begin(by="ops", now=LATER)
    assert book.ledger.epochs.begin(by="again", now=LATER) == begun
    assert begun.reason is EpochReason.RESTORED
    error = gone(book, cursor)
    assert (error.reason, error.since) == ("restored", NOW - timedelta(minutes=1))
    assert error.read_on == f"{begun.id}-3"
    book.routed_to(SHROPSHIRE)
    assert len(kinds_after(book, error.read_on)[0]) == 3
    # One of what is lost reads on from where both histories part.
    assert gone(book, f"{cursor.partition('-')[0]}-900").read_on == f"{begun.id}-3"
    unknown = gone(book, "e000000000-2")
    assert (unknown.reason, unknown.read_on) == ("restored", f"{begun.id}-0")


def test_a_cursor_beyond_the_end_is_told_and_not_answered_with_nothing(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    _, cursor = kinds_after(book, "")
    epoch = cursor.partition("-")[0]
    error = gone(book, f"{epoch}-4")
    assert (error.reason, error.read_on) == ("beyond-end", cursor)


def test_a_cursor_of_the_old_form_reads_on_without_a_gap(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    book.routed_to(SHROPSHIRE)
    epoch = kinds_after(book, "")[1].partition("-")[0]
    ((old,),) = book.look("select transaction::text || '-' || id from event where id = 2")
    error = gone(book, old)
    assert (error.reason, error.since, error.read_on) == ("old-form", None, f"{epoch}-2")
    assert gone(book, "9999999-2").read_on == f"{epoch}-0"
    assert kinds_after(book, "0-0")[0] == kinds_after(book, "")[0]


def promoted(book: Book) -> Epoch:
    book.do("update epoch set timeline = '00000000'")
    begun = book.ledger.epochs.notice(now=LATER)
    assert begun is not None
    return begun


def test_a_promotion_keeps_every_cursor_that_it_can(book: Book) -> None:
    book.ledger.epochs.notice()
    book.routed_to(SHROPSHIRE)
    _, cursor = kinds_after(book, "")
    begun = promoted(book)
    assert begun.reason is EpochReason.PROMOTED
    assert not begun.in_quarantine
    assert kinds_after(book, cursor) == ([], f"{begun.id}-3")
    lost = gone(book, f"{cursor.partition('-')[0]}-4")
    assert (lost.reason, lost.read_on) == ("beyond-end", f"{begun.id}-3")
    assert lost.since == NOW - timedelta(minutes=1)


def test_a_dump_or_a_copy_is_noticed_and_a_known_move_is_not(
    book: Book, fresh: str, engines: Engines
) -> None:
    assert book.ledger.epochs.notice() is None
    assert book.ledger.epochs.notice() is None
    copy = f"{fresh.partition('?')[0].rpartition('/')[2]}_copy"
    book.ledger.close()
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(f"create database {copy} template {copy.removesuffix('_copy')}".encode())
        url = engines.database_url.replace("/postgres?", f"/{copy}?")
        with Ledger.open(url, application_name="tests") as ledger:
            begun = ledger.epochs.notice()
            assert begun is not None
            assert (begun.reason, begun.in_quarantine) == (EpochReason.COPIED, True)
            assert ledger.epochs.notice() is None
        with psycopg.connect(url) as moved:
            moved.execute("update epoch set system_identifier = 1")
        with Ledger.open(url, application_name="tests") as ledger:
            ledger.epochs.record_server()
            assert ledger.epochs.notice() is None
        connection.execute(f"drop database {copy} with (force)".encode())


def test_an_end_that_moved_backwards_is_noticed_by_who_knew_it(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    _, cursor = kinds_after(book, "")
    epoch, number = cursor.split("-")
    assert book.ledger.epochs.notice(known=(epoch, int(number))) is None
    begun = book.ledger.epochs.notice(known=(epoch, int(number) + 1))
    assert begun is not None
    assert begun.reason is EpochReason.REWOUND


def test_in_quarantine_only_what_is_newer_is_offered_and_what_was_recalled(book: Book) -> None:
    old = book.routed_to(SHROPSHIRE, STOKE)
    book.collect(STOKE)
    book.ledger.epochs.begin(by="ops", now=LATER)
    assert book.ledger.epochs.kept_back() == {SHROPSHIRE: 1}
    assert book.collect(SHROPSHIRE, now=LATER) == []
    assert book.ledger.queries.waiting([SHROPSHIRE]) == set()
    new = book.accept("after the restore", now=LATER)
    book.route(SHROPSHIRE, now=LATER)
    assert book.ledger.queries.waiting([SHROPSHIRE]) == {SHROPSHIRE}
    assert [offer.referral for offer in book.collect(SHROPSHIRE, now=LATER)] == [new]
    assert book.ledger.epochs.confirm(by="ops", now=LATER)
    assert not book.ledger.epochs.confirm(by="ops", now=LATER)
    assert [offer.referral for offer in book.collect(SHROPSHIRE, now=LATER)] == [old]
    assert book.ledger.epochs.kept_back() == {}


def test_in_quarantine_nothing_older_is_pushed(book: Book) -> None:
    def pushed() -> list[ReferralId]:
        offers = book.ledger.deliveries.claim_pushes(
            "queue", limit=5, lease_for=timedelta(minutes=1), now=LATER, new_id=new_uuid7
        )
        return [offer.referral for offer in offers]

    old = book.routed_to(STOKE, channel="queue")
    book.ledger.epochs.begin(by="ops", now=LATER)
    assert book.ledger.sweep.due(now=LATER).pushes == {}
    assert pushed() == []
    new = book.accept("after the restore", now=LATER)
    book.route(STOKE, now=LATER, channel="queue", available_at=LATER)
    assert list(book.ledger.sweep.due(now=LATER).pushes) == ["queue"]
    assert pushed() == [new]
    book.ledger.epochs.confirm(by="ops", now=LATER)
    assert list(book.ledger.sweep.due(now=LATER).pushes) == ["queue"]
    assert pushed() == [old]


def test_a_recall_goes_out_in_quarantine(book: Book) -> None:
    old = book.routed_to(SHROPSHIRE)
    book.collect(SHROPSHIRE)
    book.ledger.epochs.begin(by="ops", now=LATER)
    reason = str(RecallReason.WRONG_PERSON)
    book.recall(Withdrawal(old, POLICE, reason, "A. Person", LATER, "key:police"))
    book.do(
        "update delivery set kind = 'recall', follows = id, state = 'available', lease_until = null"
    )
    assert [offer.referral for offer in book.collect(SHROPSHIRE, now=LATER)] == [old]
