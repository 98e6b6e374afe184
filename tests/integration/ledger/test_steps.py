"""What the statements do to a referral or delivery is what the tables of legal steps allow."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from broker.domain.codes import Stage
from broker.domain.delivery import (
    Receipt,
)
from broker.domain.ids import DeliveryId, LeaseId, ReferralId
from broker.domain.push import Attempt, Collected, Deferred, PushOutcome, Refused
from broker.domain.referral import NewReferral, NewVersion, Withdrawal
from broker.domain.states import (
    DELIVERY_STEPS,
    OPEN_DELIVERIES,
    REFERRAL_STEPS,
    DeliveryState,
    DeliveryStep,
    ReferralState,
    ReferralStep,
)
from broker.errors import Fault
from broker.ledger.operator_actions import ActionContext
from broker.policy.decision import Decision, Rejected, Unroutable, Verdict, Withdrawn
from tests.integration.ledger.conftest import (
    LEASE,
    NOW,
    POLICE,
    STOKE,
    Book,
    new_delivery,
    routed,
)

LEASED_AS = LeaseId(UUID(int=7))
LATER = NOW + timedelta(days=1)
FORCE = """
update delivery
set state = %(state)s, lease = %(lease)s, available_at = %(now)s,
    lease_until = case %(state)s when 'leased' then %(now)s::timestamptz end,
    decided_at = case %(state)s when 'decided' then %(now)s::timestamptz end,
    returned_at = case when %(state)s in ('returned', 'handed_over') then %(now)s::timestamptz end,
    hand_over_at = %(now)s,
    undeliverable_at = case %(state)s when 'undeliverable' then %(now)s::timestamptz end
where id = %(id)s
"""
DECIDE = """
insert into answer (delivery, stage, at, given_by, outcome)
values (%s, 'decided', %s, 'A. Person', 'advice')
"""
LOOK = """
select state, (select count(*) from event where delivery = %s) from delivery where id = %s
"""


def push(outcome: PushOutcome) -> Callable[[Book, DeliveryId], object]:
    def settle(book: Book, id_: DeliveryId) -> object:
        attempt = Attempt(id_, LEASED_AS, outcome)
        return book.ledger.deliveries.settle_pushes([attempt], now=NOW, actor="channel:queue")

    return settle


def recall(book: Book, id_: DeliveryId) -> object:
    ((referral,),) = book.look("select referral from delivery where id = %s", id_)
    withdrawal = Withdrawal(referral, POLICE, "unlawful", "A. Person", NOW, "key:test")
    return book.recall(withdrawal)


def hand_over(book: Book, id_: DeliveryId) -> object:
    """Hand over what is open, as it is done with a part that is not held."""
    with book.ledger.hand_overs.claim(9, now=NOW) as batch:
        (part,) = batch.parts
        is_open = part.state in OPEN_DELIVERIES - {DeliveryState.HELD}
        return is_open and batch.hand_over(part, id_, STOKE)


def answer(stage: Stage) -> Callable[[Book, DeliveryId], object]:
    return lambda book, id_: book.answer(STOKE, Receipt(id_, stage, "A. Person"))


ACTS: dict[DeliveryStep, Callable[[Book, DeliveryId], object]] = {
    DeliveryStep.RELEASE: lambda book, _: book.ledger.sweep.release_held(now=LATER, limit=10),
    DeliveryStep.LEASE: lambda book, _: book.collect(STOKE),
    DeliveryStep.LAPSE: lambda book, _: book.ledger.sweep.lapse(now=NOW + LEASE, limit=10),
    DeliveryStep.DEFER: push(Deferred(LATER, "busy")),
    DeliveryStep.REFUSE: push(Refused("gone")),
    DeliveryStep.COLLECT: answer(Stage.COLLECTED),
    DeliveryStep.ACKNOWLEDGE: answer(Stage.ACKNOWLEDGED),
    DeliveryStep.DECIDE: answer(Stage.DECIDED),
    DeliveryStep.RETURN: answer(Stage.RETURNED),
    DeliveryStep.RECALL: recall,
    DeliveryStep.HAND_OVER: hand_over,
}
LATE = {DeliveryStep.ACKNOWLEDGE, DeliveryStep.DECIDE, DeliveryStep.RETURN}
"""What a team says after it handed over is in the history, and changes no state."""
NEEDS_A_LEASE = {(DeliveryState.AVAILABLE, DeliveryStep.REFUSE)}
"""Legal by the table, and never done: who pushes has leased first."""


@pytest.mark.parametrize("state", DeliveryState)
@pytest.mark.parametrize("step", ACTS)
def test_a_step_is_taken_exactly_where_the_table_allows_it(
    book: Book, state: DeliveryState, step: DeliveryStep
) -> None:
    after = DELIVERY_STEPS[state].get(step)
    if (state, step) in NEEDS_A_LEASE:
        after = None
    is_late = state is DeliveryState.HANDED_OVER and step in LATE
    assert taken(book, state, ACTS[step]) == (after or state, 2 if after or is_late else 1)


@pytest.mark.parametrize("state", DeliveryState)
def test_what_a_channel_collected_counts_under_its_lease_alone(
    book: Book, state: DeliveryState
) -> None:
    is_leased = state is DeliveryState.LEASED
    expected = (DeliveryState.COLLECTED, 2) if is_leased else (state, 1)
    assert taken(book, state, push(Collected())) == expected


def taken(
    book: Book, state: DeliveryState, act: Callable[[Book, DeliveryId], object]
) -> tuple[str, int]:
    """Force a delivery into a state, act, and return its state and how many events it has."""
    referral = book.routed_to(STOKE)
    (delivery,) = (
        delivery.id for delivery in book.ledger.queries.referral(None, id=referral).deliveries
    )
    with psycopg.connect(book.dsn) as connection:
        forced = {"state": str(state), "lease": LEASED_AS, "now": NOW, "id": delivery}
        connection.execute(FORCE.encode(), forced)
        if state is DeliveryState.DECIDED:
            connection.execute(DECIDE.encode(), [delivery, NOW])
    act(book, delivery)
    ((after, events),) = book.look(LOOK, delivery, delivery)
    return after, events


FORCE_REFERRAL = """
update referral
set state = %(state)s, next_attempt_at = %(now)s,
    routed_at = case when %(state)s in ('routed', 'closed') then %(now)s::timestamptz end,
    closed_at = case %(state)s when 'closed' then %(now)s::timestamptz end,
    reason = case %(state)s when 'unroutable' then 'no_area' end,
    attend_by = case %(state)s when 'unroutable' then %(now)s::timestamptz end
