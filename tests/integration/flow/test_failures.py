"""A fault of ours parks what it touches, with a reason and a deadline, and stops nobody else."""

from typing import Any

import psycopg
import pytest

from broker.errors import Unavailable
from broker.flow import collect, dispatch, route
from broker.flow.context import Context
from broker.policy.decision import (
    Decision,
    Unrouted,
)
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock


def poison(dsn: str, statement: str) -> None:
    """Change what no code of ours would ever change."""
    with psycopg.connect(dsn) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement.encode())


def test_a_referral_that_cannot_be_routed_is_tried_again_and_then_left_to_ops(
    world: World, context: Context, clock: FixedClock, dsn: str
) -> None:
    bad = world.hand_in(sample(12))
    poison(dsn, "update referral_content set body = 'nonsense'")
    good = world.hand_in(sample(6))
    world.drain()
    assert world.status(good)["state"] == "routed"
    assert world.status(bad)["state"] == "accepted"
    for _ in range(route.ATTEMPTS):
        clock.advance(hours=1)
        route.drain(context)
    status = world.status(bad)
    assert (status["state"], status["reason"]) == ("unroutable", "fault")
    assert status["attend_by"]
    (waiting,) = context.ledger.queries.attention(limit=10)
    assert str(waiting.referral) == bad["id"]


class Killed(BaseException):
    """Stands for the end of a process: nothing of ours catches it, and nothing is committed."""


def deadly(monkeypatch: pytest.MonkeyPatch, *references: str) -> list[int]:
    """Have these referrals end whoever decides about them; return how often each try was begun."""
    decide, tried = route.decide, []

    def decided(referral: Unrouted, **about: Any) -> Decision:
        if referral.reference in references:
            tried.append(referral.begun)
            raise Killed
        return decide(referral, **about)

    monkeypatch.setattr(route, "decide", decided)
    return tried


