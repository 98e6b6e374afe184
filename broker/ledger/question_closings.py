"""Questions that are closed because their agencies no longer have what they asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from broker.domain.ids import ReferralId
from broker.ledger import question_events
from broker.ledger.database import Connection, rows
from broker.ledger.question_events import note_questions
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
        params = {"referrals": list(referrals), "now": now}
        closed = rows(connection, "question_closings/close_questions", params)
        causes = {row["question"]: {"because": row["because"]} for row in closed}
        note_questions(connection, question_events.CLOSED, causes, now=now, actor=actor)
        over = [row["task"] for row in closed if row["task"] is not None]
        settle_tasks(connection, over, because=CLOSED, now=now)
