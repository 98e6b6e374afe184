"""Referrals, their history and what waits, for publishers, agencies and ops. Read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, overload

from broker.domain.codes import DeliveryKind, Role
from broker.domain.delivery import Decision, DeliveryStatus
from broker.domain.epoch import (
    OLD_BEGINNING,
    Gone,
    Lost,
    cursor_of,
    number_now,
    old_place_of,
    place_of,
)
from broker.domain.event import Event
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.outstanding import outstanding_in
from broker.domain.referral import (
    ReferralStatus,
    Refusal,
    Version,
    Waiting,
)
from broker.domain.states import DeliveryState, ReferralState
from broker.errors import CursorGone, Invalid
from broker.ledger.database import Connection, Part, Row, rows
from broker.ledger.deliveries import due_times, met_times
from broker.ledger.epochs import Epochs
from broker.policy.routing.assignments import UNTIL_RELEASED


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
                id = _referral_by_reference(connection, publisher, reference)
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
        epoch = self._end_of_feeds()["epoch"]
        params = {"referral": referral, "epoch": epoch}
        return [Event(**row) for row in self._rows("queries/timeline", params)]

    def feed(
        self, publisher: OrganisationCode, *, after: str, limit: int
    ) -> tuple[list[Event], str]:
        """Return a publisher's events after a cursor, and the cursor to go on from.

        How an agency is reached is left out; the timeline has that too.
        Events are numbered after their commit, so none is skipped. An empty cursor is the
        beginning. Raises Invalid for a text that is no cursor, and CursorGone for one from which
        the feed cannot be read on.
        """
        end = self._end_of_feeds()
        last = self._number(publisher, after, end)
        if last >= end["last_number"]:
            return [], cursor_of(end["epoch"], last)
        params = {"publisher": publisher, "epoch": end["epoch"], "last": last, "limit": limit}
        events = [Event(**row) for row in self._rows("queries/feed", params)]
        return events, events[-1].cursor if events else cursor_of(end["epoch"], last)

    def number_events(self) -> tuple[str, int]:
        """Number the events that were committed; return the epoch and the last number.

        Each of them is then in its publisher's feed.
        """
        end = self._end_of_feeds()
        return end["epoch"], end["last_number"]

    def _end_of_feeds(self) -> Row:
        return self._alone("queries/end_of_feeds", {})[0]

    def _number(self, publisher: OrganisationCode, after: str, end: Row) -> int:
        """Return the number after which a cursor reads on. Raises Invalid and CursorGone."""
        if after in ("", OLD_BEGINNING):
            return 0
        place, old = place_of(after), old_place_of(after)
        if place is None and old is None:
            raise Invalid("This is no cursor: send the value of 'next' from the last page.")
        if place is None:
            number: int | Lost = Lost(
                Gone.OLD_FORM, None, self._number_of_old_cursor(publisher, old)
            )
        elif place.epoch == end["epoch"] and place.number <= end["last_number"]:
            return place.number
        else:
            number = number_now(place, Epochs(self._database).epochs(), end["last_number"])
        if isinstance(number, Lost):
            raise CursorGone(number.reason, number.since, cursor_of(end["epoch"], number.read_on))
        return number

    def _number_of_old_cursor(
        self, publisher: OrganisationCode, old: tuple[str, int] | None
    ) -> int:
        """Return a number at or before the place of a cursor in the old form."""
        transaction, event = old or ("0", 0)
        params = {"publisher": publisher, "transaction": transaction, "event": event}
        number: int = self._planned("queries/number_of_old_cursor", params)[0]["number"]
        return number

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
) -> ReferralId | None:
    params = {"publisher": publisher, "reference": reference}
    referrals = rows(connection, "queries/referral_by_reference", params)
    return referrals[0]["id"] if referrals else None


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


_UNCHANGED = (
    *("id", "agency", "view", "attempt", "available_at", "clock_start", "returned_at", "paused_at"),
    *("outcome", "reason", "note", "answered_by", "replaces", "explanation", "version", "follows"),
    *("views_considered", "child_told"),
)
"""What the status of a delivery has as the ledger has it."""


def _delivery_status(row: Row) -> DeliveryStatus:
    unchanged: dict[str, Any] = {name: row[name] for name in _UNCHANGED}
    return DeliveryStatus(
        **unchanged,
        role=Role(row["role"]),
        kind=DeliveryKind(row["kind"]),
        row=row["policy_row"],
        state=DeliveryState(row["state"]),
        due=due_times(row),
        met=met_times(row),
        outstanding=outstanding_in(row),
        decisions=tuple(_decision(decision) for decision in row["decisions"]),
    )


def _decision(stored: Mapping[str, Any]) -> Decision:
    return Decision(**{**stored, "at": datetime.fromisoformat(stored["at"])})
