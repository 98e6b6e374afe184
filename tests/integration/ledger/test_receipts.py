"""Answers: each one counts once, follows the state table, and closes what has ended."""

import threading
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
import uuid_utils.compat as ids

from broker.domain.codes import Stage
from broker.domain.delivery import (
    Offer,
    Receipt,
)
from broker.domain.states import DeliveryState, ReferralState
from broker.ledger.receipts import close_referrals
from tests.integration.ledger.conftest import (
    LEASE,
    NOW,
    POLICE,
    SHROPSHIRE,
    STOKE,
    Book,
    by_ops,
    new_delivery,
    routed,
)

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def offer(book: Book) -> Offer:
    book.routed_to(SHROPSHIRE)
    (found,) = book.collect(SHROPSHIRE)
    return found


def said(offer: Offer, stage: str, *, lease: bool = False, **more) -> Receipt:
    assert offer.lease is not None
    held = offer.lease.id if lease else None
    return Receipt(offer.id, Stage(stage), "Duty worker", lease=held, **more)


def state(book: Book, offer: Offer) -> ReferralState:
    status = book.ledger.queries.referral(POLICE, id=offer.referral)
    assert status is not None
    return status.state


def test_the_whole_way_closes_the_referral(book: Book, offer: Offer) -> None:
    for stage in ("collected", "acknowledged"):
        (result,) = book.answer(SHROPSHIRE, said(offer, stage, lease=stage == "collected"))
        assert (result.result, str(result.state)) == ("recorded", stage)
        assert state(book, offer) is ReferralState.ROUTED
    book.answer(SHROPSHIRE, said(offer, "decided", outcome="assessment"))
    assert state(book, offer) is ReferralState.CLOSED
    assert book.kinds(offer.referral)[-4:] == [
        "delivery.collected",
        "delivery.acknowledged",
        "delivery.decided",
        "referral.closed",
    ]


def test_a_repeated_receipt_gives_the_first_time(book: Book, offer: Offer) -> None:
    receipt = said(offer, "acknowledged")
    assert book.answer(SHROPSHIRE, receipt)[0].at == NOW
    (again,) = book.answer(SHROPSHIRE, receipt, now=LATER)
    assert (again.result, again.at) == ("already", NOW)
    assert book.kinds(offer.referral).count("delivery.acknowledged") == 1


def decisions(book: Book, offer: Offer) -> list[tuple]:
    status = book.ledger.queries.referral(POLICE, id=offer.referral)
    assert status is not None
    (delivery,) = status.deliveries
    assert delivery.outcome == delivery.decisions[-1].outcome
    return [(made.outcome, made.by, made.at) for made in delivery.decisions]


def test_a_later_outcome_is_recorded_and_the_newest_stands(book: Book, offer: Offer) -> None:
    first = said(offer, "decided", outcome="advice")
    second = replace(first, outcome="strategy_discussion", by="Team manager")
    for receipt, now, expected in [
        (first, NOW, ("recorded", NOW, False)),
        (first, LATER, ("already", NOW, False)),
        (second, LATER, ("recorded", LATER, True)),
        (second, LATER + timedelta(1), ("already", LATER, False)),
        (first, LATER + timedelta(2), ("recorded", LATER + timedelta(2), True)),
    ]:
        (settled,) = book.answer(SHROPSHIRE, receipt, now=now)
        assert (settled.result, settled.at, settled.changed) == expected
    assert decisions(book, offer) == [
        ("advice", "Duty worker", NOW),
        ("strategy_discussion", "Team manager", LATER),
        ("advice", "Duty worker", LATER + timedelta(2)),
    ]
    assert book.look("select decided_at from delivery where id = %s", offer.id) == [(NOW,)]
    told = [
        event
        for event in book.ledger.queries.timeline(offer.referral)
        if event.kind == "delivery.decided"
    ]
    assert [event.data for event in told] == [
        {"outcome": "advice"},
        {"outcome": "strategy_discussion", "changed_from": "advice"},
        {"outcome": "advice", "changed_from": "strategy_discussion"},
    ]
    assert state(book, offer) is ReferralState.CLOSED
    assert book.kinds(offer.referral).count("referral.closed") == 1


