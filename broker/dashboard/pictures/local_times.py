"""Instants on pictures: local, and with their day, so that they stay true on paper."""

from __future__ import annotations

from datetime import datetime

from broker.policy.time.calendars import LONDON as LOCAL

__all__ = ["LOCAL"]


def clock(instant: datetime | None) -> str:
    """Return an instant as local weekday, day and time."""
    return f"{instant.astimezone(LOCAL):%a %-d %b %H:%M}" if instant else "–"
