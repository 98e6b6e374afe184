"""Questions of an agency's people to the police, and the answers of the police."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from broker.domain.codes import Grade
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.domain.question import AskedAbout, NewAnswer, NewQuestion, Question, task_pointer
from broker.domain.states import DeliveryState
from broker.domain.task import QUESTION_ASKED, NewTask, Task
from broker.errors import Conflict, Fault, Invalid, NotFound
from broker.flow import inbox_notices
from broker.flow.context import Context
from broker.ledger.members import SignedInMember
from broker.ledger.questions import MOST
from broker.policy.published.policy import Policy
from schemas import requests

ASKABLE = (DeliveryState.COLLECTED, DeliveryState.ACKNOWLEDGED, DeliveryState.DECIDED)
"""The states in which an agency still has what it asks about."""
_MISSING = {"topic": "Choose what it is about.", "text": "Write your question."}
_NONE = "No question about a referral of yours has this ID."


def ask(
    context: Context,
    member: SignedInMember,
    delivery: DeliveryId,
    *,
    id: UUID,
    form: Mapping[str, str],
) -> None:
    """Ask the police about a delivery. The same question again, by its id, is asked once.

    Raises Invalid with the fault of each field, NotFound, and Conflict where too much was asked,
    or something else with the same id.
    """
    new = _checked(member, delivery, id, form)
    # Read first: a second connection inside the transaction could be the last of the pool.
    policy, now = context.policies.latest(), context.clock()
    is_asked = context.ledger.questions.ask(
        member.organisation,
        new,
        states=ASKABLE,
        actor=member.actor,
        now=now,
        task=lambda about: _task(policy, member, new, about, now),
    )
    if is_asked or _is_repeated(context, member, new):
        return
    if context.ledger.deliveries.delivery(member.organisation, delivery) is None:
        raise NotFound("There is no such referral in your inbox.")
    if len(context.ledger.questions.questions(delivery=delivery, limit=MOST)) == MOST:
        raise Conflict(f"You have asked {MOST} questions about this. Call the officer instead.")
    raise Conflict("You do not have this referral any more. Nothing was sent.")


def _checked(
    member: SignedInMember, delivery: DeliveryId, id_: UUID, form: Mapping[str, str]
) -> NewQuestion:
    """Return the question that a form holds. Raises Invalid with the fault of each field."""
    names = ("topic", "text")
    given = {name: form[name].strip() for name in names if form.get(name, "").strip()}
    loaded = requests.load(requests.QUESTION, given)
    if loaded.value is None:
        found = {fault.pointer.strip("/"): fault for fault in loaded.faults}
        faults = [
            Fault(found[name].pointer, found[name].code, found[name].message)
            if name in given and found[name].code != "required"
            else Fault(f"/{name}", "required", _MISSING[name])
            for name in names
            if name in found
        ]
        raise Invalid("Check what you entered.", faults=faults)
    question = loaded.value
    return NewQuestion(id_, delivery, member.id, member.name, str(question.topic), question.text)


def _is_repeated(context: Context, member: SignedInMember, new: NewQuestion) -> bool:
    """Tell whether this very question was asked before. Raises Conflict for another one."""
    asked = context.ledger.questions.questions(id=new.id, agency=member.organisation, limit=1)
    if not asked:
        return False
    (known,) = asked
    before = (known.delivery, known.member, known.topic, known.text)
    if before == (new.delivery, new.member, new.topic, new.text):
        return True
    raise Conflict(
        "You have sent another question with this form already. Open it anew to ask one more."
    )


def _task(
    policy: Policy, member: SignedInMember, new: NewQuestion, about: AskedAbout, now: datetime
) -> NewTask:
    """Return the task about a question. What is asked is no part of it."""
    return NewTask(
        Task(
            QUESTION_ASKED,
            task_pointer(new.id),
            f"{member.organisation_name} has asked the police a question and waits for an answer.",
        ),
        about.referral,
        about.publisher,
        about.reference,
        about.version,
        policy.task_deadline(Grade(about.grade), now),
        policy.version,
    )


def answer(
    context: Context,
    publisher: OrganisationCode,
    id_: UUID,
    given: requests.GivenAnswer,
    *,
    actor: str,
) -> Question:
    """Answer a question about a publisher's own referral; return it. May be repeated.

    Raises NotFound, Invalid for a version that the referral does not have, and Conflict where
    there is another answer, or the agency no longer has the referral.
    """
    question = _question(context, publisher, id_)
    new = NewAnswer(id_, given.by, given.text, given.version)
    is_written = context.ledger.questions.answer(
        publisher,
        question,
        new,
        actor=actor,
        now=context.clock(),
        notice=inbox_notices.answered(context, id_),
    )
    now_asked = _question(context, publisher, id_)
    if is_written or _is_answer(now_asked, new):
        return now_asked
    if now_asked.answered_at is not None:
        raise Conflict("This question has another answer already. Nothing was changed.")
    if now_asked.closed_at is not None:
        raise Conflict(f"{now_asked.agency_name} no longer has this referral. Nothing was sent.")
    message = "The referral has no such version. Send the correction first."
    raise Invalid(message, faults=[Fault("/version", "unknown-version", message)])


def _question(context: Context, publisher: OrganisationCode, id_: UUID) -> Question:
    known = context.ledger.questions.questions(id=id_, publisher=publisher, limit=1)
    if not known:
        raise NotFound(_NONE)
    return known[0]


def _is_answer(question: Question, new: NewAnswer) -> bool:
    given = (question.answered_by, question.answer, question.version)
    return given == (new.given_by, new.text, new.version)
