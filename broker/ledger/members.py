"""People of organisations who use the inbox: their rights, links and sessions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from broker.domain.codes import MemberRight
from broker.domain.ids import OrganisationCode
from broker.ledger.database import Connection, Part, Row, rows


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may use an organisation's inbox."""

    id: UUID
    organisation: OrganisationCode
    name: str
    email: str
    rights: frozenset[MemberRight]
    invited_at: datetime
    invited_by: str
    joined_at: datetime | None
    disabled_at: datetime | None
    cover: UUID | None
    """The colleague who looks after what they deal with while they are away."""
    gets_mail: bool
    """Whether they are told by email of what arrives."""
    link_failed_at: datetime | None
    """When the last email with a link could not be sent; None where it was sent."""
    link_failed_because: str | None
    """A code: why it could not be sent."""
    mobile: str | None = field(default=None, repr=False)
    """The number on which they get text messages, as ``+447700900123``; None without one."""


@dataclass(frozen=True, slots=True)
class NewMember:
    """Somebody who is invited to an organisation's inbox."""

    id: UUID
    organisation: OrganisationCode
    name: str
    email: str
    rights: frozenset[MemberRight]
    invited_by: str
    """A member as ``member:`` and their id, or a person of ops."""


@dataclass(frozen=True, slots=True)
class Membership:
    """An organisation in which an email address, or a link, is known."""

    member: UUID
    organisation: OrganisationCode
    organisation_name: str
    name: str
    with_provider: bool
    """Whether people of this organisation sign in with the provider, and no link is taken."""


@dataclass(frozen=True, slots=True)
class SignedInMember:
    """Who a session of the inbox belongs to, what they may do, and when it ends at the latest."""

    id: UUID
    name: str
    organisation: OrganisationCode
    organisation_name: str
    rights: frozenset[MemberRight]
    expires_at: datetime
    drafts: int = 0
    """Drafts of their organisation that are not sent yet; none for who may not send."""

    @property
    def actor(self) -> str:
        """How the history names them: by id, because events hold no names."""
        return f"member:{self.id}"


