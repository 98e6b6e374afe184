"""Referrals and corrections that people of a publisher write, saved until they are sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from broker.domain.codes import DraftEnd
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.notice import NewNotice
from broker.domain.states import ReferralState
from broker.ledger.alarms import add_notices
from broker.ledger.database import Part, rows

SENDING_FOR = timedelta(minutes=1)
"""For so long nobody saves a draft that is being sent: longer than sending can take."""


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
    last_number: int = 0
    """The highest number of the local ids that were given in it; none is given twice."""
    sending_at: datetime | None = None
    """Since when somebody is sending it."""

    def is_being_sent(self, now: datetime) -> bool:
        """Tell whether somebody is sending it, and nobody saves it meanwhile."""
        return self.sending_at is not None and now - self.sending_at <= SENDING_FOR


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
class ExpiringDraft:
    """A draft that expires soon, and a member who is told of it."""

    draft: UUID
    publisher: OrganisationCode
    expires_at: datetime
    member: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedDraft:
    """A draft as a person of its publisher saves it."""

    publisher: OrganisationCode
    id: UUID
    revision: int
    """The one that was changed."""
    body: bytes = field(repr=False)
    member: UUID
    expires_at: datetime
    number: int = 0
    """The highest that was given in a local id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedDraft:
    """How a person of its publisher ends a draft."""

    publisher: OrganisationCode
    id: UUID
    because: DraftEnd
    member: UUID
    referral: ReferralId | None = None
    """What it became, where it was sent."""
    revision: int | None = None
    """The one that the person saw; None: whichever is the latest."""


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

    def save(self, changed: ChangedDraft, *, now: datetime) -> int | None:
        """Save a draft as it is now; return its new revision.

        None where ``revision`` is old, and while somebody is sending the draft.
        """
        params = {**asdict(changed), "now": now, "sending_for": SENDING_FOR}
        saved = self._rows("drafts/save", params)
        return int(saved[0]["revision"]) if saved else None

    def begin_sending(
        self, publisher: OrganisationCode, id_: UUID, *, revision: int, now: datetime
    ) -> int | None:
        """Keep a draft from being saved and from expiring for ``SENDING_FOR``; return its revision.

        None where ``revision`` is old. What was cut off may be sent again at once.
        """
        params = {"publisher": publisher, "id": id_, "revision": revision, "now": now}
        begun = self._rows("drafts/begin_sending", {**params, "sending_for": SENDING_FOR})
        return int(begun[0]["revision"]) if begun else None

    def end_sending(self, publisher: OrganisationCode, id_: UUID, *, revision: int) -> bool:
        """Let people save a draft again that was not sent; False where it has changed or ended."""
        params = {"publisher": publisher, "id": id_, "revision": revision}
        return bool(self._rows("drafts/end_sending", params))

    def end(self, ended: EndedDraft, *, now: datetime) -> bool:
        """End a draft and erase its content; False where it has ended, or ``revision`` is old."""
        return bool(self._rows("drafts/end", {**asdict(ended), "now": now}))

    def warn(
        self,
        limit: int,
        *,
        before: timedelta,
        now: datetime,
        notice: Callable[[ExpiringDraft], NewNotice],
    ) -> int:
        """Write a notice to each member who is told that a draft expires; return how many."""
        with self._transaction() as connection:
            params = {"limit": limit, "before": before, "now": now}
            expiring = rows(connection, "drafts/warn", params)
            notices = [notice(ExpiringDraft(**row)) for row in expiring]
            add_notices(connection, notices, now)
            return len(notices)

    def expire(self, *, now: datetime, limit: int) -> int:
        """End the drafts that nobody has saved for too long; return how many."""
        return len(self._rows("drafts/expire", {"now": now, "limit": limit}))

    def sent(
        self, publisher: OrganisationCode, *, member: UUID | None, now: datetime, limit: int
    ) -> list[SentReferral]:
        """Return what people of a publisher sent, or one of them, newest first."""
        params = {"publisher": publisher, "member": member, "now": now, "limit": limit}
        sent = self._rows("drafts/sent", params)
        return [SentReferral(**{**row, "state": ReferralState(row["state"])}) for row in sent]
