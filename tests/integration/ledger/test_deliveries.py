"""Leases: one holder at a time, earliest deadline first, and what lapses is offered again."""

import threading
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
import uuid_utils.compat as ids

from broker.domain.channel import ChannelForm
from broker.domain.codes import Milestone
from broker.domain.delivery import Offer, Receipt
from broker.domain.push import Attempt, Collected, Deferred, PushOutcome, Refused, Sent
from broker.domain.states import DeliveryState
from tests.integration.ledger.conftest import LEASE, NOW, SHROPSHIRE, STOKE, Book, by_ops

AFTER = NOW + LEASE


def test_the_earliest_deadline_comes_first(book: Book) -> None:
    for hours in (9, 1, 5):
        book.routed_to(SHROPSHIRE, acknowledge_in=timedelta(hours=hours))
    due = [next(iter(offer.due.values())) for offer in book.collect(SHROPSHIRE)]
    assert due == sorted(due)
    assert len(due) == 3


def test_a_small_collect_takes_the_earliest_deadline_and_not_the_earliest_referral(
    book: Book,
) -> None:
    for hours in (9, 1, 5):
        book.routed_to(SHROPSHIRE, acknowledge_in=timedelta(hours=hours))
    taken = [book.collect(SHROPSHIRE, limit=1)[0].due[Milestone.ACKNOWLEDGE] for _ in range(3)]
    assert taken == [NOW + timedelta(hours=hours) for hours in (1, 5, 9)]


def test_a_delivery_that_another_call_holds_is_left_to_it_without_a_wait(book: Book) -> None:
    held, free = book.routed_to(SHROPSHIRE), book.routed_to(SHROPSHIRE)
    with psycopg.connect(book.dsn) as other:
        other.execute("select from delivery where referral = %s for no key update", [held])
        assert [offer.referral for offer in book.collect(SHROPSHIRE)] == [free]
    assert [offer.referral for offer in book.collect(SHROPSHIRE)] == [held]


def test_what_an_agency_collects_before_it_was_pushed_is_due_no_longer(book: Book) -> None:
    book.routed_to(SHROPSHIRE, channel="queue")
    due = "select state, next_attempt_at from delivery"
    assert book.look(due) == [("available", NOW)]
    book.collect(SHROPSHIRE)
    assert book.look(due) == [("leased", None)]


def test_nothing_leaves_by_any_way_while_ops_has_paused_an_agency(book: Book) -> None:
    book.routed_to(STOKE)
    book.routed_to(STOKE, channel="queue")
    book.routed_to(SHROPSHIRE, channel="queue")
    before = leases(book, STOKE)
    assert book.ledger.operator_actions.suspend_agency(STOKE, by_ops(NOW))
    assert book.collect(STOKE) == []
    assert [offer.agency for offer in push(book)] == [SHROPSHIRE]
    book.routed_to(SHROPSHIRE)
    assert len(book.collect(SHROPSHIRE)) == 1
    assert leases(book, STOKE) == before == [("available", None, 0), ("available", None, 0)]
    assert book.ledger.operator_actions.resume_agency(STOKE, by_ops(NOW))
    assert [offer.agency for offer in push(book)] == [STOKE]
    assert len(book.collect(STOKE)) == 1


def test_a_channel_takes_its_own_pushes_alone(book: Book) -> None:
    book.ledger.organisations.sync_channels([ChannelForm("pigeon", "By pigeon.", is_push=True)])
    book.routed_to(STOKE, channel="pigeon")
    book.routed_to(SHROPSHIRE, channel="queue")
    assert [offer.agency for offer in push(book)] == [SHROPSHIRE]
    assert leases(book, STOKE) == [("available", None, 0)]


@pytest.mark.parametrize("state", DeliveryState)
def test_only_what_is_available_is_pushed_though_other_states_are_due(
    book: Book, state: DeliveryState
) -> None:
    """What an embargo holds is due when it ends, and is pushed when the sweeper has released it."""
    book.routed_to(SHROPSHIRE, channel="queue")
    book.force(state, due=NOW)
    is_available = state is DeliveryState.AVAILABLE
    assert len(push(book)) == is_available
    ((*row, attempts),) = leases(book, SHROPSHIRE)
    assert row[0] == ("leased" if is_available else state)
    assert attempts == is_available
    due = book.look("select next_attempt_at from delivery")
    assert due == [(None if is_available else NOW,)]


RECALLED = "update referral set recalled_at = now(), recall_reason = 'x', recalled_by = 'x'"


