"""A time in which nobody swept, watched deadlines or sent alerts; and reports of processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage as it stands."""

    id: UUID
    began_at: datetime
    missing: Sequence[str]
    """The lanes that nobody works in, such as ``sweep``."""
    alarms: int
    """How often people were alerted about it."""


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """What a process has last seen that only it can see."""

    process: str
    part: str
    """``gateway`` or ``worker``."""
    reported_at: datetime
    seen: Mapping[str, Any]
