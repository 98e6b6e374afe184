"""Low referrals for one child add up, also when two workers route them at the same moment."""

import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from broker.domain.ids import OrganisationCode
from broker.flow import recurrence_warnings, route
from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock


def low(reference: str, **child: Any) -> dict[str, Any]:
    """Return a low referral for the same child under a reference of its own."""
    document = sample(12) | {"reference": reference}
    document["children"] = [document["children"][0] | child]
    return document


def flags(status: dict[str, Any]) -> list[str]:
    return [warning["message"] for warning in status["warnings"] if warning["code"] == "third-low"]


def look(context: Context, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_three_in_one_batch_are_told_once(world: World) -> None:
    receipts = [world.hand_in(low(f"together-{number}")) for number in range(3)]
    world.drain()
    assert [len(flags(world.status(receipt))) for receipt in receipts] == [0, 0, 1]


def test_one_identifier_is_enough(world: World) -> None:
    world.routed(low("a", given_name="Unknown", family_name="Girl"))
    world.routed(low("b", nhs_number={"unknown": "not_yet_known"}))
    assert flags(world.routed(low("c")))


def test_another_force_is_counted_and_not_named(world: World) -> None:
    for number in range(2):
        document = low(f"west-{number}")
        headers = world.headers("west-mercia-police", "publish")
        assert world.client.post("/v1/referrals", json=document, headers=headers).is_success
    world.drain()
    status = world.routed(low("ours"))
    assert flags(status)
    feed = world.client.get("/v1/events", headers=world.police).json()["events"]
    (event,) = [event for event in feed if event["kind"] == "referral.third_low"]
    assert event["data"] == {"child": "child-1", "count": 3, "earlier": []}
    assert "west-" not in str(status)


def test_what_is_rejected_or_graded_otherwise_or_sent_twice_does_not_count(world: World) -> None:
    world.routed(low("a"))
    world.routed(low("a"))
    wrong = low("wrong")
    for name in ("children", "persons_posing_risk", "concern", "online"):
        del wrong[name]
    assert world.routed(wrong)["state"] == "rejected"
    high = low("high")
    high["grade"] = high["grade"] | {"level": "high"}
    world.routed(high)
    assert not flags(world.routed(low("b")))
    assert flags(world.routed(low("wrong")))


def test_after_the_window_it_counts_no_more_and_is_forgotten(
    world: World, context: Context, clock: FixedClock
) -> None:
    world.routed(low("a"))
    world.routed(low("b"))
    clock.advance(days=91)
    assert not flags(world.routed(low("c")))
    before = clock.now - timedelta(days=90)
    assert context.ledger.pseudonyms.purge_pseudonyms(before=before, limit=1) == 1
    assert context.ledger.pseudonyms.purge_pseudonyms(before=before, limit=1000) == 5
    assert context.ledger.pseudonyms.purge_pseudonyms(before=before, limit=1000) == 0
    assert look(context, "select count(distinct referral) from child_mark") == [(1,)]


def test_only_social_care_that_may_see_the_child_is_told(world: World, context: Context) -> None:
    for number in range(3):
        document = low(f"health-{number}", health={"needs": ["mental_health"]})
        status = world.routed(document)
    assert flags(status)
    agencies = {delivery["agency"] for delivery in status["deliveries"]}
    others = agencies - {"staffordshire-csc"}
    assert others
    for agency in others:
        for offered in world.collect(agency):
            assert "third-low" not in [warning["code"] for warning in offered["warnings"]]


def test_without_a_key_nothing_is_counted(context: Context, world: World) -> None:
    keyless = replace(context, settings=replace(context.settings, child_key=None))
    for number in range(3):
        world.hand_in(low(f"keyless-{number}"))
    route.drain(keyless)
    assert look(context, "select count(*) from child_mark") == [(0,)]


def test_nothing_of_who_a_child_is_stands_in_the_ledger_outside_its_document(
    world: World, context: Context
) -> None:
    for number in range(3):
        world.routed(low(f"r-{number}"))
    stored = str(look(context, "select * from child_mark")) + str(
        look(context, "select * from event")
    )
    for content in ("Hazel", "hazel", "Dunmore", "9990001154", "2020-07-07"):
        assert content not in stored
    assert look(context, "select count(*) from mark_turn") == [(0,)]


def test_two_that_are_routed_at_the_same_moment_do_not_miss_each_other(
    world: World, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker holds one claimed referral; without turns both would count two."""
    world.routed(low("first"))
    receipts = [world.hand_in(low(f"racing-{number}")) for number in range(2)]
    both = threading.Barrier(2, timeout=10)
    counted = recurrence_warnings.with_recurrence_warnings

    def at_once(*arguments: Any, **options: Any) -> Any:
        both.wait()
        return counted(*arguments, **options)

    monkeypatch.setattr("broker.flow.route.with_recurrence_warnings", at_once)
    drain_one = partial(route.drain, context, batches=1, size=1)
    threads = [threading.Thread(target=drain_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    statuses = [world.status(receipt) for receipt in receipts]
    assert [status["state"] for status in statuses] == ["routed", "routed"]
    assert sorted(len(flags(status)) for status in statuses) == [0, 1]


def test_many_workers_with_many_children_end_and_count_right(
    context: Context, world: World
) -> None:
    """Batches that share children neither wait for each other for ever nor miss one."""
    publisher = OrganisationCode("staffordshire-police")
    for number in range(60):
        world.hand_in(low(f"many-{number}", nhs_number={"unknown": "refused"}, given_name="A"))
        if number % 2:
            world.hand_in(low(f"other-{number}", given_name="B", family_name=f"Child {number % 6}"))

    def work() -> None:
        while route.drain(context, batches=1, size=7):
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    untold = 0
    for number in range(60):
        status = context.ledger.queries.referral(publisher, reference=f"many-{number}")
        assert status is not None
        untold += not any(warning["code"] == "third-low" for warning in status.warnings)
    assert untold == 2