@pytest.mark.parametrize("channel", ["mailbox", "queue"])
def test_of_a_recalled_referral_the_recall_alone_is_offered(book: Book, channel: str) -> None:
    book.routed_to(STOKE, SHROPSHIRE, channel=channel)
    book.do(
        "update delivery set kind = 'recall', follows = (select id from delivery where agency = %s)"
        " where agency = %s",
        SHROPSHIRE,
        STOKE,
    )
    book.do(RECALLED)
    if channel == "queue":
        push(book)
    else:
        book.collect(SHROPSHIRE)
        book.collect(STOKE)
    assert [state for state, *_ in leases(book, SHROPSHIRE)] == ["available"]
    assert [state for state, *_ in leases(book, STOKE)] == ["leased"]


def leases(book: Book, agency: str) -> list[tuple]:
    """Return what stands in the rows of an agency about leases."""
    return book.look("select state, lease, attempt from delivery where agency = %s", agency)


def test_a_lease_keeps_others_away_until_it_lapses(book: Book) -> None:
    id_ = book.routed_to(SHROPSHIRE)
    (first,) = book.collect(SHROPSHIRE)
    assert not book.collect(SHROPSHIRE)
    assert book.ledger.sweep.lapse(now=AFTER - timedelta(seconds=1), limit=10) == 0
    assert book.ledger.sweep.lapse(now=AFTER, limit=10) == 1
    (second,) = book.collect(SHROPSHIRE, now=AFTER)
    assert second.id == first.id
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.lease != second.lease
    assert book.kinds(id_)[-3:] == ["delivery.leased", "delivery.lapsed", "delivery.leased"]


def test_two_collectors_get_different_deliveries(book: Book) -> None:
    for _ in range(20):
        book.routed_to(SHROPSHIRE)
    found: list[set] = []

    def work() -> None:
        found.append({offer.id for offer in book.collect(SHROPSHIRE, limit=10)})

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found[0] | found[1]) == sum(map(len, found))
    found.append({offer.id for offer in book.collect(SHROPSHIRE)})
    assert len(set().union(*found)) == 20


