"""People, their links to sign in with, and their sessions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from broker.domain.codes import Right
from broker.ledger.database import Part, Row


@dataclass(frozen=True, slots=True)
class Person:
    """A person who may sign in to the pages."""

    id: UUID
    name: str
    rights: frozenset[Right]
    subject: str | None
    """What an OpenID provider knows them by: its issuer and its name for them."""
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a session belongs to, what they may do, and when it ends."""

    name: str
    rights: frozenset[Right]
    expires_at: datetime


class People(Part):
    """People, links and sessions; of every secret only the SHA-256."""

    def add_person(
        self,
        id_: UUID,
        name: str,
        rights: Collection[Right],
        *,
        subject: str | None,
        now: datetime,
    ) -> UUID:
        """Add a person, or give an existing one these rights; return their id."""
        params = {"id": id_, "name": name, "rights": sorted(rights), "subject": subject, "now": now}
        person: UUID = self._rows("people/add_person", params)[0]["id"]
        return person

    def people(self, *, name: str | None = None, subject: str | None = None) -> list[Person]:
        """Return people by name or subject, or all of them."""
        return [
            _person(row) for row in self._rows("people/people", {"name": name, "subject": subject})
        ]

    def disable_person(self, name: str, *, now: datetime) -> bool:
        """End a person's access and sessions; False when there is nobody to disable."""
        return bool(self._rows("people/disable_person", {"name": name, "now": now}))

    def add_link(
        self, person: UUID, secret_sha256: bytes, *, now: datetime, expires_at: datetime
    ) -> None:
        """Store a one-time link."""
        params = {"person": person, "secret_sha256": secret_sha256}
        self._rows("people/add_link", {**params, "now": now, "expires_at": expires_at})

    def link_owner(self, secret_sha256: bytes, *, now: datetime) -> str | None:
        """Return whose link this is; None when it can no longer be used."""
        owners = self._rows("people/link_owner", {"secret_sha256": secret_sha256, "now": now})
        return owners[0]["name"] if owners else None

    def use_link(
        self, link_sha256: bytes, secret_sha256: bytes, *, now: datetime, expires_at: datetime
    ) -> bool:
        """Use a link and begin a session; False when it can no longer be used."""
        params = {"link_sha256": link_sha256, "secret_sha256": secret_sha256}
        return bool(self._rows("people/use_link", {**params, "now": now, "expires_at": expires_at}))

    def upsert_person(
        self,
        id_: UUID,
        name: str,
        rights: Collection[Right],
        *,
        subject: str,
        other_name: str,
        now: datetime,
    ) -> bool:
        """Add or update a person whom a provider has identified; False if they are disabled.

        A new person is called ``name``, or ``other_name`` where that name is taken.
        """
        params = {"id": id_, "name": name, "other_name": other_name, "rights": sorted(rights)}
        return bool(self._rows("people/upsert_person", {**params, "subject": subject, "now": now}))

    def begin_session(
        self,
        subject: str,
        secret_sha256: bytes,
        *,
        answer_sha256: bytes,
        now: datetime,
        expires_at: datetime,
    ) -> bool:
        """Begin a session for a subject that a provider has identified.

        False for an unknown subject, and for an answer of the provider that was used before.
        """
        params = {
            "subject": subject,
            "secret_sha256": secret_sha256,
            "answer_sha256": answer_sha256,
        }
        return bool(
            self._rows("people/begin_session", {**params, "now": now, "expires_at": expires_at})
        )

    def end_sessions(self, subject: str, *, now: datetime) -> None:
        """Sign a subject out everywhere."""
        self._rows("people/end_sessions", {"subject": subject, "now": now})

    def signed_in(self, secret_sha256: bytes, *, now: datetime) -> SignedIn | None:
        """Return who is signed in with a secret."""
        sessions = self._rows("people/signed_in", {"secret_sha256": secret_sha256, "now": now})
        if not sessions:
            return None
        (row,) = sessions
        return SignedIn(row["name"], _rights(row), row["expires_at"])

    def end_session(self, secret_sha256: bytes, *, now: datetime) -> bool:
        """Sign out; return whether the session began with a provider's answer."""
        ended = self._rows("people/end_session", {"secret_sha256": secret_sha256, "now": now})
        return bool(ended and ended[0]["by_provider"])


def _person(row: Row) -> Person:
    return Person(**{**row, "rights": _rights(row)})


def _rights(row: Row) -> frozenset[Right]:
    return frozenset(Right(right) for right in row["rights"])
