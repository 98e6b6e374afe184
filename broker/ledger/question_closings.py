"""Questions that are closed because their agencies no longer have what they asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from broker.domain.ids import ReferralId
from broker.ledger.database import Connection, rows
from broker.ledger.tasks import settle_tasks

CLOSED = "question_closed"
"""Why the task about such a question is settled."""


def close_questions(
    connection: Connection, referrals: Sequence[ReferralId], *, now: datetime, actor: str
) -> None:
    """Close the questions about these locked referrals that no answer can help, and their tasks.

    Called in the transaction of each act that ends a delivery: a return, a recall, a correction
    that takes it back, a hand-over.
    """
    if referrals:
        params = {"referrals": list(referrals), "now": now, "actor": actor}
        over = [row["id"] for row in rows(connection, "question_closings/close_questions", params)]
        settle_tasks(connection, over, because=CLOSED, now=now)
