"""Deliveries that an embargo, or a person, holds: which they are, and who is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from broker.domain.embargo import EmbargoWarning, HeldDelivery
from broker.domain.ids import OrganisationCode
from broker.domain.notice import NewNotice
from broker.ledger.alarms import add_notices
from broker.ledger.database import Connection, Part, rows
from broker.policy.monitoring.embargoes import LONGEST
from broker.policy.routing.assignments import UNTIL_RELEASED


class EmbargoBatch:
    """Held deliveries that are told of now, which this transaction has locked."""

    def __init__(self, connection: Connection, warnings: Sequence[EmbargoWarning]) -> None:
        self._connection = connection
        self.warnings = warnings

    def add_notices(self, notices: Sequence[NewNotice], *, now: datetime) -> None:
        """Write notices that are to be sent."""
        add_notices(self._connection, notices, now)


class Embargoes(Part):
    """Held deliveries."""

    def embargoes(
        self, publisher: OrganisationCode | None = None, *, limit: int
    ) -> list[HeldDelivery]:
        """Return what is held, all of it or a publisher's, what is released next first."""
        params = {"publisher": publisher, "never": UNTIL_RELEASED, "limit": limit}
        return [HeldDelivery(**row) for row in self._rows("embargoes/embargoes", params)]

    @contextmanager
    def warn_of_embargoes(
        self, limit: int, *, before: timedelta, now: datetime
    ) -> Iterator[EmbargoBatch]:
        """Write which embargoes end within ``before`` or last long, each once, with its event."""
        params = {
            "limit": limit,
            "now": now,
            "before": before,
            "ends_by": now + before,
            "long_since": now - LONGEST,
            "never": UNTIL_RELEASED,
        }
        with self._transaction() as connection:
            due = rows(connection, "embargoes/warn_of_embargoes", params)
            yield EmbargoBatch(connection, [EmbargoWarning(**row) for row in due])
