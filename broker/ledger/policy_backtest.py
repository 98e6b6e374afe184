"""What was, for those who ask what would have been: read in pages, never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from broker.domain.codes import Milestone
from broker.domain.ids import OrganisationCode, ReferralId
from broker.ledger.database import Part, rows
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
        """Go through what was accepted from ``since`` and before ``until``, in pages.

        Each page is a short transaction of its own that may only read.
        """
        after, last = since, _FIRST
        while page := self._page(after, last, until):
            yield from page
            after, last = page[-1].accepted_at, page[-1].id

    def _page(self, after: datetime, last: UUID, until: datetime) -> list[Past]:
        asked = {"after": after, "last": last, "until": until, "limit": PAGE}
        with self._transaction() as connection:
            connection.execute("set transaction read only")
            found = rows(connection, "policy_backtest/past_referrals", asked)
            met: dict[UUID, list[Met]] = {row["id"]: [] for row in found}
            for row in rows(connection, "policy_backtest/past_deliveries", {"ids": list(met)}):
                one = Met(row["agency"], row["policy_row"], met_times(row))
                met[row["referral"]].append(one)
        return [Past(**row, met=met[row["id"]]) for row in found]
