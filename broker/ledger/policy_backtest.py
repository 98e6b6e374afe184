"""Accepted referrals and what became of them, read in pages to judge a policy by. Never changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from broker.domain.codes import Milestone
from broker.domain.ids import OrganisationCode, ReferralId
from broker.ledger.database import Connection, Part, Row, rows
from broker.ledger.deliveries import met_times

PAGE = 200
_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Met:
    """When one agency really met its milestones."""

    agency: OrganisationCode
    row: str
    at: Mapping[Milestone, datetime]


@dataclass(frozen=True, slots=True)
class Past:
    """A referral that was accepted, with what is needed to judge it again."""

    id: ReferralId
    publisher: OrganisationCode
    reference: str
    body: bytes
    accepted_at: datetime
    routed_at: datetime | None
    areas: Mapping[str, str]
    met: Sequence[Met]


class PolicyBacktest(Part):
    """Referrals of a stretch of time, one after the other."""

    def past(self, since: datetime, until: datetime) -> Iterator[Past]:
        """Yield what was accepted from ``since`` and before ``until``.

        Each page is a short read-only transaction of its own.
        """
        after, last = since, _FIRST
        while page := self._page(after, last, until):
            yield from page
            after, last = page[-1].accepted_at, page[-1].id

    def _page(self, after: datetime, last: UUID, until: datetime) -> list[Past]:
        with self._transaction() as connection:
            connection.execute("set transaction read only")
            referrals = _past_referrals(connection, after, last, until)
            met = _past_deliveries(connection, [row["id"] for row in referrals])
        return [Past(**row, met=met[row["id"]]) for row in referrals]


def _past_referrals(
    connection: Connection, after: datetime, last: UUID, until: datetime
) -> list[Row]:
    params = {"after": after, "last": last, "until": until, "limit": PAGE}
    return rows(connection, "policy_backtest/past_referrals", params)


def _past_deliveries(connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, list[Met]]:
    by_referral: dict[UUID, list[Met]] = defaultdict(list)
    for row in rows(connection, "policy_backtest/past_deliveries", {"ids": list(ids)}):
        met = Met(row["agency"], row["policy_row"], met_times(row))
        by_referral[row["referral"]].append(met)
    return by_referral
