"""What every channel must do, run against each one in the registry and against a toy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Self

import psycopg
import pytest

from broker.channels.base import Parcel, PushChannel
from broker.cli.database.doctor import Failed, look_at_channels
from broker.domain.channel import ChannelForm
from broker.domain.ids import Clock
from broker.domain.push import Collected, PushOutcome, Refused
from broker.errors import Unavailable
from broker.flow import dispatch
from broker.flow import route as routing
from broker.flow.context import Context
from broker.policy.published.lint import lint
from broker.policy.published.policy import documents_from
from broker.settings import Settings
from tests.acceptance.conftest import World, sample
from tests.conformance.conftest import (
    AGENCY,
    ALL_CHANNELS,
    ENTRY,
    FarEnd,
    Reach,
    Route,
    publish_entry,
)
from tests.conformance.toys import Courier
from tests.conftest import POLICIES, FixedClock, eventually

PUSHED = [name for name, form in ALL_CHANNELS.forms.items() if form.is_push]
COLLECTED_FROM = [name for name, form in ALL_CHANNELS.forms.items() if not form.is_push]
ONE_AGENCY = 15
"""The number of a sample that goes to one agency alone."""


@pytest.fixture(params=PUSHED)
def route(request: pytest.FixtureRequest, reach: Reach) -> Route:
    return reach(request.param)


def document(number: int = 0) -> dict[str, Any]:
    return sample(ONE_AGENCY) | {"reference": f"CONF/{number}"}


def delivery_of(world: World, referral: str) -> dict[str, Any]:
    (delivery,) = world.status({"id": referral})["deliveries"]
    return delivery


def kinds(context: Context, referral: str) -> list[str]:
    return [event.kind for event in context.ledger.queries.timeline(referral)]


def test_every_channel_has_a_far_end_here(far_ends: dict[str, FarEnd]) -> None:
    assert sorted(far_ends) == sorted(PUSHED)


def test_the_ledger_knows_which_channels_are_pushed(context: Context, dsn: str) -> None:
    publish_entry(context, "mailbox")
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select name, is_push, is_pushed(name) from channel").fetchall()
    assert sorted(rows) == sorted(
        (name, form.is_push, form.is_push) for name, form in ALL_CHANNELS.forms.items()
    )


def test_a_delivery_is_sent_once_under_its_own_id(route: Route) -> None:
    referral = route.submit(document())
    (body,) = route.far_end.received()
    delivery = delivery_of(route.world, referral)
    assert (body["delivery"], body["attempt"]) == (delivery["id"], 1)
    assert body["content"]["children"]
    assert dispatch.drain(route.context) == 0
    assert route.far_end.received() == []
    assert delivery["state"] in {"leased", "collected"}
    assert kinds(route.context, referral)[-1] in {"delivery.sent", "delivery.collected"}


def test_a_batch_arrives_whole(route: Route) -> None:
    for number in range(5):
        route.world.hand_in(document(number))
    route.world.drain()
    bodies = route.far_end.received()
    assert len({body["delivery"] for body in bodies}) == len(bodies) == 5


def test_what_nobody_collects_is_sent_again_under_the_same_id(
    route: Route, clock: FixedClock
) -> None:
    referral = route.submit(document())
    (first,) = route.far_end.received()
    clock.advance(hours=5)
    route.context.ledger.sweep.lapse(now=clock(), limit=10)
    dispatch.drain(route.context)
    again = route.far_end.received()
    if delivery_of(route.world, referral)["state"] == "collected":
        assert again == []  # the channel's own answer said that the agency has it
    else:
        assert [(body["delivery"], body["attempt"]) for body in again] == [(first["delivery"], 2)]


def test_a_far_end_that_is_unavailable_costs_time_and_nothing_else(
    route: Route, clock: FixedClock
) -> None:
    route.far_end.fail()
    referral = route.submit(document())
    assert delivery_of(route.world, referral)["state"] == "available"
    assert kinds(route.context, referral)[-1] == "delivery.deferred"
    assert dispatch.drain(route.context) == 0, "it is not due before its pause is over"
    route.far_end.recover()
    clock.advance(minutes=10)
    assert eventually(lambda: dispatch.drain(route.context)) == 1, "it is asked again in seconds"
    assert [body["attempt"] for body in route.far_end.received()] == [2]


def test_an_agency_that_answers_while_it_is_sent_to_has_the_last_word(route: Route) -> None:
    """The lease under which it was sent is no longer the newest truth, so settling is fenced."""
    real = route.context.push_channels[route.channel]

    def send_and_answer(parcels: Sequence[Parcel]) -> list[PushOutcome]:
        outcomes = real.send(parcels, now=route.context.clock())
        for parcel in parcels:
            receipt = {
                "delivery": str(parcel.offer.id),
                "stage": "acknowledged",
                "by": "Duty worker",
            }
            assert route.world.answer(AGENCY, **receipt)["result"] == "recorded"
        return outcomes

    between = named(route.channel, send_and_answer)
    context = replace(route.context, channels={route.channel: between})
    receipt = route.world.hand_in(document())
    routing.drain(context)
    dispatch.drain(context)
    assert len(route.far_end.received()) == 1
    assert delivery_of(route.world, receipt["id"])["state"] == "acknowledged"
    assert "delivery.sent" not in kinds(context, receipt["id"])


def test_an_agency_answers_and_the_publisher_learns_it(route: Route) -> None:
    referral = route.submit(document())
    (body,) = route.far_end.received()
    for stage in ({"stage": "acknowledged"}, {"stage": "decided", "outcome": "assessment"}):
        answer = {"delivery": body["delivery"], "by": "Duty worker", **stage}
        assert route.world.answer(AGENCY, **answer)["result"] == "recorded"
    status = route.world.status({"id": referral})
    assert status["state"] == "closed"
    assert status["deliveries"][0]["outcome"] == "assessment"


def test_a_check_says_how_the_far_end_is(route: Route) -> None:
    channel = route.context.push_channels[route.channel]
    assert channel.check()
    route.far_end.fail()
    with pytest.raises(Unavailable):
        channel.check()


@pytest.mark.parametrize("name", COLLECTED_FROM)
def test_what_is_collected_is_never_sent(context: Context, world: World, name: str) -> None:
    publish_entry(context, name)
    receipt = world.routed(document())
    assert dispatch.drain(context) == 0
    (collected,) = world.collect(AGENCY)
    assert collected["delivery"] == delivery_of(world, receipt["id"])["id"]
    assert world.collect(AGENCY) == []


class Scripted(PushChannel):
    """A channel whose sending a test writes."""

    form: ClassVar = ChannelForm("scripted", "As a test says.", is_push=True)

    def __init__(self, send: Callable[[Sequence[Parcel]], list[PushOutcome]]) -> None:
        self._send = send

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock) -> Self:
        raise NotImplementedError

    def send(self, parcels: Sequence[Parcel], *, now: datetime) -> list[PushOutcome]:
        return self._send(parcels)


def named(name: str, send: Callable[[Sequence[Parcel]], list[PushOutcome]]) -> PushChannel:
    """Return a scripted channel under the name of another one."""
    kind = type("Named", (Scripted,), {"form": replace(Scripted.form, name=name)})
    channel: PushChannel = kind(send)
    return channel


def test_what_a_channel_refuses_goes_to_ops(reach: Reach) -> None:
    route = reach("queue")
    refusing = named("queue", lambda parcels: [Refused("no_such_queue") for _ in parcels])
    receipt = route.world.hand_in(document())
    routing.drain(route.context)
    dispatch.drain(replace(route.context, channels={"queue": refusing}))
    (waiting,) = route.context.ledger.queries.attention(limit=10)
    assert (waiting.kind, waiting.reason) == ("undeliverable", "no_such_queue")
    assert kinds(route.context, receipt["id"])[-1] == "delivery.refused"


@pytest.mark.parametrize(
    "send",
    [lambda parcels: 1 / 0, lambda parcels: [], lambda parcels: [Collected()] * (len(parcels) + 1)],
    ids=["raises", "says nothing", "says too much"],
)
def test_a_fault_of_a_channel_is_retried_and_loses_nothing(
    reach: Reach, clock: FixedClock, send: Any
) -> None:
    route = reach("queue")
    route.world.hand_in(document())
    routing.drain(route.context)
    dispatch.drain(replace(route.context, channels={"queue": named("queue", send)}))
    assert route.far_end.received() == []
    assert dispatch.drain(route.context) == 0
    clock.advance(minutes=1)
    assert dispatch.drain(route.context) == 1
    assert len(route.far_end.received()) == 1


def test_a_channel_that_hangs_holds_up_no_other(reach: Reach, context: Context) -> None:
    route = reach("queue")
    released, entered = threading.Event(), threading.Event()

    def hang(parcels: Sequence[Parcel]) -> list[PushOutcome]:
        entered.set()
        released.wait(30)
        return [Collected() for _ in parcels]

    publish_entry(context, "courier", "hole-7")
    stuck = route.world.hand_in(document(1))
    routing.drain(context)
    route.world.clock.advance(seconds=1)
    publish_entry(context, "queue")
    route.world.hand_in(document(2))
    routing.drain(context)
    channels = {**context.channels, "courier": named("courier", hang)}
    hanging = replace(context, channels=channels)
    assert dispatch.drain(hanging, within=timedelta(seconds=5)) == 1
    assert entered.is_set()
    assert len(route.far_end.received()) == 1
    route.world.hand_in(document(3))
    routing.drain(context)
    assert dispatch.drain(hanging, within=timedelta(seconds=30)) == 1, "nor the next run"
    released.set()
    eventually(lambda: delivery_of(route.world, stuck["id"])["state"] == "collected")


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("channel: pigeon", "unknown-name"),
        ("channel: courier", "missing"),
        ("channel: courier\n    address: the pigeonhole", "wrong-type"),
        ("channel: queue\n    address: hole-7", "unknown-name"),
    ],
)
def test_the_lint_finds_an_entry_that_no_process_can_send_to(entry: str, code: str) -> None:
    documents = documents_from(POLICIES)
    directory = documents["directory.yaml"].replace(ENTRY, f"    {entry}\n")
    faults = lint(documents | {"directory.yaml": directory}, channels=ALL_CHANNELS.forms)
    assert [fault.code for fault in faults] == [code]


def test_a_channel_whose_settings_are_missing_is_not_opened(settings: Settings) -> None:
    bare = replace(settings, declared={})
    with ALL_CHANNELS.opened(bare, clock=lambda: datetime.now(UTC)) as channels:
        assert sorted(channels) == sorted(set(ALL_CHANNELS.forms) - {"courier", "queue"})


def test_two_channels_never_have_one_name() -> None:
    with pytest.raises(ValueError, match="one name"):
        ALL_CHANNELS.extended(Courier)


def test_the_doctor_looks_at_every_channel_that_the_directory_uses(
    reach: Reach, context: Context, settings: Settings
) -> None:
    far_end = reach("courier").far_end
    examine = partial(look_at_channels, context.ledger, registry=ALL_CHANNELS)
    assert examine(settings) == "courier is open; mailbox is ready"
    with pytest.raises(Failed) as caught:
        examine(replace(settings, declared={}))
    assert "BROKER_COURIER_FOLDER" in caught.value.next_step
    far_end.fail()
    with pytest.raises(Failed, match="courier: the other side does not answer"):
        examine(settings)
