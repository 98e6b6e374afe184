"""What people of a publisher do: write a draft, check it, send it, correct and recall a referral.

A document goes in by the same functions as through the API, in the name of the person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from broker.admin import membership
from broker.domain.codes import DraftEnd, RecallReason
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.referral import Accepted, Recalled, ReferralStatus
from broker.domain.states import ReferralState
from broker.errors import BrokerError, Conflict, Fault, Invalid, NotFound
from broker.flow import accept
from broker.flow import correct as corrections
from broker.flow.context import Context
from broker.intake.base import Submission, take_in
from broker.ledger.drafts import ChangedDraft, Draft, EndedDraft, NewDraft
from broker.ledger.members import SignedInMember
from broker.policy.routing.plan import Plan
from broker.referral_form.page_answers import NEEDED
from schemas import referral
from schemas.formats import Reference

DRAFT_FOR = timedelta(days=14)
"""A draft that nobody saves for so long is erased."""
MOST_DRAFTS = 200
"""Of one publisher, so that nobody can fill the ledger."""
LISTED = 50
"""Referrals sent and drafts that are listed."""
_REFERENCE = re.compile(Reference.pattern.replace("$", r"\Z"))
_ANSWERED = ("-not-asked", "-refused")
"""Ends of codes of defects that say why something is not known and will not come."""
BEING_SENT = "Somebody is sending this draft. Wait a minute, then try again."
CHANGED = "Somebody saved this draft after you opened the page. Look at it again."


class AlreadySent(NotFound):
    """The draft was sent: there is a referral in its place."""

    code = "already-sent"

    def __init__(self, referral: ReferralId) -> None:
        super().__init__("This draft was sent.")
        self.referral = referral


@dataclass(frozen=True, slots=True)
class Review:
    """What would become of a draft if it were sent now."""

    missing: Sequence[Fault]
    """Answers that are needed before it can be sent."""
    defects: Sequence[Fault]
    """What is sent all the same, marked as not valid or not known."""
    plan: Plan | None
    """Who would get it, as the API's check says; None where it could not be sent."""

    @property
    def unanswered(self) -> list[Fault]:
        """The defects that an answer would end; that nobody asked, or refused to say, is one."""
        return [defect for defect in self.defects if not defect.code.endswith(_ANSWERED)]

    @property
    def is_ready(self) -> bool:
        """Whether it can be sent."""
        return not self.missing and self.plan is not None


def begin(context: Context, member: SignedInMember, reference: str) -> UUID:
    """Begin a draft of a new referral; return its id. Raises Invalid, and Conflict at the limit."""
    reference = reference.strip()
    if not _REFERENCE.fullmatch(reference):
        raise _about_reference(
            "Enter a reference of up to 64 letters, digits, dots, slashes and hyphens."
        )
    known = context.ledger.queries.referral(member.organisation, reference=reference)
    if known is not None and known.state is not ReferralState.REJECTED:
        raise _about_reference(
            "Your force has sent a referral under this reference. Correct that one, or use "
            "another reference."
        )
    person = membership.member(context, member.organisation, member.id)
    referrer = {"name": person.name, "email": person.email}
    document = {"schema": "referral/1", "reference": reference, "referrer": referrer}
    if draft := _begun(context, member, reference, document):
        return draft
    drafts = context.ledger.drafts.open_of(member.organisation, reference=reference, limit=1)
    if drafts:
        raise _about_reference("Your force has a draft under this reference. Open that one.")
    raise _too_many()


def begin_correction(context: Context, member: SignedInMember, id_: ReferralId) -> UUID:
    """Begin a draft that corrects a referral, or return the one that there is.

    Raises NotFound for what is not their force's, and Conflict for what cannot be corrected here.
    """
    status = sent(context, member, id_)
    if status.recalled_at or status.state is ReferralState.REJECTED:
        raise Conflict("This referral cannot be corrected: no agency has it.")
    if draft := _open_correction(context, member, status.reference):
        return draft
    document = _content(context, id_)
    if document is None:
        raise Conflict(
            "Your force’s system wrote this referral in a form that these pages cannot change. "
            "Correct it there."
        )
    draft = _begun(context, member, status.reference, document, corrects=status)
    # A colleague may have begun one meanwhile.
    draft = draft or _open_correction(context, member, status.reference)
    if draft is None:
        raise _too_many()
    return draft


def _open_correction(context: Context, member: SignedInMember, reference: str) -> UUID | None:
    """Return the correction that is being written. Raises Conflict for a new referral."""
    drafts = context.ledger.drafts.open_of(member.organisation, reference=reference, limit=1)
    if drafts and drafts[0].corrects is None:
        raise Conflict(
            "Your force has a draft of a new referral under this reference. Delete that one first."
        )
    return drafts[0].id if drafts else None


def _too_many() -> Conflict:
    return Conflict(f"Your force has {MOST_DRAFTS} drafts. Send or delete some of them first.")


def _begun(
    context: Context,
    member: SignedInMember,
    reference: str,
    document: Mapping[str, Any],
    *,
    corrects: ReferralStatus | None = None,
) -> UUID | None:
    now, id_ = context.clock(), context.new_id()
    new = NewDraft(
        id=id_,
        publisher=member.organisation,
        reference=reference,
        body=orjson.dumps(document),
        member=member.id,
        expires_at=now + DRAFT_FOR,
        corrects=corrects.id if corrects else None,
        version=corrects.version if corrects else None,
    )
    return id_ if context.ledger.drafts.begin(new, most=MOST_DRAFTS, now=now) else None