def test_two_outcomes_of_one_call_are_both_kept(book: Book, offer: Offer) -> None:
    first = said(offer, "decided", outcome="advice")
    results = book.answer(SHROPSHIRE, first, replace(first, outcome="assessment"))
    assert [(settled.result, settled.changed) for settled in results] == [
        ("recorded", False),
        ("recorded", True),
    ]
    assert [made[0] for made in decisions(book, offer)] == ["advice", "assessment"]


def test_what_is_said_of_the_child_later_adds_to_the_decision(book: Book, offer: Offer) -> None:
    first = said(
        offer, "decided", outcome="assessment", views_considered="yes", child_told="not_yet"
    )
    later = replace(first, views_considered=None, child_told="yes")
    silent = replace(first, views_considered=None, child_told=None)
    results = [book.answer(SHROPSHIRE, receipt)[0] for receipt in (first, silent, later, silent)]
    assert [settled.result for settled in results] == ["recorded", "already", "recorded", "already"]
    status = book.ledger.queries.referral(POLICE, id=offer.referral)
    assert status is not None
    (delivery,) = status.deliveries
    assert [(made.views_considered, made.child_told) for made in delivery.decisions] == [
        ("yes", "not_yet"),
        ("yes", "yes"),
    ]
    assert (delivery.views_considered, delivery.child_told) == ("yes", "yes")


def test_who_owes_no_decision_is_done_when_acknowledged(book: Book) -> None:
    id_ = book.accept("SCHOOL/1")
    care, school = new_delivery(SHROPSHIRE), new_delivery(STOKE, decide_in=None)
    with book.ledger.routing.claim_unrouted(1, now=NOW) as batch:
        batch.settle([routed(id_, [care, school])], now=NOW, actor="broker")
    (of_care,), (of_school,) = book.collect(SHROPSHIRE), book.collect(STOKE)
    book.answer(SHROPSHIRE, said(of_care, "decided", outcome="assessment"))
    assert state(book, of_care) is ReferralState.ROUTED, "the school has not acknowledged"
    (settled,) = book.answer(STOKE, said(of_school, "acknowledged"))
    assert settled.state is DeliveryState.ACKNOWLEDGED
    assert state(book, of_care) is ReferralState.CLOSED
    (late,) = book.answer(STOKE, said(of_school, "decided", outcome="other"))
    assert late.result == "recorded"
    assert state(book, of_care) is ReferralState.CLOSED


def test_what_is_returned_after_the_close_reopens_the_referral(book: Book) -> None:
    id_ = book.routed_to(STOKE, decide_in=None)
    (offer,) = book.collect(STOKE)
    book.answer(STOKE, said(offer, "acknowledged"))
    assert state(book, offer) is ReferralState.CLOSED
    book.answer(STOKE, said(offer, "returned", reason="not_ours"))
    assert state(book, offer) is ReferralState.ROUTED
    assert book.kinds(id_)[-2:] == ["delivery.returned", "referral.reopened"]
    assert book.look("select closed_at from referral where id = %s", id_) == [(None,)]


def test_a_decision_implies_what_came_before_it(book: Book, offer: Offer) -> None:
    book.answer(SHROPSHIRE, said(offer, "decided", outcome="advice"), now=LATER)
    status = book.ledger.queries.referral(POLICE, id=offer.referral)
    assert status is not None
    assert set(status.deliveries[0].met.values()) == {LATER}
    assert len(status.deliveries[0].met) == 3
    assert book.answer(SHROPSHIRE, said(offer, "collected"))[0].result == "already"


def test_a_lease_that_somebody_else_has_now_is_lost(book: Book, offer: Offer) -> None:
    after = NOW + LEASE
    book.ledger.sweep.lapse(now=after, limit=10)
    (newer,) = book.collect(SHROPSHIRE, now=after)
    assert book.answer(SHROPSHIRE, said(offer, "collected", lease=True))[0].result == "lease_lost"
    assert book.answer(SHROPSHIRE, said(newer, "collected", lease=True))[0].result == "recorded"


def test_a_late_receipt_counts_while_nobody_else_has_the_delivery(book: Book, offer: Offer) -> None:
    book.ledger.sweep.lapse(now=NOW + LEASE, limit=10)
    assert book.answer(SHROPSHIRE, said(offer, "collected", lease=True))[0].result == "recorded"


def test_another_agencys_delivery_is_not_found(book: Book, offer: Offer) -> None:
    unknown = Receipt(ids.uuid7(), Stage.COLLECTED, "x")
    results = book.answer(STOKE, said(offer, "decided", outcome="other"), unknown)
    assert [result.result for result in results] == ["not_found", "not_found"]
    assert state(book, offer) is ReferralState.ROUTED


