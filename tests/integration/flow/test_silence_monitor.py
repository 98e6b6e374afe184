"""Who is silent is alarmed once, whoever looks, and ends by itself when heard again."""

import threading
from typing import Any

import psycopg
import pytest

from broker.domain.ids import OrganisationCode
from broker.errors import Unavailable
from broker.flow.activity_counter import ActivityCounter
from broker.flow.context import Context
from broker.flow.silence_monitor import SilenceMonitor
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock
from tests.rows import rows

STOKE = OrganisationCode("stoke-csc")
POLICE = OrganisationCode("staffordshire-police")


@pytest.fixture
def check(context: Context) -> Any:
    """Write down who was there, and look."""
    monitor = SilenceMonitor(context, "one")

    def flush_and_check() -> bool:
        context.activity.flush()
        return monitor.check()

    return flush_and_check


def history(context: Context) -> list[tuple[Any, ...]]:
    return rows(
        context, "select kind, data from event where kind like 'organisation.%' order by id"
    )


def silent(world: World) -> list[dict[str, Any]]:
    answer = world.client.get("/v1/attention", headers=world.headers("ops", "ops"))
    return answer.json()["silent"]


def test_an_agency_that_stops_collecting_is_told_before_the_deadline_and_heard_again(
    world: World, check: Any, context: Context, clock: FixedClock
) -> None:
    world.at("2026-12-14 10:00")
    world.headers("staffordshire-csc", "collect")
    assert world.collect("staffordshire-csc") == []
    world.routed(sample(12))
    check()
    assert silent(world) == []
    clock.advance(minutes=31)
    assert check()
    (alarm,) = silent(world)
    assert (alarm["organisation"], alarm["reason"]) == ("staffordshire-csc", "policy")
    escalation = "select ladder, milestone, state, next_step_at = began_at from escalation"
    assert rows(context, escalation) == [("silence", "silence", "open", True)]
    clock.advance(minutes=5)
    check()
    assert [kind for kind, _ in history(context)] == ["organisation.silent"]
    assert len(world.collect("staffordshire-csc")) == 1
    check()
    assert silent(world) == []
    assert [kind for kind, _ in history(context)] == ["organisation.silent", "organisation.heard"]
    ended = "select state, ended_because, next_step_at from escalation"
    assert rows(context, ended) == [("ended", "heard", None)]


def test_what_is_answered_by_others_is_not_waited_for(
    world: World, check: Any, context: Context, clock: FixedClock
) -> None:
    world.routed(sample(12))
    clock.advance(minutes=31)
    check()
    assert len(silent(world)) == 1
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute("update delivery set state = 'recalled'")
    check()
    assert [data["because"] for _, data in history(context)[1:]] == ["not_expected"]


def test_a_publisher_reads_its_own_silence_in_its_feed(
    world: World, check: Any, clock: FixedClock
) -> None:
    world.at("2026-12-14 09:00")
    world.routed(sample(12))
    clock.advance(days=1, hours=7, minutes=59)
    check()
    assert "staffordshire-police" not in [waiting["organisation"] for waiting in silent(world)]
    clock.advance(minutes=1)
    check()
    feed = world.client.get("/v1/events", headers=world.police).json()["events"]
    (event,) = [event for event in feed if event["kind"] == "organisation.silent"]
    assert event["referral"] is event["reference"] is None
    assert event["data"]["activity"] == "sending"
    world.hand_in(sample(15))
    check()
    feed = world.client.get("/v1/events", headers=world.police).json()["events"]
    assert "organisation.heard" in [event["kind"] for event in feed]
    other = world.client.get("/v1/events", headers=world.headers("police-scotland", "publish"))
    assert [event["kind"] for event in other.json()["events"]] == []


def test_many_that_look_at_once_open_one_alarm(world: World, context: Context) -> None:
    world.routed(sample(12))
    world.clock.advance(minutes=31)
    context.activity.flush()
    monitors = [SilenceMonitor(context, "the same") for _ in range(4)]
    threads = [threading.Thread(target=monitor.check) for monitor in monitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [kind for kind, _ in history(context)] == ["organisation.silent"]
    assert rows(context, "select count(*) from escalation") == [(1,)]


def test_one_leads(context: Context, clock: FixedClock) -> None:
    first, second = SilenceMonitor(context, "one"), SilenceMonitor(context, "two")
    assert first.check()
    assert not second.check()
    clock.advance(minutes=3)
    assert second.check()


def test_a_drop_is_learned_and_told(
    context: Context, check: Any, clock: FixedClock, key: Any
) -> None:
    key("staffordshire-police", "publish")
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute(
            "insert into traffic (activity, hour, organisation, count)"
            " select 'sent', %(now)s - n * interval '1 hour', %(who)s,"
            " case when n <= 24 then 1 else 3 end from generate_series(1, 672) n"
            " where n > 24 or n %% 2 = 0",
            {"now": clock.now, "who": POLICE},
        )
        connection.execute(
            "insert into presence values (%(who)s, 'sent', %(now)s)",
            {"now": clock.now, "who": POLICE},
        )
    check()
    ((kind, data),) = history(context)
    assert kind == "organisation.dropped"
    assert data["counted"] == 12
    assert 50 < data["expected"] < 65


def test_counts_of_two_processes_add_up_and_survive_an_absent_ledger(
    context: Context, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = (ActivityCounter(context.ledger, clock) for _ in range(2))
    first.note(STOKE, "polled")
    first.note(STOKE, "collected", 0)
    clock.advance(seconds=20)
    other.note(STOKE, "polled", 2)

    def away(_: Any) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as absent:
        absent.setattr(context.ledger.activity, "note_activity", away)
        with pytest.raises(Unavailable):
            other.flush()
    other.note(STOKE, "polled")
    other.flush()
    first.flush()
    first.flush()
    assert rows(context, "select activity, count from traffic") == [("polled", 4)]
    assert rows(context, "select last_at from presence") == [(clock.now,)]


def test_every_way_to_be_there_is_noted(world: World, context: Context) -> None:
    world.hand_in(sample(15))
    world.hand_in(sample(15))
    world.drain()
    status = world.routed(sample(12))
    world.collect("staffordshire-csc")
    (delivery,) = [
        delivery for delivery in status["deliveries"] if delivery["agency"] == "staffordshire-csc"
    ]
    world.answer("staffordshire-csc", delivery=delivery["id"], stage="acknowledged", by="Duty")
    context.activity.flush()
    counts = dict(
        rows(
            context,
            "select activity, count from traffic"
            " where organisation in ('staffordshire-csc', 'staffordshire-police')",
        )
    )
    assert counts["sent"] == 2
    assert counts["polled"] == counts["answered"] == 1
    assert counts["collected"] >= 1


def test_what_is_old_is_forgotten(context: Context, check: Any, clock: FixedClock) -> None:
    context.activity.note(STOKE, "polled")
    check()
    clock.advance(days=55)
    check()
    assert rows(context, "select count(*) from traffic") == [(1,)]
    clock.advance(days=2)
    check()
    assert rows(context, "select count(*) from traffic") == [(0,)]
