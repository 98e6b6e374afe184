"""The sweeper finds what nobody was woken for, and does it itself when it must."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from broker.flow import route
from broker.flow.context import Context
from broker.flow.sweep import LEAD_FOR, SHARE, Sweeper
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock


def test_a_lost_wake_up_is_made_good_at_the_second_look(world: World, context: Context) -> None:
    receipt = world.hand_in(sample(12))
    sweeper = Sweeper(context, "one")
    assert sweeper.sweep()
    assert world.status(receipt)["state"] == "accepted"
    assert sweeper.sweep()
    assert world.status(receipt)["state"] == "routed"


def test_only_the_leader_sweeps_until_its_lead_ends(
    world: World, context: Context, clock: FixedClock
) -> None:
    receipt = world.hand_in(sample(12))
    first, second = Sweeper(context, "one"), Sweeper(context, "two")
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
    world: World, context: Context, clock: FixedClock
) -> None:
    world.routed(sample(12))
    (first,) = world.collect("staffordshire-csc")
    assert world.collect("staffordshire-csc") == []
    clock.now += context.settings.lease
    Sweeper(context, "one").sweep()
    (again,) = world.collect("staffordshire-csc")
    assert again["delivery"] == first["delivery"]
    assert again["attempt"] == 2


def test_an_embargo_that_ended_releases_what_it_held(
    world: World, context: Context, clock: FixedClock
) -> None:
    world.at("2026-12-14 10:00")
    status = world.routed(sample(7))
    (school,) = [delivery for delivery in status["deliveries"] if delivery["state"] == "held"]
    assert world.collect(school["agency"]) == []
    clock.advance(days=3)
    Sweeper(context, "one").sweep()
    (offered,) = world.collect(school["agency"])
    assert offered["delivery"] == school["id"]
    assert offered["deadlines"] == school["deadlines"]


def test_a_worker_that_has_a_full_batch_calls_for_another(context: Context, world: World) -> None:
    assert route.drain(context) == 0
    world.hand_in(sample(12))
    assert route.drain(context) == 1
    assert route.drain(context) == 0


def test_the_sweeper_routes_what_nobody_was_woken_for_in_small_shares(
    context: Context, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full batch may take longer than a service may do nothing inside a transaction."""
    sizes = []
    claim = context.ledger.routing.claim_unrouted

    def counted(limit: int, **about: Any) -> Any:
        sizes.append(limit)
        return claim(limit, **about)

    monkeypatch.setattr(context.ledger.routing, "claim_unrouted", counted)
    for number in range(SHARE + 5):
        world.hand_in(sample(12) | {"reference": f"OCC/{number}"})
    sweeper = Sweeper(context, "one")
    sweeper.sweep()
    assert sizes == []  # seen for the first time: whoever was woken has a second
    sweeper.sweep()
    assert sizes == [SHARE, SHARE]
    assert not context.ledger.sweep.due(now=context.clock()).route


def test_the_sweeper_leaves_what_workers_are_at_to_them(context: Context, world: World) -> None:
    """In a busy minute something always waits; the sweeper would take the workers' processor."""
    sweeper = Sweeper(context, "one")
    for number in range(4):
        world.hand_in(sample(12) | {"reference": f"OCC/{number}"})
    sweeper.sweep()
    for left in (3, 2, 1):
        assert route.drain(context, batches=1, size=1) == 1
        sweeper.sweep()
        waiting = context.ledger.monitoring.pipeline_status(now=context.clock()).inbox
        assert waiting == left
    sweeper.sweep()  # nobody was at it for a second
    assert context.ledger.sweep.due(now=context.clock()).route is None


@pytest.mark.parametrize("careful", [False, True])
def test_the_policy_is_read_before_anything_is_claimed(
    context: Context, world: World, monkeypatch: pytest.MonkeyPatch, careful: bool
) -> None:
    """Reading one takes seconds, and what does nothing for two in a transaction is cut off."""
    open_claims, read = [], []
    latest = context.policies.latest

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
        routing = context.ledger.routing
        monkeypatch.setattr(routing, name, watched(getattr(routing, name)))
    world.hand_in(sample(12))
    monkeypatch.setattr(context.policies, "latest", noted)
    assert route.drain(context, careful=careful) == 1
    assert read
    assert set(read) == {0}