def test_a_held_delivery_is_not_found_by_its_own_agency_and_stays_held(
    book: Book, offer: Offer
) -> None:
    """That it is held is not for the agency to know."""
    book.do("update delivery set state = 'held', lease_until = null")
    for stage in Stage:
        (settled,) = book.answer(SHROPSHIRE, said(offer, stage, outcome="advice"))
        assert (settled.result, settled.state, settled.at) == ("not_found", None, None)
    assert book.look("select state, collected_at, decided_at from delivery") == [
        ("held", None, None)
    ]
    assert book.look("select from answer") == []


ALARMS = "select state, next_alarm_at from delivery where id = %s"


def test_what_is_decided_is_watched_no_longer_and_what_is_not_still_is(
    book: Book, offer: Offer
) -> None:
    book.do("update delivery set next_alarm_at = %s", LATER)
    for stage, alarm in (("collected", LATER), ("acknowledged", LATER), ("decided", None)):
        book.answer(SHROPSHIRE, said(offer, stage, outcome="advice"))
        assert book.look(ALARMS, offer.id) == [(stage, alarm)]


def test_several_receipts_for_one_delivery_in_one_call_are_taken_in_order(
    book: Book, offer: Offer
) -> None:
    results = book.answer(
        SHROPSHIRE,
        said(offer, "collected", lease=True),
        said(offer, "acknowledged"),
        said(offer, "decided", outcome="advice"),
        said(offer, "returned", reason="duplicate"),
    )
    assert [result.result for result in results] == ["recorded"] * 3 + ["conflict"]
    assert state(book, offer) is ReferralState.CLOSED


def test_what_is_returned_and_not_sent_on_keeps_the_referral_open(book: Book, offer: Offer) -> None:
    book.answer(SHROPSHIRE, said(offer, "returned", reason="not_ours"))
    assert state(book, offer) is ReferralState.ROUTED
    (waiting,) = book.ledger.queries.attention(limit=10)
    assert (waiting.kind, waiting.delivery, waiting.reason) == ("returned", offer.id, "not_ours")
    successor = new_delivery(STOKE)
    assert book.ledger.receipts.redirect(offer.id, lambda _: successor, by_ops(LATER))
    another = book.ledger.receipts.redirect(offer.id, lambda _: new_delivery(STOKE), by_ops(LATER))
    assert another is None
    assert not book.ledger.queries.attention(limit=10)
    (sent_on,) = book.collect(STOKE, now=LATER)
    book.answer(STOKE, said(sent_on, "decided", outcome="assessment"))
    assert state(book, offer) is ReferralState.CLOSED


UNDELIVERABLE = """
update delivery
set state = 'undeliverable', undeliverable_at = %s, refused_because = 'gone', next_attempt_at = null
where agency = %s
"""
WAITS_FOR_ROUTING = "update referral set next_attempt_at = %s where id = %s"


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (UNDELIVERABLE, (NOW, STOKE)),
        ("update delivery set state = 'held' where agency = %s", (STOKE,)),
        ("update delivery set state = 'acknowledged' where agency = %s", (STOKE,)),
        (
            "update delivery set state = 'returned', returned_at = %s where agency = %s",
            (NOW, STOKE),
        ),
    ],
)
def test_a_referral_stays_open_while_another_agency_owes_something(
    book: Book, statement: str, values: tuple
) -> None:
    id_ = book.routed_to(SHROPSHIRE, STOKE)
    book.do(statement, *values)
    (offer,) = book.collect(SHROPSHIRE)
    book.answer(SHROPSHIRE, said(offer, "decided", outcome="advice"))
    assert referral_row(book, id_) == ("routed", None)
    assert "referral.closed" not in book.kinds(id_)


def test_a_referral_stays_open_while_a_correction_waits_for_routing(
    book: Book, offer: Offer
) -> None:
    """What agencies have is decided: the version that is still to be sent is all that is left."""
    book.do("update delivery set state = 'decided', decided_at = %s, lease_until = null", NOW)
    for waits_since, row in ((NOW, ("routed", None)), (None, ("closed", LATER))):
        book.do(WAITS_FOR_ROUTING, waits_since, offer.referral)
        with book.ledger.transaction() as connection:
            close_referrals(connection, [offer.referral], now=LATER, actor="x")
        assert referral_row(book, offer.referral) == row


