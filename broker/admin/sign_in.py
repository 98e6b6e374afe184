"""People: how they prove who they are, and what they may do. Only digests of secrets are kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.codes import Right
from broker.domain.ids import NewId
from broker.errors import Denied
from broker.ledger.ledger import Ledger
from broker.ledger.people import SignedIn

LINK_FOR = timedelta(minutes=15)
"""How long a one-time link is good for."""
SESSION_FOR = timedelta(hours=12)
"""A shift and its handover; then everybody signs in again."""
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """Somebody as an OpenID provider tells of them."""

    issuer: str
    subject: str
    """The provider's own name for them, which never becomes somebody else's."""
    name: str
    groups: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """How the ledger knows them: a subject means something under its issuer alone."""
        return subject_key(self.issuer, self.subject)


def subject_key(issuer: str, subject: str) -> str:
    """Return how the ledger names a provider's subject."""
    return f"{issuer} {subject}"


def add(
    ledger: Ledger,
    name: str,
    rights: Collection[Right],
    *,
    now: datetime,
    new_id: NewId,
    subject: str | None = None,
) -> None:
    """Make a person known, or give one that is known these rights. To see is part of each."""
    ledger.people.add_person(new_id(), name, {Right.VIEW, *rights}, subject=subject, now=now)


def link(ledger: Ledger, name: str, *, now: datetime) -> str:
    """Return the secret of a new one-time link for a person: it is never shown again.

    Raises Denied when there is nobody of this name.
    """
    known = [person for person in ledger.people.people(name=name) if person.disabled_at is None]
    if not known:
        raise Denied("There is nobody of this name who may sign in.")
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    ledger.people.add_link(known[0].id, digest(secret), now=now, expires_at=now + LINK_FOR)
    return secret


def sign_in(ledger: Ledger, link_secret: str, *, now: datetime) -> str:
    """Use a link up and return the secret of the session that begins.

    Raises Denied when the link is unknown, used or expired.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    ends_at = now + SESSION_FOR
    if not ledger.people.use_link(digest(link_secret), digest(secret), now=now, expires_at=ends_at):
        raise Denied("This link was used before, or is too old: ask for a new one.")
    return secret


def sign_in_as(
    ledger: Ledger,
    who: ProviderIdentity,
    rights_of: Mapping[str, Collection[Right]],
    *,
    answer: str,
    now: datetime,
    new_id: NewId,
) -> str:
    """Begin a session for whom a provider vouched, and return its secret.

    ``rights_of`` are the rights of each group: they are taken anew from the groups at every
    sign-in. Without any, whoever runs the broker gives rights to subjects, by the command line.
    ``answer`` names the provider's answer, which is good once. Raises Denied with what to do.
    """
    if rights_of:
        _upsert_person(ledger, who, rights_of, now=now, new_id=new_id)
    known = [
        person for person in ledger.people.people(subject=who.key) if person.disabled_at is None
    ]
    if not known:
        raise Denied(
            f"You are signed in at your provider as {who.name}, but nobody has given you any right "
            "here. Ask whoever runs the broker for it."
        )
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    begun = ledger.people.begin_session(
        who.key,
        digest(secret),
        answer_sha256=digest(answer),
        now=now,
        expires_at=now + SESSION_FOR,
    )
    if not begun:
        raise Denied("This answer of your provider was used before. Begin again.")
    return secret


def _upsert_person(
    ledger: Ledger,
    who: ProviderIdentity,
    rights_of: Mapping[str, Collection[Right]],
    *,
    now: datetime,
    new_id: NewId,
) -> None:
    rights = {right for group in who.groups for right in rights_of.get(group, ())}
    if not rights:
        ledger.people.end_sessions(who.key, now=now)
        raise Denied(
            f"You are signed in at your provider as {who.name}, but none of your groups there has "
            "any right here. Ask whoever runs the broker, or whoever keeps the groups."
        )
    mark = hashlib.sha256(who.key.encode()).hexdigest()[:8]
    ledger.people.upsert_person(
        new_id(),
        who.name,
        {Right.VIEW, *rights},
        subject=who.key,
        other_name=f"{who.name} ({mark})",
        now=now,
    )


def signed_in(ledger: Ledger, secret: str, *, now: datetime) -> SignedIn | None:
    """Return who a session belongs to."""
    return ledger.people.signed_in(digest(secret), now=now)


def sign_out(ledger: Ledger, secret: str, *, now: datetime) -> bool:
    """End a session; tell whether it was a provider that let them in."""
    return ledger.people.end_session(digest(secret), now=now)


def form_token(secret: str) -> str:
    """Return what a form of this session must bear, so that no other site can send it."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def digest(secret: str) -> bytes:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()
