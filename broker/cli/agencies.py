"""The demo's sample agencies: a process each, and what they noted."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from broker.cli.reckoning import Notes
from broker.cli.stack import Stack

AGENCY_KINDS_WITHOUT_A_DESK = frozenset({"police", "ops"})
QUEUE = "queue"


class Agencies:
    """Starts a process for each agency of the directory and reads its notes afterwards."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._folder = stack.folder / "notes"
        self._folder.mkdir()
        self._channels = _channels(stack)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._channels)

    def start(self) -> None:
        """Start them all; they connect while the demo goes on."""
        for agency in self._channels:
            self._stack.children.start(
                f"agency-{agency}",
                [sys.executable, "-m", "broker.cli.desk", agency],
                environment=self._environment(agency),
            )

    def stop(self) -> None:
        """Ask them all to finish what they have in hand and end."""
        self._stack.children.stop(f"agency-{agency}" for agency in self._channels)

    def notes(self) -> Notes:
        """Return the ids that each agency noted when it received a delivery."""
        return {agency: _ids(self._notes_of(agency)) for agency in self._channels}

    def _environment(self, agency: str) -> Mapping[str, str]:
        environment = {
            "BROKER_URL": self._stack.url,
            "BROKER_KEY": self._stack.keys[agency],
            "AGENCY_NOTES": str(self._notes_of(agency)),
        }
        if self._channels[agency] == QUEUE:
            environment["AGENCY_EXCHANGE_URL"] = self._stack.exchange_url
        return environment

    def _notes_of(self, agency: str) -> Path:
        return self._folder / agency


def _channels(stack: Stack) -> Mapping[str, str]:
    return {
        organisation.code: organisation.channel
        for organisation in stack.book.directory.organisations
        if organisation.kind not in AGENCY_KINDS_WITHOUT_A_DESK
    }


def _ids(notes: Path) -> frozenset[str]:
    return frozenset(notes.read_text().split()) if notes.exists() else frozenset()
