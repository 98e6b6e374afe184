"""How far the clocks of gateways and workers are from the ledger's."""

from __future__ import annotations

from dataclasses import dataclass

from broker.ledger.database import Part
from broker.ledger_clock import Difference


@dataclass(frozen=True, slots=True)
class ProcessClock:
    """The clock of one process's host, as it was reported last."""

    process: str
    """``gateway HOST:PID`` or ``worker HOST:PID``."""
    difference: Difference

    @property
    def kind(self) -> str:
        """``gateway`` or ``worker``."""
        return self.process.partition(" ")[0]

    @property
    def host(self) -> str:
        """The name of its host."""
        return self.process.partition(" ")[2].rpartition(":")[0]


class ProcessClocks(Part):
    """What processes report of their clocks. Only the ledger's own clock counts here."""

    def report(self, process: str, difference: Difference) -> None:
        """Record how far a process's clock is from the ledger's."""
        params = {
            "process": process,
            "ahead": difference.seconds,
            "uncertainty": difference.uncertainty,
            "bound": difference.bound,
        }
        self._rows("process_clocks/report", params)

    def present(self) -> list[ProcessClock]:
        """Return the clocks of the processes that run, the furthest apart first."""
        return [
            ProcessClock(
                row["process"],
                Difference(row["ahead_seconds"], row["uncertainty_seconds"], row["bound_seconds"]),
            )
            for row in self._rows("process_clocks/present", {})
        ]