where id = %(id)s
"""


def settle(decide: Callable[[ReferralId], Decision]) -> Callable[[Book, ReferralId], None]:
    """Return an action that settles a decision about a referral that is due."""

    def act(book: Book, id_: ReferralId) -> None:
        with book.ledger.routing.claim_unrouted(10, now=LATER) as batch:
            batch.settle([decide(id_)], now=LATER, actor="broker")

    return act


def unroutable(id_: ReferralId) -> Unroutable:
    return Unroutable(id_, Verdict("v1", "v1"), "no_area", LATER)


def rejected(id_: ReferralId) -> Rejected:
    return Rejected(id_, [Fault("/children", "required", "Give it.")])


def close(book: Book, id_: ReferralId) -> None:
    """Recall it in time, and submit another document under its reference."""
    settle(lambda referral: Withdrawn(referral, ()))(book, id_)
    ((reference,),) = book.look("select reference from referral where id = %s", id_)
    other = ReferralId(UUID(int=8))
    new = NewReferral(other, POLICE, reference, None, bytes([1] * 32), b"{}", LATER, "key:test")
    book.ledger.referrals.accept([new])


def judge_anew(book: Book, id_: ReferralId) -> None:
    """Retry its routing: ops does so when the directory was corrected."""
    action = ActionContext(UUID(int=9), "person:test", "The directory was corrected.", LATER)
    book.ledger.routing.retry_routing(id_, action)


def reopen(book: Book, id_: ReferralId) -> None:
    """Correct it."""
    new = NewVersion(id_, POLICE, None, bytes([2] * 32), b"{}", LATER, "key:test")
    book.ledger.corrections.correct(new)


REFERRAL_ACTS: dict[ReferralStep, Callable[[Book, ReferralId], None]] = {
    ReferralStep.ROUTE: settle(lambda id_: routed(id_, [new_delivery(STOKE)])),
    ReferralStep.REJECT: settle(rejected),
    ReferralStep.MARK_UNROUTABLE: settle(unroutable),
    ReferralStep.CLOSE: close,
    ReferralStep.JUDGE_ANEW: judge_anew,
    ReferralStep.REOPEN: reopen,
}


@pytest.mark.parametrize("state", ReferralState)
@pytest.mark.parametrize("step", ReferralStep)
def test_a_referral_takes_a_step_exactly_where_the_table_allows_it(
    book: Book, state: ReferralState, step: ReferralStep
) -> None:
    id_ = book.accept("OCC/2027/1")
    with psycopg.connect(book.dsn) as connection:
        forced = {"state": str(state), "now": NOW, "id": id_}
        connection.execute(FORCE_REFERRAL.encode(), forced)
    REFERRAL_ACTS[step](book, id_)
    after = REFERRAL_STEPS[state].get(step, state)
    assert book.look("select state from referral where id = %s", id_) == [(after,)]
