"""How people are told of alarms: one small interface, one file for each way.

A notice carries ids, codes and instants, and the names of organisations: nothing of a referral's
content and no name of a person, because mail and pagers are read over shoulders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """What is told, in words for people and in codes for software."""

    id: str
    """The notice's own id: the same however often it is sent."""
    subject: str
    text: str
    data: Mapping[str, Any]
    """JSON-ready."""


@dataclass(frozen=True, slots=True)
class Told:
    """It has been handed over."""


@dataclass(frozen=True, slots=True)
class NotNow:
    """It could not be handed over for now; ``code`` says why."""

    code: str


@dataclass(frozen=True, slots=True)
class Never:
    """It cannot be handed over as it stands; ``code`` says why."""

    code: str


Result = Told | NotNow | Never


class Notifier(Protocol):
    """A way to tell somebody something."""

    def tell(self, address: str, message: Message) -> Result:
        """Hand a message over, within a few seconds. Never raises for what the other side does."""