def test_a_lease_is_extended_and_released_by_its_holder_alone(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    (offer,) = book.collect(SHROPSHIRE)
    assert offer.lease is not None
    mine, forged = (offer.id, offer.lease.id), (offer.id, ids.uuid7())
    later = NOW + timedelta(seconds=30)
    extended, refused = book.ledger.deliveries.extend(
        SHROPSHIRE, [mine, forged], lease_for=LEASE, now=later
    )
    assert extended is not None
    assert extended.until == later + LEASE
    assert book.ledger.deliveries.extend(STOKE, [mine], lease_for=LEASE, now=later) == [None]
    assert book.ledger.deliveries.release(SHROPSHIRE, [forged], now=later, actor="k") == [False]
    assert book.ledger.deliveries.release(SHROPSHIRE, [mine], now=later, actor="k") == [True]
    assert len(book.collect(SHROPSHIRE, now=later)) == 1
    assert refused is None or refused == extended


def push(book: Book, now=NOW):
    return book.ledger.deliveries.claim_pushes(
        "queue", limit=10, lease_for=LEASE, now=now, new_id=ids.uuid7
    )


def attempt(offer: Offer, outcome: PushOutcome) -> Attempt:
    assert offer.lease is not None
    return Attempt(offer.id, offer.lease.id, outcome)


def test_a_push_that_is_deferred_is_due_again_then_and_not_before(book: Book) -> None:
    id_ = book.routed_to(STOKE, channel="queue")
    assert book.ledger.sweep.due(now=NOW).pushes.keys() == {"queue"}
    (offer,) = push(book)
    assert book.ledger.sweep.due(now=NOW).pushes == {}
    again = NOW + timedelta(seconds=30)
    deferred = attempt(offer, Deferred(again, "queue_full"))
    assert book.ledger.deliveries.settle_pushes([deferred], now=NOW, actor="channel:queue") == 1
    assert not push(book)
    (offer,) = push(book, again)
    assert offer.attempt == 2
    assert "delivery.deferred" in book.kinds(id_)


def test_what_could_not_be_sent_is_counted_apart_from_what_was(book: Book) -> None:
    id_ = book.routed_to(STOKE, channel="queue")
    columns = "select sendings, deferrals, deferred_because from delivery where referral = %s"
    outcomes = [Deferred(NOW, "unavailable"), Deferred(NOW, "queue_full"), Sent(NOW)] * 2
    written = []
    for outcome in outcomes:
        book.ledger.sweep.lapse(now=NOW, limit=10)
        (offer,) = push(book)
        assert (offer.sendings, offer.deferrals) == (written[-1][:2] if written else (0, 0))
        book.ledger.deliveries.settle_pushes([attempt(offer, outcome)], now=NOW, actor="c")
        written += book.look(columns, id_)
        code = written[-1][2]
        assert book.ledger.monitoring.deferred() == ({("queue", code): 1} if code else {})
    assert written == [
        *((0, 1, "unavailable"), (0, 2, "queue_full"), (1, 0, None)),
        *((1, 1, "unavailable"), (1, 2, "queue_full"), (2, 0, None)),
    ]


def test_a_push_that_was_sent_stays_leased_until_it_is_sent_again(book: Book) -> None:
    book.routed_to(STOKE, channel="queue")
    (offer,) = push(book)
    until = NOW + timedelta(minutes=15)
    book.ledger.deliveries.settle_pushes([attempt(offer, Sent(until))], now=NOW, actor="c")
    assert book.ledger.sweep.lapse(now=AFTER, limit=10) == 0
    assert book.ledger.sweep.lapse(now=until, limit=10) == 1
    assert [offer.id for offer in push(book, until)] == [offer.id]


def test_a_push_whose_answer_says_collected_meets_the_milestone(book: Book) -> None:
    id_ = book.routed_to(STOKE, channel="queue")
    (offer,) = push(book)
    collected = attempt(offer, Collected())
    assert book.ledger.deliveries.settle_pushes([collected], now=NOW, actor="channel:queue") == 1
    assert book.ledger.deliveries.settle_pushes([collected], now=NOW, actor="channel:queue") == 0
    found = book.ledger.deliveries.delivery(STOKE, offer.id)
    assert found is not None
    assert found.state is DeliveryState.COLLECTED
    assert found.met[Milestone.COLLECT] == NOW
    assert book.kinds(id_)[-1] == "delivery.collected"
    assert book.ledger.sweep.lapse(now=AFTER, limit=10) == 0
    assert not push(book, AFTER)


def test_a_channel_that_becomes_known_is_pushed_without_a_migration(book: Book) -> None:
    form = ChannelForm("pigeon", "By pigeon.", is_push=True)
    book.ledger.organisations.sync_channels([form])
    book.routed_to(STOKE, channel="pigeon")
    assert book.ledger.sweep.due(now=NOW).pushes.keys() == {"pigeon"}
    book.ledger.organisations.sync_channels([replace(form, is_push=False)])
    book.routed_to(SHROPSHIRE, channel="pigeon")
    assert len(book.look("select from delivery where next_attempt_at is not null")) == 1


def test_what_cannot_be_delivered_waits_for_ops_and_closes_nothing(book: Book) -> None:
    id_ = book.routed_to(STOKE, channel="queue")
    (offer,) = push(book)
    refused = attempt(offer, Refused("render"))
    assert book.ledger.deliveries.settle_pushes([refused], now=NOW, actor="c") == 1
    (waiting,) = book.ledger.queries.attention(limit=10)
    assert (waiting.kind, waiting.referral) == ("undeliverable", id_)
    assert "referral.closed" not in book.kinds(id_)


def test_a_push_settled_with_a_lost_lease_changes_nothing(book: Book) -> None:
    book.routed_to(STOKE, channel="queue")
    (offer,) = push(book)
    book.answer(STOKE, Receipt(offer.id, "collected", "software"))
    sent = attempt(offer, Sent(AFTER))
    assert book.ledger.deliveries.settle_pushes([sent], now=NOW, actor="c") == 0
    found = book.ledger.deliveries.delivery(STOKE, offer.id)
    assert found is not None
    assert found.state is DeliveryState.COLLECTED


def test_one_of_another_agency_is_not_there(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    (offer,) = book.collect(SHROPSHIRE)
    assert book.ledger.deliveries.delivery(STOKE, offer.id) is None
    assert book.ledger.deliveries.delivery(SHROPSHIRE, offer.id) is not None
    assert book.ledger.queries.waiting([STOKE, SHROPSHIRE]) == set()


def test_the_depth_of_a_queue_counts_what_waits(book: Book) -> None:
    book.routed_to(SHROPSHIRE, acknowledge_in=timedelta(minutes=5))
    book.routed_to(SHROPSHIRE, acknowledge_in=timedelta(hours=5))
    (offer,) = book.collect(SHROPSHIRE, limit=1)
    depth = book.ledger.monitoring.open_work(now=NOW + timedelta(minutes=6))[SHROPSHIRE]
    assert (depth.available, depth.leased, depth.overdue) == (1, 1, 1)
    assert depth.next_due_at == next(iter(offer.due.values()))
    assert STOKE not in book.ledger.monitoring.open_work(now=NOW)
    assert book.ledger.queries.waiting([STOKE, SHROPSHIRE]) == {SHROPSHIRE}


def test_one_sweeper_leads_until_its_lease_ends(book: Book) -> None:
    hold = book.ledger.sweep.hold_lead
    assert hold("sweep", "a", for_=LEASE, now=NOW)
    assert not hold("sweep", "b", for_=LEASE, now=NOW)
    assert hold("sweep", "a", for_=LEASE, now=NOW)
    assert hold("sweep", "b", for_=LEASE, now=AFTER)
    assert not hold("sweep", "a", for_=LEASE, now=AFTER)
