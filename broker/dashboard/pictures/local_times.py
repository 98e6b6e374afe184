"""Instants on pictures: local, and with their day, so that they stay true on paper."""

from __future__ import annotations

from datetime import datetime

from broker.policy.time.wall_clock import LONDON as LOCAL
from broker.policy.time.wall_clock import moment_in_words

__all__ = ["LOCAL"]


def clock(instant: datetime | None) -> str:
    """Return an instant as local weekday, day and time."""
    return moment_in_words(instant, LOCAL) if instant else "–"
