"""A fault of ours parks what it touches, with a reason and a deadline, and stops nobody else."""

import psycopg

from broker.flow import collect, dispatch, route
from broker.flow.parts import Broker
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock


def poison(dsn: str, statement: str) -> None:
    """Change what no code of ours would ever change."""
    with psycopg.connect(dsn) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement.encode())


def test_a_referral_that_cannot_be_routed_is_tried_again_and_then_left_to_ops(
    world: World, broker: Broker, clock: FixedClock, dsn: str
) -> None:
    bad = world.hand_in(sample(12))
    poison(dsn, "update referral_content set body = 'nonsense'")
    good = world.hand_in(sample(6))
    world.drain()
    assert world.status(good)["state"] == "routed"
    assert world.status(bad)["state"] == "accepted"
    for _ in range(route.ATTEMPTS):
        clock.advance(hours=1)
        route.drain(broker)
    status = world.status(bad)
    assert (status["state"], status["reason"]) == ("unroutable", "fault")
    assert status["attend_by"]
    (waiting,) = broker.ledger.attention(limit=10)
    assert str(waiting.referral) == bad["id"]


def test_a_delivery_that_cannot_be_rendered_goes_to_ops_and_the_others_go_on(
    world: World, broker: Broker, dsn: str
) -> None:
    world.routed(sample(12))
    good = world.routed(sample(11))
    poison(dsn, "update delivery set view = 'nonsense' where referral <> '" + good["id"] + "'")
    offered = world.collect("staffordshire-csc")
    assert [one["referral"] for one in offered] == [good["id"]]
    (waiting,) = broker.ledger.attention(limit=10)
    assert (waiting.kind, waiting.agency) == ("undeliverable", "staffordshire-csc")


def test_a_decision_that_cannot_be_written_holds_up_no_other(
    world: World, broker: Broker, clock: FixedClock, dsn: str
) -> None:
    bad, good = world.hand_in(sample(6)), world.hand_in(sample(15))
    poison(
        dsn,
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'no'; end $$;"
        " create trigger refuse before insert on delivery for each row"
        f" when (new.referral = '{bad['id']}') execute function refuse()",
    )
    route.drain(broker)
    assert world.status(good)["state"] == "routed"
    assert world.status(bad)["state"] == "accepted"
    for _ in range(route.ATTEMPTS):
        clock.advance(hours=1)
        route.drain(broker)
    assert world.status(bad)["reason"] == "fault"


def test_an_exchange_that_is_away_defers_and_loses_nothing(
    world: World, broker: Broker, clock: FixedClock, engines
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
    assert dispatch.drain(broker) == 1
    (leg,) = world.status(status)["deliveries"]
    assert leg["state"] == "leased"


def test_an_offer_is_never_rendered_for_another_agency(world: World, broker: Broker) -> None:
    world.routed(sample(12))
    assert collect.collect(broker, "shropshire-csc", limit=10) == []  # type: ignore[arg-type]


def test_a_version_that_cannot_be_routed_is_left_to_ops_and_what_agencies_have_stays(
    world: World, broker: Broker, clock: FixedClock, dsn: str
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
        route.drain(broker)
        clock.advance(hours=1)
    assert (world.status(status)["state"], world.status(status)["reason"]) == (
        *("unroutable", "fault"),
    )
    (waiting,) = broker.ledger.attention(limit=10)
    assert str(waiting.referral) == status["id"]
    assert world.client.post(path, json=document, headers=world.police).status_code == 202
    route.drain(broker)
    kinds = [(one["kind"], one["version"]) for one in world.status(status)["deliveries"]]
    assert ("correction", 3) in kinds
