"""Named points on the path of a referral, at which a test may end, freeze or delay a process.

An installation passes by every one of them. Only where ``BROKER_POINTS_DIR`` is set, which tests
alone do, a file in that folder named like a point is an order for whoever reaches it next:
``kill``, ``freeze``, ``delay <seconds>``, or ``always delay <seconds>`` for everybody who does.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

Failpoint = Callable[[str], None]
"""Called with a point's name by whoever reaches it."""

ACCEPTED = "accept.committed"
"""Referrals are committed; nobody was woken yet, and no receipt was given."""
MARKED = "wakeup.marked"
"""The token says that a wake-up is on its way; it is not."""
BEGUN = "route.begun"
"""It is written down that referrals are about to be tried; nothing was tried yet."""
DECIDED = "route.decided"
"""Decisions are written and not committed."""
ROUTED = "route.committed"
"""They are committed; nobody was woken to push them yet."""
LEASED = "collect.leased"
"""An agency's leases are committed; it has not been told."""
SENT = "dispatch.sent"
"""Copies are in the agencies' queues; the ledger does not know it."""
SETTLED = "answer.committed"
"""Answers are recorded; whoever gave them has not been told."""
LED = "sweep.led"
"""This sweeper leads; what fell is still where it fell."""

_ALWAYS = "always "


def no_failpoint(_: str) -> None:
    """Do nothing: what every installation does at every point."""


class FailpointOrders:
    """Carries out orders from a folder, each by one process only. For tests alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, point: str) -> None:
        """Do what is ordered for this point, if anything."""
        order = self._taken(self._folder / point)
        match order.split():
            case ["kill"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["freeze"]:
                os.kill(os.getpid(), signal.SIGSTOP)
            case ["delay", seconds]:
                time.sleep(float(seconds))

    def _taken(self, order: Path) -> str:
        """Return the order; the file is renamed to say who took it, so that nobody else does."""
        try:
            text = order.read_text(encoding="utf-8")
            if text.startswith(_ALWAYS):
                return text.removeprefix(_ALWAYS)
            order.rename(order.with_name(f"{order.name}.taken.{os.getpid()}"))
        except FileNotFoundError:
            return ""
        return text