def test_a_referral_that_ends_each_process_that_routes_it_is_left_to_ops_and_others_are_routed(
    world: World, context: Context, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = world.hand_in(sample(12) | {"reference": "OCC/DEADLY"})
    good = [world.hand_in(sample(12) | {"reference": f"OCC/{n}"}) for n in range(5)]
    tried = deadly(monkeypatch, "OCC/DEADLY")
    with pytest.raises(Killed):  # a worker, which suspects nothing
        route.drain(context)
    for _ in range(route.CRASHES):  # a sweeper that finds it waiting, and then whoever comes
        with pytest.raises(Killed):
            route.drain(context, careful=True)
        clock.now += route.TRY_WITHIN
    route.drain(context)
    assert tried == [0, 1, 2, 3]
    assert {world.status(status)["state"] for status in good} == {"routed"}
    status = world.status(bad)
    assert (status["state"], status["reason"]) == ("unroutable", "fault")
    assert status["attend_by"]


def test_a_death_that_a_referral_only_stood_beside_costs_it_ten_seconds(
    world: World, context: Context, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = world.hand_in(sample(12) | {"reference": "OCC/BESIDE"})
    world.hand_in(sample(12) | {"reference": "OCC/DEADLY"})
    deadly(monkeypatch, "OCC/DEADLY")
    with pytest.raises(Killed):
        route.drain(context, careful=True)
    assert route.drain(context) == 0, "both are kept from others for as long as a try may take"
    clock.now += route.TRY_WITHIN
    with pytest.raises(Killed):
        route.drain(context)
    assert world.status(beside)["state"] == "routed"


def test_what_nobody_routed_for_a_minute_is_tried_with_care(
    world: World, context: Context, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hand_in(sample(12) | {"reference": "OCC/DEADLY"})
    tried = deadly(monkeypatch, "OCC/DEADLY")
    clock.advance(minutes=2)
    for _ in range(route.CRASHES):
        with pytest.raises(Killed):
            route.drain(context)
        clock.now += route.TRY_WITHIN
    assert route.drain(context) == 1
    assert tried == [1, 2, 3]


def test_a_ledger_that_refuses_again_and_again_is_no_fault_of_the_referral(
    world: World, context: Context, dsn: str
) -> None:
    """Whoever tried it lives: it is not counted, and nobody waits for it."""
    status = world.hand_in(sample(12))
    full = (
        "create function full_disk() returns trigger language plpgsql as $$ begin"
        " raise exception 'full' using errcode = '53100'; end $$;"
        " create trigger full_disk before insert on delivery execute function full_disk()"
    )
    with psycopg.connect(dsn) as connection:
        connection.execute(full.encode())
    for _ in range(2 * route.CRASHES):
        with pytest.raises(Unavailable):
            route.drain(context, careful=True)
    with psycopg.connect(dsn) as connection:
        connection.execute("drop trigger full_disk on delivery")
    assert route.drain(context) == 1
    assert world.status(status)["state"] == "routed"


def test_one_that_was_frozen_in_a_try_leaves_it_to_who_has_it_now(
    world: World, context: Context, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = world.hand_in(sample(12))
    claim = context.ledger.routing.claim_begun

    def thawed(ids: Any, *, until: Any) -> Any:
        monkeypatch.setattr(context.ledger.routing, "claim_begun", claim)
        clock.now += route.TRY_WITHIN
        assert route.drain(context) == 1  # another one's turn
        return claim(ids, until=until)

    monkeypatch.setattr(context.ledger.routing, "claim_begun", thawed)
    assert route.drain(context, careful=True) == 0
    assert len(world.status(status)["deliveries"]) == 1


def test_a_delivery_that_cannot_be_rendered_goes_to_ops_and_the_others_go_on(
    world: World, context: Context, dsn: str
) -> None:
    world.routed(sample(12))
    good = world.routed(sample(11))
    poison(dsn, "update delivery set view = 'nonsense' where referral <> '" + good["id"] + "'")
    offered = world.collect("staffordshire-csc")
    assert [delivery["referral"] for delivery in offered] == [good["id"]]
    (waiting,) = context.ledger.queries.attention(limit=10)
    assert (waiting.kind, waiting.agency) == ("undeliverable", "staffordshire-csc")


def test_a_decision_that_cannot_be_written_holds_up_no_other(
    world: World, context: Context, clock: FixedClock, dsn: str
) -> None:
    bad, good = world.hand_in(sample(6)), world.hand_in(sample(15))
    poison(
        dsn,
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'no'; end $$;"
        " create trigger refuse before insert on delivery for each row"
        f" when (new.referral = '{bad['id']}') execute function refuse()",
    )
    route.drain(context)
    assert world.status(good)["state"] == "routed"
    assert world.status(bad)["state"] == "accepted"
    for _ in range(route.ATTEMPTS):
        clock.advance(hours=1)
        route.drain(context)
    assert world.status(bad)["reason"] == "fault"


def test_an_exchange_that_is_away_defers_and_loses_nothing(
    world: World, context: Context, clock: FixedClock, engines
) -> None:
    status = world.hand_in(sample(15))
    engines.exchange.kill()
    try:
        world.drain()
        (leg,) = world.status(status)["deliveries"]
        assert leg["state"] == "available"
    finally:
        engines.exchange.start()
    clock.advance(minutes=1)
    assert dispatch.drain(context) == 1
    (leg,) = world.status(status)["deliveries"]
    assert leg["state"] == "leased"


def test_an_offer_is_never_rendered_for_another_agency(world: World, context: Context) -> None:
    world.routed(sample(12))
    assert collect.collect(context, "shropshire-csc", limit=10) == []  # type: ignore[arg-type]


def test_a_version_that_cannot_be_routed_is_left_to_ops_and_what_agencies_have_stays(
    world: World, context: Context, clock: FixedClock, dsn: str
) -> None:
    document = sample(12)
    status = world.routed(document)
    (offered,) = world.collect("staffordshire-csc")
    path = f"/v1/referrals/{status['id']}/corrections"
    other = document | {"action_taken": []}
    assert world.client.post(path, json=other, headers=world.police).status_code == 202
    poison(dsn, "update referral_content set body = 'nonsense' where version = 2")
    decided = {"stage": "decided", "by": "A. Worker", "outcome": "assessment"}
    world.answer("staffordshire-csc", delivery=offered["delivery"], **decided)
    assert world.status(status)["state"] == "routed", "there is a version still to be sent"
    for _ in range(route.ATTEMPTS):
        route.drain(context)
        clock.advance(hours=1)
    assert (world.status(status)["state"], world.status(status)["reason"]) == (
        *("unroutable", "fault"),
    )
    (waiting,) = context.ledger.queries.attention(limit=10)
    assert str(waiting.referral) == status["id"]
    concern = document["concern"] | {"summary": "A child of six lives with the suspect."}
    changed = document | {"concern": concern}
    assert world.client.post(path, json=changed, headers=world.police).status_code == 202
    route.drain(context)
    kinds = [
        (delivery["kind"], delivery["version"]) for delivery in world.status(status)["deliveries"]
    ]
    assert ("correction", 3) in kinds
