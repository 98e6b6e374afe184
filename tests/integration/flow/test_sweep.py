"""The sweeper finds what nobody was woken for, and does it itself when it must."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from broker.flow import route
from broker.flow.context import Broker
from broker.flow.sweep import LEAD_FOR, SHARE, Sweeper
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock


def test_a_lost_wake_up_is_made_good_at_the_second_look(world: World, broker: Broker) -> None:
    receipt = world.hand_in(sample(12))
    sweeper = Sweeper(broker, "one")
    assert sweeper.sweep()
    assert world.status(receipt)["state"] == "accepted"
    assert sweeper.sweep()
    assert world.status(receipt)["state"] == "routed"


def test_only_the_leader_sweeps_until_its_lead_ends(
    world: World, broker: Broker, clock: FixedClock
) -> None:
    receipt = world.hand_in(sample(12))
    first, second = Sweeper(broker, "one"), Sweeper(broker, "two")
    assert first.sweep()
    assert not second.sweep()
    assert not second.sweep()
    assert world.status(receipt)["state"] == "accepted"
    clock.now += LEAD_FOR
    assert second.sweep()
    assert second.sweep()
    assert world.status(receipt)["state"] == "routed"
    assert not first.sweep()


def test_a_lease_that_ran_out_is_offered_again(
    world: World, broker: Broker, clock: FixedClock
) -> None:
    world.routed(sample(12))
    (first,) = world.collect("staffordshire-csc")
    assert world.collect("staffordshire-csc") == []
    clock.now += broker.settings.lease
    Sweeper(broker, "one").sweep()
    (again,) = world.collect("staffordshire-csc")
    assert again["delivery"] == first["delivery"]
    assert again["attempt"] == 2


def test_an_embargo_that_ended_releases_what_it_held(
    world: World, broker: Broker, clock: FixedClock
) -> None:
    world.at("2026-12-14 10:00")
    status = world.routed(sample(7))
    (school,) = [one for one in status["deliveries"] if one["state"] == "held"]
    assert world.collect(school["agency"]) == []
    clock.advance(days=3)
    Sweeper(broker, "one").sweep()
    (offered,) = world.collect(school["agency"])
    assert offered["delivery"] == school["id"]
    assert offered["deadlines"] == school["deadlines"]


def test_a_worker_that_has_a_full_batch_calls_for_another(broker: Broker, world: World) -> None:
    assert route.drain(broker) == 0
    world.hand_in(sample(12))
    assert route.drain(broker) == 1
    assert route.drain(broker) == 0


def test_the_sweeper_routes_what_nobody_was_woken_for_in_small_shares(
    broker: Broker, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full batch may take longer than a service may stand still inside a transaction."""
    sizes = []
    claim = broker.ledger.routing.claim_unrouted

    def counted(limit: int, **about: Any) -> Any:
        sizes.append(limit)
        return claim(limit, **about)

    monkeypatch.setattr(broker.ledger, "claim_unrouted", counted)
    for number in range(SHARE + 5):
        world.hand_in(sample(12) | {"reference": f"OCC/{number}"})
    sweeper = Sweeper(broker, "one")
    sweeper.sweep()
    assert sizes == []  # seen for the first time: whoever was woken has a second
    sweeper.sweep()
    assert sizes == [SHARE, SHARE]
    assert not broker.ledger.sweep.due(now=broker.clock()).route


def test_the_sweeper_leaves_what_workers_are_at_to_them(broker: Broker, world: World) -> None:
    """In a busy minute something always waits; the sweeper would take the workers' processor."""
    sweeper = Sweeper(broker, "one")
    for number in range(4):
        world.hand_in(sample(12) | {"reference": f"OCC/{number}"})
    sweeper.sweep()
    for left in (3, 2, 1):
        assert route.drain(broker, batches=1, size=1) == 1
        sweeper.sweep()
        waiting = broker.ledger.monitoring.pipes(now=broker.clock()).inbox
        assert waiting == left
    sweeper.sweep()  # nobody was at it for a second
    assert broker.ledger.sweep.due(now=broker.clock()).route is None


@pytest.mark.parametrize("careful", [False, True])
def test_the_policy_is_read_before_anything_is_claimed(
    broker: Broker, world: World, monkeypatch: pytest.MonkeyPatch, careful: bool
) -> None:
    """Reading one takes seconds, and what stands still for two in a transaction is cut off."""
    open_claims, read = [], []
    latest = broker.books.latest

    def noted() -> Any:
        read.append(len(open_claims))
        return latest()

    def watched(claim: Any) -> Any:
        @contextmanager
        def claimed(*arguments: Any, **about: Any) -> Iterator[Any]:
            with claim(*arguments, **about) as batch:
                open_claims.append(batch)
                yield batch
            open_claims.clear()

        return claimed

    for name in ("claim_unrouted", "claim_begun"):
        monkeypatch.setattr(broker.ledger, name, watched(getattr(broker.ledger, name)))
    world.hand_in(sample(12))
    monkeypatch.setattr(broker.books, "latest", noted)
    assert route.drain(broker, careful=careful) == 1
    assert read
    assert set(read) == {0}