def test_a_referral_closes_once_every_agency_has_nothing_left_and_no_other_with_it(
    book: Book,
) -> None:
    id_, other = book.routed_to(SHROPSHIRE, STOKE), book.routed_to(SHROPSHIRE)
    book.do("update delivery set state = 'recalled' where agency = %s", STOKE)
    (offer,) = [offer for offer in book.collect(SHROPSHIRE) if offer.referral == id_]
    book.answer(SHROPSHIRE, said(offer, "decided", outcome="advice"), now=LATER)
    assert referral_row(book, id_) == ("closed", LATER)
    assert referral_row(book, other) == ("routed", None)


def referral_row(book: Book, id_: object) -> tuple:
    (row,) = book.look("select state, closed_at from referral where id = %s", id_)
    return row


def test_what_is_returned_is_sent_on_in_the_same_transaction(book: Book, offer: Offer) -> None:
    receipt = said(offer, "returned", reason="wrong_area", area="E06000021")
    successor = new_delivery(STOKE)
    with book.ledger.receipts.settle(SHROPSHIRE, [receipt], now=LATER, actor="key:agency") as batch:
        (returned,) = batch.returned
        assert (returned.reason, returned.area) == ("wrong_area", "E06000021")
        batch.redirect(returned.delivery.id, successor)
    status = book.ledger.queries.referral(POLICE, id=offer.referral)
    assert status is not None
    by_agency = {delivery.agency: delivery for delivery in status.deliveries}
    assert by_agency[SHROPSHIRE].state is DeliveryState.RETURNED
    assert by_agency[STOKE].replaces == offer.id
    assert book.kinds(offer.referral)[-3:] == [
        "delivery.returned",
        "delivery.sent_on",
        "delivery.available",
    ]


def test_nothing_is_recorded_when_the_work_after_it_fails(book: Book, offer: Offer) -> None:
    receipts = [said(offer, "decided", outcome="advice")]
    with (
        pytest.raises(ZeroDivisionError),
        book.ledger.receipts.settle(SHROPSHIRE, receipts, now=NOW, actor="a"),
    ):
        _ = 1 / 0
    assert book.kinds(offer.referral)[-1] == "delivery.leased"


def at_once(*work) -> None:
    threads = [threading.Thread(target=job) for job in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_two_outcomes_at_once_both_are_kept_and_one_stands(book: Book, offer: Offer) -> None:
    results: list[str] = []

    def decide(outcome: str) -> None:
        receipt = said(offer, "decided", outcome=outcome)
        results.append(book.answer(SHROPSHIRE, receipt)[0].result)

    at_once(lambda: decide("advice"), lambda: decide("assessment"))
    assert results == ["recorded", "recorded"]
    assert {made[0] for made in decisions(book, offer)} == {"advice", "assessment"}


@pytest.mark.parametrize("_", range(5))
def test_two_agencies_that_answer_at_once_close_the_referral_once(book: Book, _: int) -> None:
    id_ = book.routed_to(STOKE, SHROPSHIRE)
    (stoke,), (shropshire,) = book.collect(STOKE), book.collect(SHROPSHIRE)
    at_once(
        lambda: book.answer(STOKE, said(stoke, "decided", outcome="advice")),
        lambda: book.answer(SHROPSHIRE, said(shropshire, "decided", outcome="advice")),
    )
    assert book.kinds(id_).count("referral.closed") == 1


def test_history_cannot_be_changed(book: Book, offer: Offer) -> None:
    for statement in ("update event set kind = 'referral.x'", "delete from event"):
        with psycopg.connect(book.dsn) as connection, pytest.raises(psycopg.Error, match="append"):
            connection.execute(statement)


@pytest.mark.parametrize("end", ["decided", "returned"])
def test_the_answer_that_ended_it_is_shown_whatever_the_clocks_say(
    book: Book, offer: Offer, end: str
) -> None:
    code = {"outcome": "advice"} if end == "decided" else {"reason": "not_ours"}
    book.answer(SHROPSHIRE, said(offer, "acknowledged"), now=NOW + timedelta(seconds=10))
    book.answer(SHROPSHIRE, said(offer, end, **code), now=NOW)
    status = book.ledger.queries.referral(POLICE, id=offer.referral)
    assert status is not None
    (shown,) = status.deliveries
    assert (shown.outcome or shown.reason) == next(iter(code.values()))
