"""Questions to the ledger that change nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, overload

from broker.domain.codes import Kind, Role
from broker.domain.delivery import (
    DeliveryStatus,
    QueueDepth,
)
from broker.domain.event import Event
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.referral import (
    ReferralStatus,
    Refusal,
    Version,
    Waiting,
)
from broker.domain.states import DeliveryState, ReferralState
from broker.errors import Invalid
from broker.ledger.database import Connection, Part, Row, rows
from broker.ledger.deliveries import due_times, met_times

FIRST_CURSOR = "0-0"


class Queries(Part):
    """What stands in the ledger, for publishers, agencies and ops."""

    def clock(self) -> datetime:
        """Return what time PostgreSQL has, to compare with."""
        at: datetime = self._rows("queries/clock", {})[0]["at"]
        return at

    @overload
    def referral(
        self, publisher: OrganisationCode | None, *, id: ReferralId
    ) -> ReferralStatus | None: ...

    @overload
    def referral(
        self, publisher: OrganisationCode | None, *, reference: str
    ) -> ReferralStatus | None: ...

    def referral(
        self,
        publisher: OrganisationCode | None,
        *,
        id: ReferralId | None = None,
        reference: str | None = None,
    ) -> ReferralStatus | None:
        """Return a referral of a publisher, or of any when that is None, without its content.

        Of several under one reference, the one that was accepted last.
        """
        asked = {"publisher": publisher, "id": id, "reference": reference}
        with self._transaction() as connection:
            name = "queries/referral" if id else "queries/referral_by_reference"
            found = rows(connection, name, asked)
            return _status(connection, found[0]) if found else None

    def content(self, id: ReferralId) -> bytes | None:
        """Return a referral's document as it was received: only for whoever may see it."""
        found = self._rows("queries/content", {"id": id})
        return found[0]["body"] if found else None

    def states(self, ids: Sequence[ReferralId]) -> Mapping[ReferralId, ReferralState]:
        """Return where each referral stands; ids that are not there are left out."""
        found = self._rows("queries/states", {"ids": list(ids)})
        return {row["id"]: ReferralState(row["state"]) for row in found}

    def timeline(self, referral: ReferralId) -> list[Event]:
        """Return everything that happened to a referral, in order."""
        return [Event(**row) for row in self._rows("queries/timeline", {"referral": referral})]

    def feed(
        self, publisher: OrganisationCode, *, after: str, limit: int
    ) -> tuple[list[Event], str]:
        """Return a publisher's events after a cursor, and the cursor to go on from.

        How an agency is reached is left out; the timeline has that too.
        Reads only below the oldest transaction that still runs, so none is ever skipped. An empty
        cursor is the beginning. Raises Invalid for a text that is no cursor.
        """
        transaction, last = _cursor(after or FIRST_CURSOR)
        asked = {"publisher": publisher, "transaction": transaction, "last": last, "limit": limit}
        found = self._rows("queries/feed", asked)
        events = [Event(**row) for row in found]
        return events, events[-1].cursor if events else after or FIRST_CURSOR

    def queue(self, agency: OrganisationCode, *, now: datetime) -> QueueDepth:
        """Return counts and ages of an agency's queue."""
        found = self.queues(now=now, agency=agency)
        return found[0] if found else QueueDepth(agency, 0, 0, 0, 0, 0, 0, None, None, None, 0)

    def queues(self, *, now: datetime, agency: OrganisationCode | None = None) -> list[QueueDepth]:
        """Return counts and ages of every queue in which something waits."""
        return [
            QueueDepth(**row)
            for row in self._rows("queries/queues", {"now": now, "agency": agency})
        ]

    def waiting(self, agencies: Sequence[OrganisationCode]) -> set[OrganisationCode]:
        """Return which of these agencies have something to collect."""
        return {
            row["agency"] for row in self._rows("queries/waiting", {"agencies": list(agencies)})
        }

    def attention(self, *, limit: int) -> list[Waiting]:
        """Return what no agency will do by itself, earliest deadline first."""
        return [Waiting(**row) for row in self._rows("queries/attention", {"limit": limit})]

    def refusals(self, publisher: OrganisationCode | None, *, limit: int) -> list[Refusal]:
        """Return the bodies that were refused, of one publisher or of all, latest first."""
        asked = {"publisher": publisher, "limit": limit}
        return [Refusal(**row) for row in self._rows("queries/refusals", asked)]


def _status(connection: Connection, row: Row) -> ReferralStatus:
    found = rows(connection, "queries/deliveries_of_referral", {"referral": row["id"]})
    deliveries = [_delivery_status(one) for one in found]
    versions = [
        Version(**one) for one in rows(connection, "queries/versions", {"referral": row["id"]})
    ]
    return ReferralStatus(
        **{**row, "state": ReferralState(row["state"])},
        deliveries=tuple(deliveries),
        versions=tuple(versions),
    )


def _delivery_status(row: Row) -> DeliveryStatus:
    kept: dict[str, Any] = {
        name: row[name]
        for name in (
            "id",
            "agency",
            "view",
            "attempt",
            "available_at",
            "clock_start",
            "returned_at",
            "paused_at",
            "outcome",
            "reason",
            "note",
            "answered_by",
            "replaces",
            "explanation",
            "version",
            "follows",
        )
    }
    return DeliveryStatus(
        **kept,
        role=Role(row["role"]),
        kind=Kind(row["kind"]),
        row=row["policy_row"],
        state=DeliveryState(row["state"]),
        due=due_times(row),
        met=met_times(row),
    )


def _cursor(text: str) -> tuple[str, int]:
    transaction, dash, last = text.partition("-")
    numbers = (transaction, last)
    if not dash or not all(n.isascii() and n.isdecimal() and len(n) <= 18 for n in numbers):
        raise Invalid("This is no cursor: send the one that the last page gave as 'next'.")
    return transaction, int(last)
