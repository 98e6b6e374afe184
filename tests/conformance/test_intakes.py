"""What every intake must do, run against each one in the registry and against a toy."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from broker.domain.ids import OrganisationCode
from broker.flow import dispatch, route
from broker.flow.context import Context
from broker.intake.base import PolledIntake, Submission, take_in
from broker.settings import Settings
from tests.acceptance.conftest import World, about_nobody, sample
from tests.conformance.conftest import AGENCY, ALL_INTAKES, Reach
from tests.conformance.toys import DROP_FOLDER, DropFolder
from tests.conftest import eventually

POLICE = "staffordshire-police"


class Door(Protocol):
    """How a publisher uses an intake, without any code of the broker."""

    def submit(self, document: dict[str, Any]) -> dict[str, Any]:
        """Submit a document; return its ``id`` and whether it is a ``duplicate``, or ``error``."""


@dataclass
class HttpDoor:
    """A publisher that posts."""

    world: World

    def submit(self, document: dict[str, Any]) -> dict[str, Any]:
        answer = self.world.client.post("/v1/referrals", json=document, headers=self.world.police)
        body: dict[str, Any] = answer.json()
        if answer.is_success:
            return {"id": body["id"], "duplicate": body["duplicate"]}
        return {"error": body["type"].rpartition("/")[2]}


@dataclass
class FolderDoor:
    """A publisher that leaves files, while a thread runs the intake."""

    folder: Path
    count: int = 0

    def submit(self, document: dict[str, Any]) -> dict[str, Any]:
        self.count += 1
        file = self.folder / POLICE / f"{self.count:03}.json"
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(document), encoding="utf-8")
        draft.rename(file)
        answer = file.with_suffix(".answer")
        eventually(lambda: answer.exists() and answer.stat().st_size)
        result: dict[str, Any] = json.loads(answer.read_bytes())
        return result


@pytest.fixture
def doors(world: World, context: Context, settings: Settings) -> Iterator[dict[str, Door]]:
    """The door of every intake that takes referrals, by the intake's name."""
    stopping = threading.Event()
    intake = DropFolder.open(context)
    thread = threading.Thread(target=intake.run, args=(stopping,), daemon=True)
    thread.start()
    folder = Path(settings.declared[DROP_FOLDER.name])
    yield {"http": HttpDoor(world), "drop-folder": FolderDoor(folder)}
    stopping.set()
    thread.join(10)


@pytest.fixture(params=["http", "drop-folder"])
def door(request: pytest.FixtureRequest, doors: dict[str, Door]) -> Door:
    return doors[request.param]


def test_every_intake_has_a_door_here_or_takes_answers(doors: dict[str, Door]) -> None:
    """How receipts come in is tested in tests/integration/intake."""
    names = {intake.form.name for intake in ALL_INTAKES.intakes}
    assert names == {*doors, "receipts-queue"}


def test_what_is_accepted_is_committed_and_routed(door: Door, world: World) -> None:
    answer = door.submit(sample(15))
    assert answer["duplicate"] is False
    world.drain()
    assert world.status(answer)["state"] == "routed"


def test_the_same_document_again_has_the_same_answer(door: Door, dsn: str) -> None:
    first, second = door.submit(sample(15)), door.submit(sample(15))
    assert second == {"id": first["id"], "duplicate": True}
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select count(*) from referral").fetchall() == [(1,)]


def test_another_document_under_the_same_reference_is_a_conflict(door: Door) -> None:
    first = door.submit(sample(15))
    other = sample(12) | {"reference": sample(15)["reference"]}
    assert door.submit(other) == {"error": "reference-conflict"}
    assert door.submit(sample(15))["id"] == first["id"]


def test_a_document_with_faults_is_kept_and_answered_for(door: Door, world: World) -> None:
    answer = door.submit(about_nobody(sample(13)))
    world.drain()
    assert world.status(answer)["state"] == "rejected"


def test_a_picture_is_refused_and_only_its_digest_is_noted(door: Door, dsn: str) -> None:
    assert door.submit(sample(14)) == {"error": "prohibited-content"}
    with psycopg.connect(dsn) as connection:
        ((publisher,),) = connection.execute("select publisher from refusal").fetchall()
        assert publisher == POLICE
        assert connection.execute("select from referral").fetchall() == []


def test_one_document_that_cannot_be_accepted_stops_no_other(context: Context) -> None:
    bodies = [
        b"no document",
        json.dumps(sample(15)).encode(),
        b"{}",
        json.dumps(sample(14)).encode(),
    ]
    answers = take_in(
        context, [Submission(OrganisationCode(POLICE), body, "intake:test") for body in bodies]
    )
    assert [getattr(answer, "code", "accepted") for answer in answers] == [
        *("malformed", "accepted", "invalid", "prohibited-content"),
    ]


def test_workers_run_the_polled_intakes_whose_settings_are_there(settings: Settings) -> None:
    polled = [kind for kind in ALL_INTAKES.intakes if issubclass(kind, PolledIntake)]
    assert ALL_INTAKES.polled(settings) == polled
    without = Settings(settings.database_url, settings.wakeup_url, settings.exchange_url)
    assert DropFolder not in ALL_INTAKES.polled(without)


def test_a_referral_goes_through_a_toy_intake_and_a_toy_channel(
    doors: dict[str, Door], reach: Reach, context: Context, world: World
) -> None:
    """Neither of them is known to any module of the broker."""
    pigeonhole = reach("courier").far_end
    referral = doors["drop-folder"].submit(sample(15))
    route.drain(context)
    assert dispatch.drain(context) == 1
    (body,) = pigeonhole.received()
    assert body["referral"] == referral["id"]
    status = world.status(referral)
    assert [delivery["state"] for delivery in status["deliveries"]] == ["collected"]
    for stage in ({"stage": "acknowledged"}, {"stage": "decided", "outcome": "assessment"}):
        answer = {"delivery": body["delivery"], "by": "Duty worker", **stage}
        assert world.answer(AGENCY, **answer)["result"] == "recorded"
    assert world.status(referral)["state"] == "closed"
    kinds = [event.kind for event in context.ledger.queries.timeline(referral["id"])]
    assert kinds == [
        *("referral.accepted", "referral.routed", "delivery.available"),
        "referral.task_opened",  # the sample was known for long
        *("delivery.leased", "delivery.collected"),
        *("delivery.acknowledged", "delivery.decided", "referral.closed"),
    ]
