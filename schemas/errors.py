"""What can be wrong with a document."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from schemas.immutable import immutable


@immutable
class Fault:
    """One thing that is wrong: an RFC 6901 pointer, a stable code, and what to do about it.

    ``message`` never repeats the offending value, which may be personal data.
    """

    pointer: str
    code: str
    message: str


@immutable
class Remark(Fault):
    """A fault whose message rests on more than the place that it points at.

    Who sees all places of any of its grounds may be told it, and nobody else but the publisher.
    """

    needs: tuple[tuple[str, ...], ...] = ()


class UnreadableKind(StrEnum):
    """Why a body cannot be taken as a document at all."""

    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    PROHIBITED = "prohibited"


class Unreadable(Exception):
    """The body is not a document that may be read; ``faults`` say everything that is wrong."""

    def __init__(self, kind: UnreadableKind, faults: Sequence[Fault]) -> None:
        super().__init__(f"{kind}: {', '.join(fault.code for fault in faults)}")
        self.kind = kind
        self.faults = tuple(faults)
