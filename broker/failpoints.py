"""Failpoints: named points on the path of a referral, at which a test may interrupt a process.

An installation does nothing at any of them. The orders that tests give are carried out by
``broker.devstack.failpoint_orders``, which production installs do not contain; ``broker.bootstrap``
loads it only where ``BROKER_POINTS_DIR`` is set, and refuses to start where it is missing.
"""

from __future__ import annotations

from collections.abc import Callable

Failpoint = Callable[[str], None]
"""Called with the name of each failpoint that a process hits."""

ACCEPTED = "accept.committed"
"""Referrals are committed; no worker was woken yet, and no receipt was given."""
MARKED = "wakeup.marked"
"""The token says that a wake-up was sent; it was not sent yet."""
BEGUN = "route.begun"
"""The attempt to route referrals is recorded; nothing was tried yet."""
DECIDED = "route.decided"
"""Decisions are written and not committed."""
ROUTED = "route.committed"
"""Decisions are committed; no worker was woken to dispatch yet."""
LEASED = "collect.leased"
"""An agency's leases are committed; the agency has no answer yet."""
SENT = "dispatch.sent"
"""Copies are in the agencies' queues; the ledger does not know it."""
SETTLED = "answer.committed"
"""Receipts are recorded; the agency has no answer yet."""
LED = "sweep.led"
"""This sweeper leads; nothing was put back yet."""


def no_failpoint(_: str) -> None:
    """Do nothing: what every installation does at every failpoint."""
