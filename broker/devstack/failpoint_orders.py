"""Orders of a test at failpoints: kill, freeze or delay the process that gets there.

A file in a folder, named like a failpoint (``broker.failpoints``), is an order for the next process
that hits it: ``kill``, ``freeze``, ``delay <seconds>``, or ``always delay <seconds>`` for every
process. The folder is named by ``BROKER_POINTS_DIR``.

This module is part of the devstack on purpose. A production install does not contain the devstack,
so nobody who can set an environment variable there can make the broker kill itself.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

_ALWAYS = "always "


class FailpointOrders:
    """Carries out orders from a folder, each in one process only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, point: str) -> None:
        """Carry out the order for this failpoint, if there is one."""
        order = self._take(self._folder / point)
        match order.split():
            case ["kill"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["freeze"]:
                os.kill(os.getpid(), signal.SIGSTOP)
            case ["delay", seconds]:
                time.sleep(float(seconds))

    def _take(self, order: Path) -> str:
        """Return the order and rename its file after this process, so that no other takes it."""
        try:
            text = order.read_text(encoding="utf-8")
            if text.startswith(_ALWAYS):
                return text.removeprefix(_ALWAYS)
            order.rename(order.with_name(f"{order.name}.taken.{os.getpid()}"))
        except FileNotFoundError:
            return ""
        return text
