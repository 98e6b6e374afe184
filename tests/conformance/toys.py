"""A channel and an intake from outside the package, written as docs/contributing/ says."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Self

import orjson

from broker.channels.base import Parcel, PushChannel, wait_before_retry
from broker.declared_settings import DeclaredSetting
from broker.domain.channel import AddressForm, ChannelForm
from broker.domain.ids import Clock, OrganisationCode
from broker.domain.push import Collected, Deferred, PushOutcome, Refused
from broker.domain.referral import Accepted
from broker.errors import BrokerError, Unavailable
from broker.flow.context import Context
from broker.intake.base import IntakeForm, PolledIntake, Submission, take_in
from broker.settings import Settings

COURIER_FOLDER = DeclaredSetting("BROKER_COURIER_FOLDER", "The folder that couriers empty.")
DROP_FOLDER = DeclaredSetting("BROKER_DROP_FOLDER", "The folder in which publishers leave files.")


class Courier(PushChannel):
    """Writes each delivery into a file that a courier takes to the agency's pigeonhole."""

    form: ClassVar = ChannelForm(
        name="courier",
        summary="A courier takes files to the agency's pigeonhole.",
        is_push=True,
        address=AddressForm(re.compile(r"hole-[0-9]{1,3}"), "hole-12"),
    )
    settings: ClassVar = (COURIER_FOLDER,)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock) -> Self:
        return cls(Path(settings.declared[COURIER_FOLDER.name]))

    def send(self, parcels: Sequence[Parcel], *, now: datetime) -> list[PushOutcome]:
        return [self._put(parcel, now) for parcel in parcels]

    def check(self) -> str:
        if not self._folder.is_dir():
            raise Unavailable("The couriers' folder is not there.")
        return "is open"

    def _put(self, parcel: Parcel, now: datetime) -> PushOutcome:
        hole = self._folder / parcel.address
        if not self._folder.is_dir():
            pause = wait_before_retry(
                parcel.offer.deferrals, first=timedelta(seconds=5), longest=timedelta(hours=1)
            )
            return Deferred(now + pause, "unavailable")
        if not hole.is_dir():
            return Refused("no_such_pigeonhole")
        (hole / f"{parcel.offer.id}.{parcel.offer.attempt}").write_bytes(parcel.body)
        return Collected()


class DropFolder(PolledIntake):
    """Takes in the files that publishers leave, each in the folder of its own name."""

    form: ClassVar = IntakeForm(
        name="drop-folder", summary="A publisher leaves a file in its folder."
    )
    settings: ClassVar = (DROP_FOLDER,)

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = Path(context.settings.declared[DROP_FOLDER.name])

    @classmethod
    def open(cls, context: Context) -> Self:
        return cls(context)

    def run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self.take_in_all()
            stopping.wait(0.05)

    def take_in_all(self) -> None:
        files = sorted(self._folder.glob("*/*.json"))
        submissions = [
            Submission(OrganisationCode(file.parent.name), file.read_bytes(), "intake:drop-folder")
            for file in files
        ]
        if not files:
            return
        for file, answer in zip(files, take_in(self._context, submissions), strict=True):
            file.with_suffix(".answer").write_bytes(orjson.dumps(_written(answer)))
            file.unlink()


def _written(answer: Accepted | BrokerError) -> dict[str, object]:
    if isinstance(answer, BrokerError):
        return {"error": answer.code}
    return {"id": str(answer.id), "duplicate": answer.duplicate}
