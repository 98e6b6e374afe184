"""What every intake is, and how it hands over what came in.

``docs/contributing/add-an-intake.md`` shows how to add one.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from broker.declared_settings import DeclaresSettings
from broker.domain.ids import OrganisationCode
from broker.domain.referral import Accepted, NewReferral
from broker.errors import BrokerError, Invalid
from broker.flow.accept import RefusedBody, accept, record_refusals, screen
from broker.flow.context import Context


@dataclass(frozen=True, slots=True)
class IntakeForm:
    """What is said of an intake in the documents and by ``broker doctor``."""

    name: str
    summary: str
    """How something comes in, in one sentence."""


class Intake(DeclaresSettings, ABC):
    """A way in which referrals, or agencies' answers, come in.

    ``settings`` are its own; where one that is needed is missing, no process opens it.
    """

    form: ClassVar[IntakeForm]

    @classmethod
    @abstractmethod
    def open(cls, context: Context) -> Self:
        """Return the intake for one process; open it after any fork."""

    def close(self) -> None:
        """Finish what was taken in, and end connections."""
        return


class PolledIntake(Intake):
    """An intake that fetches what comes in. Every worker runs it in a thread of its own."""

    @abstractmethod
    def run(self, stopping: threading.Event) -> None:
        """Take in what comes until ``stopping`` is set, which it looks at once a second or more.

        What was fetched is acknowledged to the other side only after ``take_in`` has returned.
        When this raises, the worker closes the intake and opens it again a second later.
        """


@dataclass(frozen=True, slots=True)
class Submission:
    """One document from a publisher whose credentials the intake has checked."""

    publisher: OrganisationCode
    body: bytes
    actor: str
    """Who is named in the history: ``key:<credential>``."""
    idempotency_key: str | None = None
    traceparent: str | None = None
    """The publisher's own span (W3C Trace Context)."""
    strict: bool = False
    """Whether its publisher asked to be refused for every fault (RFC 7240)."""


def take_in(context: Context, submissions: Sequence[Submission]) -> list[Accepted | BrokerError]:
    """Accept a batch in one commit, and answer for each submission in order.

    Invalid and ReferenceConflict are answers: such a document was not accepted, and stops no
    other. A repeated one is accepted as before, under the same id. Raises Unavailable when nothing
    is known to be committed; the same batch may then come again.
    """
    looked_over = screened_or_recorded(context, submissions)
    answers = iter(accept(context, [new for new in looked_over if isinstance(new, NewReferral)]))
    return [next(answers) if isinstance(new, NewReferral) else new for new in looked_over]


def screened(context: Context, submission: Submission) -> NewReferral:
    """Return what the ledger is to hold for a document, without a query of the ledger.

    Raises Invalid, and records nothing of it.
    """
    new = screen(
        context,
        submission.publisher,
        submission.body,
        idempotency_key=submission.idempotency_key,
        actor=submission.actor,
        strict=submission.strict,
    )
    return replace(new, traceparent=submission.traceparent) if submission.traceparent else new


def screened_or_recorded(
    context: Context, submissions: Sequence[Submission]
) -> list[NewReferral | Invalid]:
    """Do the same with each, in order: one that is refused stops no other, and is returned.

    What is refused is recorded in one transaction, by its digest and without content.
    """
    results = [_screened_or_refused(context, submission) for submission in submissions]
    record_refusals(
        context,
        [
            RefusedBody(submission.publisher, submission.body, result, strict=submission.strict)
            for submission, result in zip(submissions, results, strict=True)
            if isinstance(result, Invalid)
        ],
    )
    return results


def _screened_or_refused(context: Context, submission: Submission) -> NewReferral | Invalid:
    try:
        return screened(context, submission)
    except Invalid as error:
        return error
