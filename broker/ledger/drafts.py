"""Referrals and corrections that people of a publisher write, saved until they are sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from broker.domain.codes import DraftEnd, Milestone
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.states import ReferralState
from broker.ledger.database import Part


@dataclass(frozen=True, slots=True)
class NewDraft:
    """A draft that somebody begins."""

    id: UUID
    publisher: OrganisationCode
    reference: str
    body: bytes = field(repr=False)
    member: UUID
    """Who begins it."""
    expires_at: datetime
    corrects: ReferralId | None = None
    version: int | None = None
    """Of a correction: the version that it corrects."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it was last saved."""

    id: UUID
    reference: str
    corrects: ReferralId | None
    """The referral that it corrects; None for a new one."""
    version: int | None
    """Of a correction: the version that it corrects."""
    revision: int
    """Grows with each save."""
    began_at: datetime
    saved_at: datetime
    saved_by: UUID
    saver: str
    """The name of who saved it last."""
    expires_at: datetime
    body: bytes = field(default=b"", repr=False)
    """The document as far as it is written; empty in lists, and once it has ended."""
    ended_because: str | None = None
    referral: ReferralId | None = None
    """What it became, where it was sent."""


@dataclass(frozen=True, slots=True)
class SentReferral:
    """A referral that was sent with the pages, and what became of it."""

    id: ReferralId
    reference: str
    state: ReferralState
    version: int
    recalled_at: datetime | None
    effective_grade: str | None
    sent_at: datetime
    sender: str
    agencies: int
    """Agencies that have a part of it."""
    acknowledged: int
    """Of these, those where a person has it."""
    late: int
    """Of these, those whose next deadline has passed."""


@dataclass(frozen=True, slots=True)
class NextDeadline:
    """What an agency must do next, and by when; it may have passed."""

    milestone: Milestone
    due_at: datetime


class Drafts(Part):
    """Drafts of publishers; nobody reads one of another publisher."""

    def begin(self, new: NewDraft, *, most: int, now: datetime) -> bool:
        """Begin a draft; False where there is one of this reference, or there are ``most``."""
        params = {
            "id": new.id,
            "publisher": new.publisher,
            "reference": new.reference,
            "corrects": new.corrects,
            "version": new.version,
            "body": new.body,
            "member": new.member,
            "expires_at": new.expires_at,
            "most": most,
        }
        return bool(self._rows("drafts/begin", {**params, "now": now}))

    def draft(self, publisher: OrganisationCode, id_: UUID) -> Draft | None:
        """Return a draft with its content, or how it ended; None where its publisher has none."""
        drafts = self._rows("drafts/draft", {"publisher": publisher, "id": id_})
        return Draft(**drafts[0]) if drafts else None

    def open_of(
        self, publisher: OrganisationCode, *, reference: str | None = None, limit: int
    ) -> list[Draft]:
        """Return the drafts of a publisher, or that of a reference, without content."""
        params = {"publisher": publisher, "reference": reference, "limit": limit}
        return [Draft(**row) for row in self._rows("drafts/open_of", params)]

    def save(  # noqa: PLR0913  each is a fact about the save
        self,
        publisher: OrganisationCode,
        id_: UUID,
        body: bytes,
        *,
        revision: int,
        member: UUID,
        now: datetime,
        expires_at: datetime,
    ) -> int | None:
        """Save a draft as it is now; return its new revision, None where ``revision`` is old."""
        params = {"publisher": publisher, "id": id_, "body": body, "revision": revision}
        saved = self._rows(
            "drafts/save", {**params, "member": member, "now": now, "expires_at": expires_at}
        )
        return int(saved[0]["revision"]) if saved else None

    def end(  # noqa: PLR0913  each is a fact about the end
        self,
        publisher: OrganisationCode,
        id_: UUID,
        because: DraftEnd,
        *,
        member: UUID,
        now: datetime,
        referral: ReferralId | None = None,
        revision: int | None = None,
    ) -> bool:
        """End a draft and erase its content; False where it has ended, or ``revision`` is old.

        ``referral`` is what it became, where it was sent. What was sent ends at any revision.
        """
        params = {"publisher": publisher, "id": id_, "because": because, "referral": referral}
        params |= {"member": member, "now": now, "revision": revision}
        return bool(self._rows("drafts/end", params))

    def expire(self, *, now: datetime, limit: int) -> int:
        """End the drafts that nobody has saved for too long; return how many."""
        return len(self._rows("drafts/expire", {"now": now, "limit": limit}))

    def sent(
        self, publisher: OrganisationCode, *, member: UUID | None, now: datetime, limit: int
    ) -> list[SentReferral]:
        """Return what people of a publisher sent, or one of them, newest first."""
        params = {"publisher": publisher, "member": member, "now": now, "limit": limit}
        rows = self._rows("drafts/sent", params)
        return [SentReferral(**{**row, "state": ReferralState(row["state"])}) for row in rows]

    def deadlines(
        self, publisher: OrganisationCode, referral: ReferralId
    ) -> dict[DeliveryId, NextDeadline | None]:
        """Return the next deadline of each open delivery of a referral; None: it is paused."""
        rows = self._rows("drafts/deadlines", {"publisher": publisher, "referral": referral})
        return {
            DeliveryId(row["id"]): NextDeadline(Milestone(row["milestone"]), row["due_at"])
            if row["due_at"]
            else None
            for row in rows
        }