class Members(Part):
    """Members, links and sessions; of every secret only the SHA-256."""

    def invite(self, new: NewMember, *, now: datetime) -> UUID | None:
        """Add a member, or invite a known address again with these rights; return their id.

        None where nobody would be left who may administer.
        """
        params = {
            "id": new.id,
            "organisation": new.organisation,
            "name": new.name,
            "email": new.email,
            "rights": sorted(new.rights),
            "by": new.invited_by,
        }
        with self._transaction() as connection:
            _lock_members(connection, new.organisation)
            invited = rows(connection, "members/invite", {**params, "now": now})
        return invited[0]["id"] if invited else None

    def members(self, organisation: OrganisationCode, *, id: UUID | None = None) -> list[Member]:
        """Return the people of an organisation, or one of them; disabled ones come last."""
        params = {"organisation": organisation, "id": id}
        return [_member(row) for row in self._rows("members/members", params)]

    def change_rights(
        self, organisation: OrganisationCode, id_: UUID, rights: Collection[MemberRight]
    ) -> bool:
        """Give a member these rights; False where nobody would be left who may administer."""
        params = {"organisation": organisation, "id": id_, "rights": sorted(rights)}
        with self._transaction() as connection:
            _lock_members(connection, organisation)
            return bool(rows(connection, "members/change_rights", params))

    def set_mail(self, organisation: OrganisationCode, id_: UUID, *, gets_mail: bool) -> None:
        """Say whether a member is told by email of what arrives."""
        params = {"organisation": organisation, "id": id_, "gets_mail": gets_mail}
        self._rows("members/set_mail", params)

    def set_mobile(
        self, organisation: OrganisationCode, id_: UUID, number: str | None, *, now: datetime
    ) -> None:
        """Keep the number on which a member wants text messages; None: none any more."""
        params = {"organisation": organisation, "id": id_, "number": number, "now": now}
        self._rows("members/set_mobile", params)

    def set_cover(self, organisation: OrganisationCode, id_: UUID, cover: UUID | None) -> bool:
        """Name a colleague who covers for a member; False when either is not there."""
        params = {"organisation": organisation, "id": id_, "cover": cover}
        return bool(self._rows("members/set_cover", params))

    def disable(self, organisation: OrganisationCode, id_: UUID, *, now: datetime) -> bool:
        """End a member's access; False where nobody would be left who may administer."""
        params = {"organisation": organisation, "id": id_, "now": now}
        with self._transaction() as connection:
            _lock_members(connection, organisation)
            return bool(rows(connection, "members/disable", params))

    def at_address(self, email: str) -> list[Membership]:
        """Return the organisations in which an email address may sign in."""
        return [
            Membership(member=row.pop("id"), **row)
            for row in self._rows("members/at_address", {"email": email})
        ]

    def add_link(
        self,
        member: UUID,
        secret_sha256: bytes,
        *,
        now: datetime,
        expires_at: datetime,
        most: int,
    ) -> bool:
        """Store a one-time link; False where the member had ``most`` within an hour already."""
        params = {"member": member, "secret_sha256": secret_sha256, "most": most}
        return bool(
            self._rows("members/add_link", {**params, "now": now, "expires_at": expires_at})
        )

    def note_link(self, member: UUID, code: str | None, *, now: datetime) -> None:
        """Keep why the last email with a link could not be sent; None: it was sent."""
        self._rows("members/note_link", {"member": member, "code": code, "now": now})

    def link_owner(self, secret_sha256: bytes, *, now: datetime) -> tuple[str, str] | None:
        """Return the name and the organisation's name of whose link this is; None if unusable."""
        owners = self._rows("members/link_owner", {"secret_sha256": secret_sha256, "now": now})
        return (owners[0]["name"], owners[0]["organisation_name"]) if owners else None

    def use_link(
        self, link_sha256: bytes, secret_sha256: bytes, *, now: datetime, expires_at: datetime
    ) -> bool:
        """Use a link and begin a session; False when it can no longer be used."""
        params = {"link_sha256": link_sha256, "secret_sha256": secret_sha256}
        return bool(
            self._rows("members/use_link", {**params, "now": now, "expires_at": expires_at})
        )

    def set_sign_in(
        self, organisation: OrganisationCode, *, with_provider: bool, by: str, now: datetime
    ) -> bool:
        """Set how an organisation's people sign in; False where it is set already, or unknown."""
        params = {"organisation": organisation, "with_provider": with_provider}
        return bool(self._rows("members/set_sign_in", {**params, "by": by, "now": now}))

    def sign_in_of(self, organisation: OrganisationCode) -> bool:
        """Return whether an organisation's people sign in with the provider."""
        ways = self._rows("members/sign_in_of", {"organisation": organisation})
        return bool(ways and ways[0]["with_provider"])

    def with_provider(self) -> list[OrganisationCode]:
        """Return the organisations whose people sign in with the provider."""
        return [row["organisation"] for row in self._rows("members/with_provider", {})]

    def begin_session(
        self,
        member: UUID,
        subject: str,
        secret_sha256: bytes,
        *,
        answer_sha256: bytes,
        now: datetime,
        expires_at: datetime,
    ) -> bool:
        """Begin a session for a member whom a provider has identified as ``subject``.

        False where another account is the member's, where the organisation's people do not sign in
        so, and for an answer of the provider that was used before.
        """
        params = {
            "member": member,
            "subject": subject,
            "secret_sha256": secret_sha256,
            "answer_sha256": answer_sha256,
        }
        return bool(
            self._rows("members/begin_session", {**params, "now": now, "expires_at": expires_at})
        )

    def signed_in(
        self, secret_sha256: bytes, *, now: datetime, idle: timedelta
    ) -> SignedInMember | None:
        """Return who is signed in; None when the session has ended or was not used for ``idle``."""
        params = {"secret_sha256": secret_sha256, "now": now, "idle": idle}
        sessions = self._rows("members/signed_in", params)
        if not sessions:
            return None
        (row,) = sessions
        return SignedInMember(**{**row, "rights": _rights(row)})

    def end_session(self, secret_sha256: bytes, *, now: datetime) -> bool:
        """Sign out; return whether the session began with a provider's answer."""
        ended = self._rows("members/end_session", {"secret_sha256": secret_sha256, "now": now})
        return bool(ended and ended[0]["by_provider"])


def _lock_members(connection: Connection, organisation: OrganisationCode) -> None:
    rows(connection, "members/lock_members", {"organisation": organisation})


def _member(row: Row) -> Member:
    return Member(**{**row, "rights": _rights(row)})


def _rights(row: Row) -> frozenset[MemberRight]:
    return frozenset(MemberRight(right) for right in row["rights"])
