"""Referrals that name the same person, account, report, file or address, from any force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from broker.domain.ids import ReferralId
from broker.ledger.database import Connection, Part, json_text, rows
from broker.policy.decision import Decision, Revised, Routed, Unroutable
from broker.policy.monitoring.links import CODE, WORDS

MOST_FOR_A_MARK = 8
"""Referrals that one mark remembers, the latest ones, so that the cost is bounded."""


class Links(Part):
    """Marks whose retention period has ended."""

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
