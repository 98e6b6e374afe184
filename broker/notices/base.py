"""What every way of telling people has in common.

A notice carries ids, codes and instants, and the names of organisations: nothing of a referral's
content and no name of a person, because mail and pagers are read over shoulders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A notice in words for people and in codes for software."""

    id: str
    """The notice's own id: the same however often it is sent."""
    subject: str
    text: str
    data: Mapping[str, Any]
    """JSON-ready."""
    short: str = ""
    """One sentence and a link, for a text message; empty where it is never sent as one."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The message was handed over."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """The message could not be handed over for now; ``code`` says why."""

    code: str
    is_unavailable: bool = False
    """The server itself did not answer, so no other message to it is worth a try now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The message cannot be handed over as it stands; ``code`` says why."""

    code: str


NoticeOutcome = Sent | Deferred | Refused


class Notifier(Protocol):
    """A way to tell somebody something."""

    def send(self, address: str, message: Message) -> NoticeOutcome:
        """Hand a message over within 20 seconds. Never raises for what the other side does."""
