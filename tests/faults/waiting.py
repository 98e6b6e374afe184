"""Somebody who waits: an agency that nothing is for, always with a long poll under way."""

from __future__ import annotations

import threading

from tests.faults.wire import Wire

WAIT = 15
"""Seconds; whoever ends a gateway in order nearly always ends it under such a poll."""
REST_SECONDS = 0.2


class Waiter:
    """Polls for deliveries and for news until it is closed; every answer is in the journal."""

    def __init__(self, wires: list[Wire], paths: list[str]) -> None:
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._poll, args=(wire, path), daemon=True)
            for wire in wires
            for path in paths
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(2 * WAIT)

    def _poll(self, wire: Wire, path: str) -> None:
        while not self._ending.wait(REST_SECONDS):
            if path.startswith("/v1/collect"):
                wire.post(path, {"wait": WAIT})
            else:
                wire.get(path)
