"""Referrals, their history and what waits, for publishers, agencies and ops. Read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, overload

from broker.domain.codes import DeliveryKind, Role
from broker.domain.delivery import Decision, DeliveryStatus
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
from broker.policy.routing.assignments import UNTIL_RELEASED

FIRST_CURSOR = "0-0"


class Queries(Part):
    """What the ledger holds about referrals."""

    def clock(self) -> datetime:
        """Return the time by PostgreSQL's clock, to compare with."""
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
        with self._transaction() as connection:
            if reference is not None:
                return _referral_by_reference(connection, publisher, reference)
            params = {"publisher": publisher, "id": id}
            referrals = rows(connection, "queries/referral", params)
            return _status(connection, referrals[0]) if referrals else None

    def content(self, id: ReferralId) -> bytes | None:
        """Return a referral's document as it was received; callers check who may see it."""
        with self._transaction() as connection:
            return content(connection, id)

    def states(self, ids: Sequence[ReferralId]) -> Mapping[ReferralId, ReferralState]:
        """Return the state of each referral; unknown ids are left out."""
        states = self._rows("queries/states", {"ids": list(ids)})
        return {row["id"]: ReferralState(row["state"]) for row in states}

    def timeline(self, referral: ReferralId) -> list[Event]:
        """Return everything that happened to a referral, in order."""
        return [Event(**row) for row in self._rows("queries/timeline", {"referral": referral})]

    def feed(
        self, publisher: OrganisationCode, *, after: str, limit: int
    ) -> tuple[list[Event], str]:
        """Return a publisher's events after a cursor, and the cursor to go on from.

        How an agency is reached is left out; the timeline has that too.
        Reads only below the oldest transaction that still runs, so no event is skipped. An empty
        cursor is the beginning. Raises Invalid for a text that is no cursor.
        """
        transaction, last = _cursor(after or FIRST_CURSOR)
        params = {"publisher": publisher, "transaction": transaction, "last": last, "limit": limit}
        events = [Event(**row) for row in self._rows("queries/feed", params)]
        return events, events[-1].cursor if events else after or FIRST_CURSOR

    def snapshot(self) -> str:
        """Return a text that is another one whenever a transaction has ended that changed anything.

        Reads no table.
        """
        text: str = self._rows("queries/snapshot", {})[0]["snapshot"]
        return text

    def waiting(self, agencies: Sequence[OrganisationCode]) -> set[OrganisationCode]:
        """Return which of these agencies have something to collect."""
        return {
            row["agency"] for row in self._rows("queries/waiting", {"agencies": list(agencies)})
        }

    def attention(self, *, limit: int) -> list[Waiting]:
        """Return what no agency will deal with, earliest deadline first."""
        params = {"limit": limit, "never": UNTIL_RELEASED}
        return [Waiting(**row) for row in self._rows("queries/attention", params)]

    def refusals(self, publisher: OrganisationCode | None, *, limit: int) -> list[Refusal]:
        """Return the bodies that were refused, of one publisher or of all, latest first."""
        params = {"publisher": publisher, "limit": limit}
        return [Refusal(**row) for row in self._rows("queries/refusals", params)]


def content(connection: Connection, referral: ReferralId) -> bytes | None:
    """Return the newest version of a referral's document, as it was received."""
    contents = rows(connection, "queries/content", {"id": referral})
    return contents[0]["body"] if contents else None


def _referral_by_reference(
    connection: Connection, publisher: OrganisationCode | None, reference: str
) -> ReferralStatus | None:
    params = {"publisher": publisher, "reference": reference}
    referrals = rows(connection, "queries/referral_by_reference", params)
    return _status(connection, referrals[0]) if referrals else None


def _status(connection: Connection, row: Row) -> ReferralStatus:
    return ReferralStatus(
        **{**row, "state": ReferralState(row["state"])},
        deliveries=_deliveries_of_referral(connection, row["id"]),
        versions=_versions(connection, row["id"]),
    )


def _deliveries_of_referral(
    connection: Connection, referral: ReferralId
) -> tuple[DeliveryStatus, ...]:
    params = {"referral": referral, "never": UNTIL_RELEASED}
    deliveries = rows(connection, "queries/deliveries_of_referral", params)
    return tuple(_delivery_status(row) for row in deliveries)


def _versions(connection: Connection, referral: ReferralId) -> tuple[Version, ...]:
    versions = rows(connection, "queries/versions", {"referral": referral})
    return tuple(Version(**row) for row in versions)


def _delivery_status(row: Row) -> DeliveryStatus:
    unchanged: dict[str, Any] = {
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
            "views_considered",
            "child_told",
        )
    }
    return DeliveryStatus(
        **unchanged,
        role=Role(row["role"]),
        kind=DeliveryKind(row["kind"]),
        row=row["policy_row"],
        state=DeliveryState(row["state"]),
        due=due_times(row),
        met=met_times(row),
        decisions=tuple(_decision(decision) for decision in row["decisions"]),
    )


def _decision(stored: Mapping[str, Any]) -> Decision:
    return Decision(**{**stored, "at": datetime.fromisoformat(stored["at"])})


def _cursor(text: str) -> tuple[str, int]:
    transaction, dash, last = text.partition("-")
    numbers = (transaction, last)
    if not dash or not all(n.isascii() and n.isdecimal() and len(n) <= 18 for n in numbers):
        raise Invalid("This is no cursor: send the value of 'next' from the last page.")
    return transaction, int(last)
