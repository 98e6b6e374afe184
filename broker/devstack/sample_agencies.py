"""The sample agencies of ``broker up`` and ``broker demo``: two processes, and their notes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from broker.channels.registry import CHANNELS
from broker.devstack.comparison import Notes
from broker.devstack.stack import QUEUE, Stack

WITHOUT_SAMPLE_AGENCY = frozenset({"ops"})
_COLLECTED_FROM = {name for name, form in CHANNELS.forms.items() if not form.is_push}
"""The channels from which an agency collects over HTTP."""
NAMES = ("agencies over HTTP", "agencies over queues")


class SampleAgencies:
    """One process that collects over HTTP for many agencies, and one that consumes queues."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._notes = stack.folder / "notes"
        self._notes.mkdir()
        self._channels = {
            organisation.code: organisation.channel
            for organisation in stack.policy.directory.organisations
            if organisation.kind not in WITHOUT_SAMPLE_AGENCY
            and organisation.channel in {QUEUE, *_COLLECTED_FROM}
        }

    @property
    def count(self) -> int:
        """How many agencies there are."""
        return len(self._channels)

    def start(self) -> None:
        """Start both processes; they connect in the background."""
        over_http, over_queues = NAMES
        queue = [code for code, channel in self._channels.items() if channel == QUEUE]
        http = [code for code, channel in self._channels.items() if channel in _COLLECTED_FROM]
        self._start(over_http, http, {})
        more = {
            "AGENCY_EXCHANGE_URLS": str(self._stack.exchange_urls),
            "AGENCY_SIGNING_KEYS": str(self._stack.agency_keys),
        }
        self._start(over_queues, queue, more)

    def stop(self) -> None:
        """Ask both processes to finish their work and end."""
        self._stack.children.stop(NAMES)

    def notes(self) -> Notes:
        """Return the ids that each agency noted when it received a delivery."""
        return {code: _ids(self._notes / code) for code in self._channels}

    def _start(self, name: str, agencies: Sequence[str], more: Mapping[str, str]) -> None:
        environment = {
            "AGENCY_URL": self._stack.url,
            "AGENCY_KEYS": str(self._stack.keys),
            "AGENCY_NOTES": str(self._notes),
        }
        command = [sys.executable, "-m", "broker.devstack.sample_agency", *agencies]
        self._stack.children.start(name, command, environment={**environment, **more})


def _ids(notes: Path) -> frozenset[str]:
    return frozenset(notes.read_text().split()) if notes.exists() else frozenset()
