"""Referrals that name the same person, account, report, file or address, from any force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.ids import OrganisationCode, ReferralId
from broker.ledger.database import Connection, Part, json_text, rows
from broker.policy.decision import Decision, Revised, Routed, Unroutable
from broker.policy.monitoring.links import CODE, WORDS

MOST_FOR_A_MARK = 8
"""Referrals that one mark remembers, the latest ones, so that the cost is bounded."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A referral that is linked to another: what people of ops may know of it."""

    id: ReferralId
    reference: str
    publisher: OrganisationCode
    accepted_at: datetime
    state: str


class Links(Part):
    """Which referrals are linked, and marks whose retention period has ended."""

    def linked(self, referral: ReferralId, *, limit: int) -> list[Linked]:
        """Return the referrals that are linked to one, the latest first."""
        params = {"referral": referral, "limit": limit}
        return [Linked(**row) for row in self._rows("links/linked", params)]

    def purge_marks(self, *, before: datetime, limit: int) -> int:
        """Delete marks that have not occurred since an instant; return how many."""
        return len(self._rows("links/purge_marks", {"before": before, "limit": limit}))


def link(
    connection: Connection, decisions: Sequence[Decision], *, now: datetime, actor: str
) -> None:
    """Note what these referrals name, and link those that name the same."""
    marks = [
        (mark, decision.id, decision.verdict.linked_within)
        for decision in decisions
        if isinstance(decision, Routed | Revised | Unroutable)
        for mark in decision.verdict.marks
    ]
    if not marks:
        return
    pairs = _record_marks(connection, marks, now)
    if pairs:
        ids = sorted({referral for _, referral, _ in marks})
        _link_referrals(connection, pairs, ids, now=now, actor=actor)


def _record_marks(
    connection: Connection, marks: Sequence[tuple[bytes, ReferralId, timedelta]], now: datetime
) -> list[tuple[ReferralId, ReferralId]]:
    params = {
        "marks": [mark for mark, _, _ in marks],
        "referrals": [referral for _, referral, _ in marks],
        "ats": [now] * len(marks),
        "window": max(window for _, _, window in marks),
        "ids": sorted({referral for _, referral, _ in marks}),
        "most": MOST_FOR_A_MARK,
    }
    return [
        (row["referral"], row["other"]) for row in rows(connection, "links/record_marks", params)
    ]


def _link_referrals(
    connection: Connection,
    pairs: Sequence[tuple[ReferralId, ReferralId]],
    ids: Sequence[ReferralId],
    *,
    now: datetime,
    actor: str,
) -> None:
    params = {
        "referrals": [referral for referral, _ in pairs],
        "others": [other for _, other in pairs],
        "ids": list(ids),
        "warning": json_text([{"pointer": "", "code": CODE, "message": WORDS}]),
    }
    rows(connection, "links/link_referrals", {**params, "now": now, "actor": actor})
