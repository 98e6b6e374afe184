"""What an agency asks the police about a delivery, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question that somebody asks about a delivery of their agency."""

    id: UUID
    """Chosen when the page is shown, so that sending it twice asks once."""
    delivery: DeliveryId
    member: UUID
    asked_by: str
    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """What a publisher answers: a text, or the version of the referral that answers, or both."""

    question: UUID
    given_by: str
    text: str | None
    version: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a delivery, with its answer once there is one."""

    id: UUID
    delivery: DeliveryId
    referral: ReferralId
    reference: str
    publisher: OrganisationCode
    agency: OrganisationCode
    agency_name: str
    at: datetime
    member: UUID
    asked_by: str
    topic: str
    text: str
    answered_at: datetime | None
    answered_by: str | None
    answer: str | None
    version: int | None
    """The version of the referral that answers it."""
    closed_at: datetime | None = None
    """When it was closed without an answer; None while it is open, and when it was answered."""
    closed_because: str | None = None
    """A code of ``broker.domain.codes.QuestionEnd``."""

    @property
    def task_pointer(self) -> str:
        """What the task about it points to."""
        return task_pointer(self.id)


POINTER = "/questions/"


def task_pointer(question: UUID) -> str:
    """Return what the task about a question points to: each question has a task of its own."""
    return f"{POINTER}{question}"


@dataclass(frozen=True, slots=True)
class WaitingQuestion:
    """A question that the police have not answered: who waits for whom, without its words."""

    question: UUID
    task: UUID
    due_at: datetime
    asked_at: datetime
    agency: OrganisationCode
    """Who asked."""
    publisher: OrganisationCode
    """Who owes the answer."""
    referral: ReferralId
    reference: str


@dataclass(frozen=True, slots=True)
class WaitingQuestions:
    """A page of the questions that wait for an answer, the first deadline first."""

    total: int
    late: int
    questions: Sequence[WaitingQuestion]


@dataclass(frozen=True, slots=True)
class AskedAbout:
    """The referral that a question is about, as its task needs it."""

    referral: ReferralId
    publisher: OrganisationCode
    reference: str
    version: int
    grade: str


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """A member who is told that a question is answered, and the delivery that shows them that."""

    delivery: DeliveryId
    agency: OrganisationCode
    referral: ReferralId
    member: UUID
