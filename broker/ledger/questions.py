"""Questions of agencies about what they have, and the answers of the police."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.notice import NewNotice
from broker.domain.question import (
    POINTER,
    AnswerReader,
    AskedAbout,
    NewAnswer,
    NewQuestion,
    Question,
    WaitingQuestion,
    WaitingQuestions,
)
from broker.domain.states import DeliveryState
from broker.domain.task import QUESTION_ASKED, NewTask
from broker.ledger import question_events
from broker.ledger.alarms import add_notices
from broker.ledger.database import Connection, Part, rows
from broker.ledger.question_events import note_questions
from broker.ledger.receipts import lock_referrals
from broker.ledger.tasks import open_tasks, settle_tasks

ANSWERED = "answered"
"""Why the task about a question is settled."""
MOST = 50
"""Questions about one delivery."""


class Questions(Part):
    """Questions about deliveries, and their answers. Neither ever changes."""

    def ask(
        self,
        agency: OrganisationCode,
        new: NewQuestion,
        *,
        states: Collection[DeliveryState],
        actor: str,
        now: datetime,
        task: Callable[[AskedAbout], NewTask],
    ) -> bool:
        """Write a question, and open the task about it.

        False where the agency may not see the delivery or has it no longer, where it has ``MOST``
        questions, and where the question was written before.
        """
        params = {
            "id": new.id,
            "delivery": new.delivery,
            "agency": agency,
            "member": new.member,
            "by": new.asked_by,
            "topic": new.topic,
            "text": new.text,
            "states": sorted(states),
            "most": MOST,
            "now": now,
        }
        with self._transaction() as connection:
            lock_referrals(connection, [new.delivery])
            asked = rows(connection, "questions/ask", params)
            if not asked:
                return False
            topic = {new.id: {"topic": new.topic}}
            note_questions(connection, question_events.ASKED, topic, now=now, actor=actor)
            tasks = [task(AskedAbout(**row)) for row in asked]
            open_tasks(connection, tasks, now=now, actor=actor)
            return True

    def answer(
        self,
        publisher: OrganisationCode,
        question: Question,
        new: NewAnswer,
        *,
        actor: str,
        now: datetime,
        notice: Callable[[AnswerReader], NewNotice] | None,
    ) -> bool:
        """Write the answer to a question, settle its task, and ask for the notices of it.

        ``notice`` returns the notice to one who is told of the answer; None: nobody is.
        False where the question is not open any more, or the referral has no such version.
        """
        params = {
            "id": new.question,
            "publisher": publisher,
            "by": new.given_by,
            "text": new.text,
            "version": new.version,
            "now": now,
        }
        with self._transaction() as connection:
            lock_referrals(connection, [question.delivery])
            if not rows(connection, "questions/answer", params):
                return False
            version = {new.question: {"version": new.version}}
            note_questions(connection, question_events.ANSWERED, version, now=now, actor=actor)
            over = _tasks_over(connection, question)
            settle_tasks(connection, over, because=ANSWERED, now=now)
            notices = (
                [notice(reader) for reader in _readers(connection, question)] if notice else []
            )
            add_notices(connection, notices, now)
            return True

    def questions(  # noqa: PLR0913  each narrows the list
        self,
        *,
        id: UUID | None = None,
        publisher: OrganisationCode | None = None,
        agency: OrganisationCode | None = None,
        referral: ReferralId | None = None,
        delivery: DeliveryId | None = None,
        is_open: bool = False,
        limit: int,
    ) -> list[Question]:
        """Return questions with their answers, the latest first; None is any.

        ``agency``: those that it asked, and about a part that it has from the team that asked.
        ``is_open``: those that are neither answered nor closed.
        """
        params = {
            "id": id,
            "publisher": publisher,
            "agency": agency,
            "referral": referral,
            "delivery": delivery,
            "open": is_open,
            "limit": limit,
        }
        return [Question(**row) for row in self._planned("questions/questions", params)]

    def waiting_questions(self, *, now: datetime, limit: int, offset: int = 0) -> WaitingQuestions:
        """Return a page of the questions that wait for the police, and how many do in all.

        A page beyond the last one has neither questions nor counts.
        """
        params = {
            "code": QUESTION_ASKED,
            "prefix": POINTER,
            "now": now,
            "limit": limit,
            "offset": offset,
        }
        selected = self._planned("questions/waiting_questions", params)
        if not selected:
            return WaitingQuestions(0, 0, ())
        total, late = selected[0]["total"], selected[0]["late"]
        names = [field.name for field in fields(WaitingQuestion)]
        page = [WaitingQuestion(**{name: row[name] for name in names}) for row in selected]
        return WaitingQuestions(total, late, page)


def _tasks_over(connection: Connection, question: Question) -> list[UUID]:
    params = {"referral": question.referral, "pointer": question.task_pointer}
    return [row["id"] for row in rows(connection, "questions/tasks_over", params)]


def _readers(connection: Connection, question: Question) -> list[AnswerReader]:
    return [
        AnswerReader(**row) for row in rows(connection, "questions/readers", {"id": question.id})
    ]
