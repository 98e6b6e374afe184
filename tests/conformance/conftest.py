"""A broker with a toy channel and a toy intake beside its own, and the far end of each channel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from joserfc import jws
from kombu import Connection, Queue

from broker.admin.publish_policy import publish
from broker.bootstrap import new_uuid7, open_broker
from broker.channels.registry import CHANNELS
from broker.devstack.engines import Engines
from broker.flow.context import Context
from broker.intake.registry import INTAKES
from broker.policy.published.policy import documents_from
from broker.settings import Settings
from tests.acceptance.conftest import World, world
from tests.conformance.toys import COURIER_FOLDER, DROP_FOLDER, Courier, DropFolder
from tests.conftest import POLICIES, FixedClock

__all__ = ["world"]
ALL_CHANNELS = CHANNELS.extended(Courier)
ALL_INTAKES = INTAKES.extended(DropFolder)
AGENCY = "stoke-csc"
ENTRY = "    channel: queue\n"


class FarEnd(Protocol):
    """The agency's side of a channel, as it is without any code of the broker."""

    address: str
    """What the directory says after ``address:``; empty for none."""

    def received(self) -> list[dict[str, Any]]:
        """Take what has arrived since the last time, oldest first."""

    def fail(self) -> None:
        """Become unavailable."""

    def recover(self) -> None:
        """Become available again."""


class ExchangeQueue:
    """The agency's queue at the message broker."""

    address = ""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def received(self) -> list[dict[str, Any]]:
        with Connection(self._engines.exchange_url) as connection:
            queue = Queue(f"agency.{AGENCY}", durable=True)(connection.default_channel)
            queue.declare()
            messages = iter(lambda: queue.get(no_ack=True), None)
            return [_payload(message.body) for message in messages]

    def fail(self) -> None:
        self._engines.exchange.kill()

    def recover(self) -> None:
        self._engines.exchange.start()


def _payload(signed: bytes | str) -> Any:
    """Read a copy without verifying it."""
    raw = signed if isinstance(signed, bytes) else signed.encode()
    return json.loads(jws.extract_compact(raw).payload)


class Pigeonhole:
    """The agency's pigeonhole in the couriers' folder."""

    address = "hole-7"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._away = folder.with_name("locked")
        (folder / self.address).mkdir(parents=True)

    def received(self) -> list[dict[str, Any]]:
        files = sorted((self._folder / self.address).iterdir(), key=lambda file: file.suffix)
        bodies = [json.loads(file.read_bytes()) for file in files]
        for file in files:
            file.unlink()
        return bodies

    def fail(self) -> None:
        self._folder.rename(self._away)

    def recover(self) -> None:
        self._away.rename(self._folder)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folders = {COURIER_FOLDER.name: tmp_path / "couriers", DROP_FOLDER.name: tmp_path / "drop"}
    (tmp_path / "drop" / "staffordshire-police").mkdir(parents=True)
    declared = {**settings.declared, **{name: str(path) for name, path in folders.items()}}
    return replace(settings, declared=declared)


@pytest.fixture
def context(settings: Settings, clock: FixedClock, engines: Engines) -> Iterator[Context]:
    """A broker that has every channel, the toy included."""
    engines.wakeup.wipe()
    engines.exchange.wipe()
    with open_broker(
        settings, process="tests", clock=clock, new_id=new_uuid7, channels=ALL_CHANNELS
    ) as opened:
        yield opened


@pytest.fixture
def far_ends(engines: Engines, tmp_path: Path) -> Iterator[dict[str, FarEnd]]:
    """The far end of every channel on which the broker sends, by the channel's name."""
    yield {"queue": ExchangeQueue(engines), "courier": Pigeonhole(tmp_path / "couriers")}
    engines.exchange.start()


@dataclass
class Route:
    """One agency that is reached on one channel."""

    channel: str
    far_end: FarEnd
    world: World
    context: Context

    def submit(self, document: dict[str, Any]) -> str:
        """Publish a referral that goes to this agency alone; return its id."""
        return str(self.world.routed(document)["id"])


Reach = Callable[[str], Route]


@pytest.fixture
def reach(world: World, context: Context, far_ends: dict[str, FarEnd]) -> Reach:
    """Publish a directory in which the agency is reached on a channel."""

    def on(channel: str) -> Route:
        far_end = far_ends[channel]
        publish_entry(context, channel, far_end.address)
        return Route(channel, far_end, world, context)

    return on


def publish_entry(context: Context, channel: str, address: str = "") -> None:
    """Put a directory in force in which the agency has this channel and address."""
    documents = documents_from(POLICIES)
    assert documents["directory.yaml"].count(ENTRY) == 1
    entry = f"    channel: {channel}\n" + (f"    address: {address}\n" if address else "")
    directory = documents["directory.yaml"].replace(ENTRY, entry)
    changed = documents | {"directory.yaml": directory}
    publish(context.ledger, changed, now=context.clock(), channels=ALL_CHANNELS.forms)
    context.policies._fresh_until = 0.0
