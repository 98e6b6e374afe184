"""Step 1, accept: turn bytes into committed rows. A referral is accepted when its row is committed.

This step checks only what is needed to store the document; step 2 validates all of it. So a
referral with a fault is stored and answered, and not lost.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.occurrence import occurrence_of
from broker.domain.referral import (
    Accepted,
    Contradiction,
    NewReferral,
    NewVersion,
    Refusal,
)
from broker.domain.task import RefusalTask
from broker.errors import (
    BrokerError,
    Fault,
    Invalid,
    Malformed,
    PolicyError,
    Prohibited,
    ReferenceConflict,
    TooLarge,
)
from broker.failpoints import ACCEPTED
from broker.flow.activity_counter import SENT
from broker.flow.context import Context
from broker.flow.steps import step
from broker.flow.task_queues import ROUTE
from broker.policy.decide import plan_of
from broker.policy.monitoring.task_deadlines import stated_in
from broker.policy.published.policy import Policy
from broker.policy.routing.plan import Plan
from broker.policy.time.calendars import LONDON
from broker.telemetry import error_fields, logger
from broker.tracing import ACCEPT, SpanPart, parent_of
from schemas import documents, repairs, tolerance
from schemas.errors import Unreadable, UnreadableKind
from schemas.formats import Reference

_REFERENCE = re.compile(Reference.pattern)
_SCHEMA = "referral/1"
MOST_ITEMS = 10_000
"""In one list or object of a referral; what is over the limit of its field is shortened."""
_REFUSALS: dict[UnreadableKind, type[Invalid]] = {
    UnreadableKind.MALFORMED: Malformed,
    UnreadableKind.TOO_LARGE: TooLarge,
    UnreadableKind.PROHIBITED: Prohibited,
}
_ANOTHER_DOCUMENT = (
    "Another document came under {key} that was used before ({code}), and was not kept, so no "
    "agency has it: have the publisher send it {remedy}."
)
_REMEDIES = {
    "reference": ("a reference", "as a correction, or under a reference of its own"),
    "idempotency_key": ("an Idempotency-Key", "again with an Idempotency-Key of its own"),
}
"""By what a document contradicts: what it is in words, and what the publisher does about it."""
_log = logger("accept")


@dataclass(frozen=True, slots=True)
class Checked:
    """What would become of a document; nothing is stored."""

    faults: Sequence[Fault]
    defects: Sequence[Fault]
    plan: Plan | None
    """Which agencies would get it, why and by when; None when it would be rejected."""


def screen(
    context: Context,
    publisher: OrganisationCode,
    body: bytes,
    *,
    idempotency_key: str | None,
    actor: str,
    strict: bool = False,
) -> NewReferral:
    """Return what the ledger is to hold for a body, without a query of the ledger.

    ``strict``: its publisher wants to be told of every fault, and that it is refused for any.
    Raises Malformed, TooLarge, Prohibited or Invalid.
    """
    now, document = context.clock(), read(body, strict=strict)
    if strict and (faults := strict_faults(context, document.value)):
        raise Invalid("The referral has faults, and strict handling was asked for.", faults=faults)
    return NewReferral(
        id=ReferralId(context.new_id()),
        publisher=publisher,
        reference=document.value["reference"],
        idempotency_key=idempotency_key,
        digest=document.digest,
        body=document.body,
        accepted_at=now,
        actor=actor,
        occurrence=occurrence_of(document.value),
    )


@contextmanager
def recording_refusals(
    context: Context, publisher: OrganisationCode, body: bytes, *, strict: bool = False
) -> Iterator[None]:
    """Record a body that is refused; ``strict`` is that of ``RefusedBody``."""
    try:
        yield
    except Invalid as error:
        record_refusals(context, [RefusedBody(publisher, body, error, strict=strict)])
        raise


@dataclass(frozen=True, slots=True)
class RefusedBody:
    """A body that is refused, or what was read of it."""

    publisher: OrganisationCode
    body: bytes
    error: Invalid
    strict: bool = False
    """Its publisher asked to be told of faults itself; those alone are not recorded."""
    is_bulk: bool = False
    """It may hold many referrals, so no reference and no grade of one stands for it."""

    @property
    def is_recorded(self) -> bool:
        """Whether it is recorded, and has an owner."""
        return not (self.strict and type(self.error) is Invalid)


def record_refusals(context: Context, refused: Sequence[RefusedBody]) -> None:
    """Record refused bodies in one transaction: digest, size and the reason, and no content.

    Ops and the publisher's supervisor get a task about each, with the deadline of the grade that it
    states.
    """
    recorded = [body for body in refused if body.is_recorded]
    if recorded:
        policy, at = _latest_policy(context), context.clock()
        refusals = [_refusal(policy, body, at) for body in recorded]
        context.ledger.referrals.record_refusals(refusals)


def _refusal(
    policy: Policy | None, refused: RefusedBody, at: datetime
) -> tuple[Refusal, RefusalTask | None]:
    error = refused.error
    refusal = Refusal(
        refused.publisher,
        digest=hashlib.sha256(refused.body).digest(),
        size=len(refused.body),
        reason=error.faults[0].code if error.faults else error.code,
        at=at,
    )
    what = refusal.reason.replace("-", " ")
    message = (
        f"Something was rejected and not stored ({what}). If it was a referral, no agency has it: "
        "have the publisher send it without what is wrong."
    )
    stated = b"" if refused.is_bulk else refused.body
    return refusal, _refusal_task(policy, refusal, stated, message)


def _latest_policy(context: Context) -> Policy | None:
    """Return the policy that sets deadlines; None before the first one."""
    try:
        return context.policies.latest()
    except PolicyError:
        return None


def _refusal_task(
    policy: Policy | None, refusal: Refusal, stated: bytes, message: str
) -> RefusalTask | None:
    """Return the task about a refused body; None without a policy.

    ``stated`` is where its reference and grade are read; empty, it counts as immediate.
    """
    if policy is None:
        return None
    reference, grade = stated_in(stated)
    deadline = policy.task_deadline(grade, refusal.at)
    return RefusalTask(reference, message, deadline, policy.version)


def accept(context: Context, new: Sequence[NewReferral]) -> list[Accepted | ReferenceConflict]:
    """Commit a batch, wake routing, and return the answer to each referral in order.

    Raises ClockApart, and then nothing was accepted.
    """
    context.check_clock()
    with step(context, ACCEPT, _log) as this:
        answers = context.ledger.referrals.accept(new)
        context.hit(ACCEPTED)
        context.wakeups.notify(ROUTE)
        fresh = _fresh(new, answers)
        for referral in fresh:
            context.activity.note(referral.publisher, SENT)
        this.trace(fresh, _span_part)
        if new:
            this.log(count=len(new), duplicates=len(new) - len(fresh))
            this.log_single("referral", answers, lambda answer: answer.id)
            this.log_single("publisher", new, lambda referral: referral.publisher)
    record_unkept(context, _unkept(new, answers))
    return [
        _conflict(answer) if isinstance(answer, Contradiction) else answer for answer in answers
    ]


@dataclass(frozen=True, slots=True)
class UnkeptDocument:
    """A document that could be read and does not fit what the ledger holds, so it is not kept."""

    document: NewReferral | NewVersion
    code: str
    """Of the error that its publisher gets."""
    message: str
    """Of the task about it."""


def contradicting(document: NewReferral | NewVersion, key: str) -> UnkeptDocument:
    """Return another document under a key that was used before; ``key`` as in ``Contradiction``."""
    name, remedy = _REMEDIES[key]
    code = ReferenceConflict.code
    message = _ANOTHER_DOCUMENT.format(key=name, code=code, remedy=remedy)
    return UnkeptDocument(document, code, message)


def record_unkept(context: Context, unkept: Sequence[UnkeptDocument]) -> None:
    """Open a task about each document that was not kept: no agency has it."""
    if not unkept:
        return
    try:
        policy, at = _latest_policy(context), context.clock()
        refusals = [_unkept_refusal(policy, each, at) for each in unkept]
        context.ledger.referrals.record_refusals(refusals)
    except BrokerError as error:  # what was accepted with them stays accepted
        _log.warning("conflicts not recorded", count=len(unkept), **error_fields(error))


def _unkept(
    new: Sequence[NewReferral], answers: Sequence[Accepted | Contradiction]
) -> list[UnkeptDocument]:
    return [
        contradicting(referral, answer.key)
        for referral, answer in zip(new, answers, strict=True)
        if isinstance(answer, Contradiction)
    ]


def _unkept_refusal(
    policy: Policy | None, unkept: UnkeptDocument, at: datetime
) -> tuple[Refusal, RefusalTask | None]:
    document = unkept.document
    refusal = Refusal(
        document.publisher,
        digest=document.digest,
        size=len(document.body),
        reason=unkept.code,
        at=at,
    )
    return refusal, _refusal_task(policy, refusal, document.body, unkept.message)


def _fresh(
    new: Sequence[NewReferral], answers: Sequence[Accepted | Contradiction]
) -> list[NewReferral]:
    """Return what the ledger did not hold before, with this content or another."""
    return [
        referral
        for referral, answer in zip(new, answers, strict=True)
        if isinstance(answer, Accepted) and not answer.duplicate
    ]


def _span_part(referral: NewReferral) -> SpanPart:
    """Return what begins the trace of a referral."""
    return SpanPart(
        referral.id,
        {"publisher": referral.publisher},
        referral.accepted_at,
        parent_of(referral.traceparent),
    )


def check(
    context: Context,
    publisher: OrganisationCode,
    body: bytes,
    *,
    strict: bool = False,
    accepted_at: datetime | None = None,
    areas: Mapping[str, str] | None = None,
) -> Checked:
    """Return what would become of a body, and store nothing. Raises as ``screen`` does.

    ``strict``: every fault counts, also one that would cost only its field. ``accepted_at`` is from
    when its deadlines count, instead of now; ``areas`` is where people live, by local id, beside
    what the document says.
    """
    now, policy = context.clock(), context.policies.latest()
    document = read(body, strict=strict).value
    today = now.astimezone(LONDON).date()
    checked = tolerance.load(document, today=today, areas=policy.gazetteer, received_at=now)
    if checked.referral is None or (strict and checked.faults):
        return Checked(checked.faults, checked.defects, None)
    plan = plan_of(
        checked,
        document,
        publisher=publisher,
        policy=policy,
        accepted_at=accepted_at or now,
        now=now,
        areas=areas or {},
    )
    return Checked((), checked.defects, plan)


def strict_faults(context: Context, document: Mapping[str, Any]) -> list[Fault]:
    """Return every fault for which strict handling refuses a document.

    Before the first policy any area passes.
    """
    try:
        areas = context.policies.latest().gazetteer
    except PolicyError:
        areas = None
    today = context.clock().astimezone(LONDON).date()
    return tolerance.load(document, today=today, areas=areas).faults


def read(body: bytes, *, strict: bool = False) -> documents.Document:
    """Parse a body into a document with a reference and a known schema.

    A body that is nearly JSON is mended, unless handling is ``strict``.
    Raises Malformed, TooLarge, Prohibited or Invalid.
    """
    try:
        return _read(body)
    except Invalid as invalid:
        mended = None if strict else _mended(body, invalid)
        if mended is None:
            raise
        try:
            return _read(mended)
        except Prohibited:
            raise
        except Invalid:
            raise invalid from None


def _mended(body: bytes, invalid: Invalid) -> bytes | None:
    """Return a body in which what was wrong is mended, or None where nothing may mend it."""
    if type(invalid) is Malformed:
        mended = repairs.mend(body, most_items=MOST_ITEMS)
        return None if mended is None or len(mended) > documents.SIZE_LIMIT else mended
    return repairs.mend_envelope(body) if type(invalid) is Invalid else None


def _read(body: bytes) -> documents.Document:
    try:
        document = documents.read(body, most_items=MOST_ITEMS, may_link=True)
    except Unreadable as unreadable:
        raise refusal_of(unreadable) from unreadable
    faults = _unanswerable(document)
    if faults:
        raise Invalid("This is not a referral that can be stored.", faults=faults)
    return document


def _unanswerable(document: documents.Document) -> list[Fault]:
    faults = []
    reference = document.value.get("reference")
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        message = "Give your own reference: 1 to 64 letters, digits, '.', '_', '/' or '-'."
        faults.append(Fault("/reference", "bad-reference", message))
    if document.value.get("schema") != _SCHEMA:
        message = f'Name the schema of this document: "schema": "{_SCHEMA}".'
        faults.append(Fault("/schema", "unknown-schema", message))
    return faults


def refusal_of(unreadable: Unreadable) -> Invalid:
    """Return the broker's own error for a body that could not be read."""
    faults = unreadable.faults
    return _REFUSALS[unreadable.kind](faults[0].message, faults=faults)


def _conflict(contradiction: Contradiction) -> ReferenceConflict:
    key = "reference" if contradiction.key == "reference" else "Idempotency-Key"
    return ReferenceConflict(
        f"Another document was accepted under this {key} before. Nothing was changed: send the "
        f"same document again, or use a new {key}."
    )
