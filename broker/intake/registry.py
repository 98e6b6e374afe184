"""Every intake of this broker: the one list that workers, settings and documents read."""

from __future__ import annotations

from collections.abc import Sequence

from broker.declared_settings import DeclaredSetting
from broker.intake.base import Intake, PolledIntake
from broker.intake.http_intake import HttpIntake
from broker.intake.receipts_queue import ReceiptsQueue
from broker.settings import Settings


class IntakeRegistry:
    """A list of intakes, each under a name of its own."""

    def __init__(self, intakes: Sequence[type[Intake]]) -> None:
        self.intakes = tuple(intakes)
        if len({intake.form.name for intake in intakes}) < len(self.intakes):
            raise ValueError("Two intakes have one name.")

    @property
    def settings(self) -> tuple[DeclaredSetting, ...]:
        """The settings of all intakes."""
        return tuple(setting for intake in self.intakes for setting in intake.settings)

    def extended(self, *more: type[Intake]) -> IntakeRegistry:
        """Return a registry with further intakes, such as those of another package."""
        return IntakeRegistry((*self.intakes, *more))

    def polled(self, settings: Settings) -> list[type[PolledIntake]]:
        """Return the intakes that workers run: those whose settings are complete."""
        return [
            intake
            for intake in self.intakes
            if issubclass(intake, PolledIntake) and not intake.missing(settings.declared)
        ]


INTAKES = IntakeRegistry((HttpIntake, ReceiptsQueue))