def _content(context: Context, id_: ReferralId) -> dict[str, Any] | None:
    """Return the newest version of a referral; None where the form could not keep all of it."""
    body = context.ledger.queries.content(id_)
    try:
        document = orjson.loads(body or b"")
    except ValueError:
        return None
    loaded = referral.load(document, today=context.clock().date())
    shapes = ("wrong-type", "unknown-field")
    is_usual = isinstance(document, dict) and not any(
        fault.code in shapes for fault in loaded.faults
    )
    return document if is_usual else None


def open_draft(context: Context, member: SignedInMember, id_: UUID) -> Draft:
    """Return a draft of the member's organisation. Raises AlreadySent and NotFound."""
    draft = context.ledger.drafts.draft(member.organisation, id_)
    if draft and draft.referral:
        raise AlreadySent(draft.referral)
    if draft is None or draft.ended_because:
        raise NotFound("There is no such draft. Somebody has deleted it, or it was too old.")
    return draft


def document_of(draft: Draft) -> dict[str, Any]:
    """Return the document as far as it is written."""
    document: dict[str, Any] = orjson.loads(draft.body)
    return document


def save(
    context: Context,
    member: SignedInMember,
    draft: Draft,
    document: Mapping[str, Any],
    *,
    revision: int,
    number: int = 0,
) -> int | None:
    """Save a draft; return its new revision, None where somebody saved it after ``revision``.

    ``number`` is the highest that was given in a local id. None too while somebody is sending it.
    Raises TooLarge, and Prohibited for what may not be stored at all, such as an image in a text.
    """
    body = orjson.dumps(document)
    accept.read(body, strict=True)
    now = context.clock()
    changed = ChangedDraft(
        publisher=member.organisation,
        id=draft.id,
        revision=revision,
        body=body,
        member=member.id,
        expires_at=now + DRAFT_FOR,
        number=number,
    )
    return context.ledger.drafts.save(changed, now=now)


def review(context: Context, publisher: OrganisationCode, draft: Draft) -> Review:
    """Return what would become of a draft: the check that the API has. Stores nothing."""
    missing = [
        fault for fault in accept.strict_faults(context, document_of(draft)) if fault.code in NEEDED
    ]
    checked = accept.check(context, publisher, draft.body)
    return Review(missing or checked.faults, checked.defects, checked.plan)


def send(context: Context, member: SignedInMember, draft: Draft, *, revision: int) -> ReferralId:
    """Send a draft as it stood at a revision; return the referral's id.

    Repeating it is harmless. Raises Invalid with what is missing; Conflict where the draft, or the
    referral that it corrects, was changed meanwhile; and as accepting does.
    """
    if not review(context, member.organisation, draft).is_ready:
        raise Invalid("Something is missing. Nothing was sent.")
    drafts, publisher = context.ledger.drafts, member.organisation
    now = context.clock()
    # From here on nobody saves: the end of the draft would erase what they wrote.
    sent_at = draft.revision == revision and drafts.begin_sending(
        publisher, draft.id, revision=revision, now=now
    )
    if not sent_at:
        raise Conflict(CHANGED)
    try:
        accepted = _corrected(context, member, draft) or _published(context, member, draft)
    except BaseException:
        drafts.end_sending(publisher, draft.id, revision=sent_at)
        raise
    ended = EndedDraft(
        publisher=publisher,
        id=draft.id,
        because=DraftEnd.SENT,
        member=member.id,
        referral=accepted.id,
        revision=sent_at,
    )
    drafts.end(ended, now=context.clock())
    return accepted.id


def _published(context: Context, member: SignedInMember, draft: Draft) -> Accepted:
    submission = Submission(member.organisation, draft.body, actor=member.actor)
    (answer,) = take_in(context, [submission])
    if isinstance(answer, BrokerError):
        raise answer
    return answer


def _corrected(context: Context, member: SignedInMember, draft: Draft) -> Accepted | None:
    if draft.corrects is None:
        return None
    return corrections.correct(
        context,
        member.organisation,
        draft.corrects,
        draft.body,
        idempotency_key=f"draft:{draft.id}",
        actor=member.actor,
        expected_version=draft.version,
    )


def delete(context: Context, member: SignedInMember, draft: Draft, *, revision: int) -> None:
    """Delete a draft: its content is erased, and the record of who wrote it stays.

    Raises Conflict where somebody saved it after ``revision``, or is sending it.
    """
    now = context.clock()
    if draft.is_being_sent(now):
        raise Conflict(BEING_SENT)
    ended = EndedDraft(
        publisher=member.organisation,
        id=draft.id,
        because=DraftEnd.DELETED,
        member=member.id,
        revision=revision,
    )
    if draft.revision != revision or not context.ledger.drafts.end(ended, now=now):
        raise Conflict(CHANGED)


def sent(context: Context, member: SignedInMember, id_: ReferralId) -> ReferralStatus:
    """Return a referral of the member's organisation, as its publisher sees it. Raises NotFound."""
    status = context.ledger.queries.referral(member.organisation, id=id_)
    if status is None:
        raise corrections.unknown_referral(context, id_)
    return status


def recall(
    context: Context,
    member: SignedInMember,
    id_: ReferralId,
    reason: RecallReason,
    *,
    expected_version: int | None,
) -> Recalled:
    """Recall a referral in the member's name, as ``corrections.recall`` does."""
    return corrections.recall(
        context,
        member.organisation,
        id_,
        reason,
        by=member.name,
        actor=member.actor,
        expected_version=expected_version,
    )


def _about_reference(message: str) -> Invalid:
    return Invalid("Check what you entered.", faults=[Fault("/reference", "reference", message)])
