"""What a version of a referral says, read alike however much later it is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from typing import Any, Self

from broker.policy.routing.unread import unread_handling
from schemas import tolerance
from schemas.immutable import immutable

Json = Mapping[str, Any]


@immutable
class VersionDocument:
    """A version that was valid when it came, to be compared with another one."""

    judged: Json
    """As it was judged: what could not be read is not in it."""
    unread_handling: Json = field(default_factory=dict)
    """What was written of how to treat it and could not be read, by its pointers."""

    @classmethod
    def read(cls, document: dict[str, Any], received_at: datetime) -> Self:
        """Read a document as received, without regard to areas and days."""
        checked = tolerance.load(document, today=date.max, received_at=received_at)
        if checked.document is None:
            return cls(document)
        received = tolerance.as_shaped(document, tolerance.noted(checked.defects))
        pointers = unread_handling(checked.defects, received)
        unread = {pointer: tolerance.written_at(received, pointer) for pointer in pointers}
        return cls(checked.document, unread)
