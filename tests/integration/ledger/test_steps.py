"""What the statements do to a delivery is what the table of legal steps says, state by state."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from broker.domain.codes import Stage
from broker.domain.delivery import (
    Attempt,
    Receipt,
)
from broker.domain.ids import DeliveryId, LeaseId
from broker.domain.referral import Withdrawal
from broker.domain.states import DELIVERY_STEPS, DeliveryState, DeliveryStep
from tests.integration.ledger.conftest import LEASE, NOW, POLICE, STOKE, Book

LEASED_AS = LeaseId(UUID(int=7))
LATER = NOW + timedelta(days=1)
FORCE = """
update delivery
set state = %(state)s, lease = %(lease)s, available_at = %(now)s,
    lease_until = case %(state)s when 'leased' then %(now)s::timestamptz end,
    decided_at = case %(state)s when 'decided' then %(now)s::timestamptz end,
    returned_at = case %(state)s when 'returned' then %(now)s::timestamptz end,
    undeliverable_at = case %(state)s when 'undeliverable' then %(now)s::timestamptz end
where id = %(id)s
"""
LOOK = """
select state, (select count(*) from event where delivery = %s) from delivery where id = %s
"""


def push(result: str) -> Callable[[Book, DeliveryId], object]:
    def settle(book: Book, id_: DeliveryId) -> object:
        attempt = Attempt(id_, LEASED_AS, result, LATER)
        return book.ledger.deliveries.settle_pushes([attempt], now=NOW, actor="channel:queue")

    return settle


def recall(book: Book, id_: DeliveryId) -> object:
    ((referral,),) = book.look("select referral from delivery where id = %s", id_)
    asked = Withdrawal(referral, POLICE, "unlawful", "A. Person", NOW, "key:test")
    return book.ledger.corrections.recall(asked)


def answer(stage: Stage) -> Callable[[Book, DeliveryId], object]:
    return lambda book, id_: book.answer(STOKE, Receipt(id_, stage, "A. Person"))


ACTS: dict[DeliveryStep, Callable[[Book, DeliveryId], object]] = {
    DeliveryStep.RELEASE: lambda book, _: book.ledger.sweep.release_held(now=LATER, limit=10),
    DeliveryStep.LEASE: lambda book, _: book.collect(STOKE),
    DeliveryStep.LAPSE: lambda book, _: book.ledger.sweep.lapse(now=NOW + LEASE, limit=10),
    DeliveryStep.DEFER: push("deferred"),
    DeliveryStep.REFUSE: push("refused"),
    DeliveryStep.COLLECT: answer(Stage.COLLECTED),
    DeliveryStep.ACKNOWLEDGE: answer(Stage.ACKNOWLEDGED),
    DeliveryStep.DECIDE: answer(Stage.DECIDED),
    DeliveryStep.RETURN: answer(Stage.RETURNED),
    DeliveryStep.RECALL: recall,
}
NEEDS_A_LEASE = {(DeliveryState.AVAILABLE, DeliveryStep.REFUSE)}
"""Legal by the table, and never done: who pushes has leased first."""


@pytest.mark.parametrize("state", DeliveryState)
@pytest.mark.parametrize("step", ACTS)
def test_a_step_is_taken_exactly_where_the_table_allows_it(
    book: Book, state: DeliveryState, step: DeliveryStep
) -> None:
    referral = book.routed_to(STOKE)
    (delivery,) = (
        delivery.id for delivery in book.ledger.queries.referral(None, id=referral).deliveries
    )
    with psycopg.connect(book.dsn) as connection:
        forced = {"state": str(state), "lease": LEASED_AS, "now": NOW, "id": delivery}
        connection.execute(FORCE.encode(), forced)
    ACTS[step](book, delivery)
    after = DELIVERY_STEPS[state].get(step)
    if after is None or (state, step) in NEEDS_A_LEASE:
        assert book.look(LOOK, delivery, delivery) == [(state, 1)]
    else:
        assert book.look(LOOK, delivery, delivery) == [(after, 2)]
