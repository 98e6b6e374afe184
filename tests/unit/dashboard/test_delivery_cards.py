"""Which deliveries have a card on a referral's page, with few and with many."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from broker.dashboard.delivery_cards import A_PAGE, cards_of
from broker.domain.codes import Milestone, Role
from broker.domain.delivery import DeliveryStatus
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.domain.outstanding import Outstanding
from broker.domain.states import DeliveryState

NOW = datetime(2026, 12, 18, 2, 0, tzinfo=UTC)
LATE, DONE = 250, 3


def running(milestone: Milestone, due_at: datetime) -> Outstanding:
    return Outstanding({milestone: due_at}, frozenset())


def delivery(number: int, **changes: Any) -> DeliveryStatus:
    """Return an open delivery that is due in an hour, with changes."""
    usual: dict[str, Any] = {
        **{"id": DeliveryId(UUID(int=number)), "agency": OrganisationCode("stoke-csc")},
        **{"role": Role.LEAD, "row": "x", "view": "x", "state": DeliveryState.AVAILABLE},
        **{"attempt": 0, "available_at": NOW, "clock_start": NOW, "met": {}, "explanation": {}},
        "due": {Milestone.ACKNOWLEDGE: NOW + timedelta(hours=1)},
        "outstanding": running(Milestone.ACKNOWLEDGE, NOW + timedelta(hours=1)),
    }
    nothing = ("returned_at", "paused_at", "outcome", "reason", "note", "answered_by", "replaces")
    return DeliveryStatus(**{**usual, **dict.fromkeys(nothing), **changes})


def many(count: int) -> list[DeliveryStatus]:
    """Return deliveries of which the third is done, and one far on is late."""
    deliveries = [delivery(number) for number in range(1, count + 1)]
    for number, changes in (
        (DONE, {"state": DeliveryState.DECIDED}),
        (LATE, {"outstanding": running(Milestone.COLLECT, NOW - timedelta(minutes=1))}),
    ):
        if number <= count:
            deliveries[number - 1] = delivery(number, **changes)
    return deliveries


def numbers(count: int, number: int = 1, wanted: str = "") -> list[int]:
    return [
        place for place, _ in cards_of(many(count), now=NOW, number=number, wanted=wanted).shown
    ]


@pytest.mark.parametrize("count", [0, 1, A_PAGE])
def test_few_have_a_card_each_in_their_own_order(count: int) -> None:
    cards = cards_of(many(count), now=NOW, number=9, wanted="")
    assert [place for place, _ in cards.shown] == [*range(1, count + 1)]
    assert (cards.pages, cards.number, cards.total) == (1, 1, count)


def test_of_many_the_late_and_the_open_come_first_and_each_has_one_card() -> None:
    assert numbers(300)[:4] == [LATE, 1, 2, 4]
    every = [place for page in range(1, 26) for place in numbers(300, page)]
    assert sorted(every) == [*range(1, 301)]
    assert every[-1] == DONE
    assert numbers(300, 99) == numbers(300, 25)


def test_a_delivery_whose_clock_is_paused_is_not_late() -> None:
    """As everywhere else: its deadline stands in the past and does not run."""
    passed = {Milestone.DECIDE: NOW - timedelta(days=1)}
    paused = delivery(
        A_PAGE + 1,
        due=passed,
        paused_at=NOW - timedelta(days=2),
        outstanding=Outstanding({}, frozenset(passed)),
    )
    cards = cards_of([*many(A_PAGE), paused], now=NOW, number=1, wanted="")
    assert [place for place, _ in cards.shown][:3] == [1, 2, 4]


def test_a_link_leads_to_the_page_that_has_the_card() -> None:
    first = cards_of(many(300), now=NOW, number=1, wanted="")
    done = DeliveryId(UUID(int=DONE))
    assert first.href(DeliveryId(UUID(int=LATE))) == f"#d-{UUID(int=LATE)}"
    assert first.href(done) == f"?delivery={done}#d-{done}"
    led = cards_of(many(300), now=NOW, number=1, wanted=str(done))
    assert (led.number, led.href(done)) == (25, f"#d-{done}")
    assert numbers(300, wanted="no delivery") == numbers(300)
