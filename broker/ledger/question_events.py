"""What the history has of questions: that they were asked, answered or closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from broker.ledger.database import Connection, json_text, rows

ASKED, ANSWERED = "delivery.question_asked", "delivery.question_answered"
CLOSED = "delivery.question_closed"


def note_questions(
    connection: Connection,
    kind: str,
    questions: Mapping[UUID, Mapping[str, Any]],
    *,
    now: datetime,
    actor: str,
) -> None:
    """Write an event of a kind for each question, with its data: ids and codes only.

    Called in the transaction of the act.
    """
    if questions:
        params = {
            "kind": kind,
            "ids": list(questions),
            "data": [json_text(data) for data in questions.values()],
        }
        rows(connection, "question_events/note_questions", {**params, "now": now, "actor": actor})
