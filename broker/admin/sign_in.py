"""Sign-in: how people prove who they are, and what they may do.

The ledger holds digests of secrets only.
"""

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
from schemas.shown_text import shown_line

LINK_FOR = timedelta(minutes=15)
"""How long a one-time link is good for."""
SESSION_FOR = timedelta(hours=12)
"""A shift and its handover; after that a person signs in again."""
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """A person as an OpenID provider describes them."""

    issuer: str
    subject: str
    """The provider's identifier of the person; it is never given to anybody else."""
    name: str
    groups: frozenset[str] = frozenset()
    email: str | None = None
    """Their address; None where the provider does not say that it verified it."""

    @property
    def key(self) -> str:
        """The person's key in the ledger. A subject is unique under its issuer only."""
        return subject_key(self.issuer, self.subject)


def subject_key(issuer: str, subject: str) -> str:
    """Return the ledger's key of a provider's subject."""
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
    """Add a person, or give a known person these rights. Every person may view."""
    rights_given, plain = {Right.VIEW, *rights}, shown_line(name)
    ledger.people.add_person(new_id(), plain, rights_given, subject=subject, now=now)


def link(ledger: Ledger, name: str, *, now: datetime) -> str:
    """Return the secret of a new one-time link for a person. It is never shown again.

    Raises Denied when nobody of this name may sign in.
    """
    known = [person for person in ledger.people.people(name=name) if person.disabled_at is None]
    if not known:
        raise Denied("Nobody with this name may sign in.")
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    ledger.people.add_link(known[0].id, digest(secret), now=now, expires_at=now + LINK_FOR)
    return secret


def sign_in(ledger: Ledger, link_secret: str, *, now: datetime) -> str:
    """Use up a link; return the secret of the session that begins.

    Raises Denied when the link is unknown, used or expired.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    ends_at = now + SESSION_FOR
    if not ledger.people.use_link(digest(link_secret), digest(secret), now=now, expires_at=ends_at):
        raise Denied("This link was used before or has expired. Ask for a new one.")
    return secret


def sign_in_as(
    ledger: Ledger,
    person: ProviderIdentity,
    rights_of: Mapping[str, Collection[Right]],
    *,
    answer: str,
    now: datetime,
    new_id: NewId,
) -> str:
    """Begin a session for a person whom a provider identified; return its secret.

    ``rights_of`` are the rights of each group, which are read again at every sign-in. Where it is
    empty, an operator gives rights to subjects with the command line. ``answer`` is the
    provider's answer, which can be used once. Raises Denied with what to do.
    """
    if rights_of:
        _upsert_person(ledger, person, rights_of, now=now, new_id=new_id)
    known = ledger.people.people(subject=person.key)
    is_allowed = any(known_person.disabled_at is None for known_person in known)
    if not is_allowed:
        raise Denied(
            f"You are signed in at your provider as {person.name}, but you have no permissions "
            "here. Ask your administrator."
        )
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    begun = ledger.people.begin_session(
        person.key,
        digest(secret),
        answer_sha256=digest(answer),
        now=now,
        expires_at=now + SESSION_FOR,
    )
    if not begun:
        raise Denied("This sign-in was used before. Sign in again.")
    return secret


def _upsert_person(
    ledger: Ledger,
    person: ProviderIdentity,
    rights_of: Mapping[str, Collection[Right]],
    *,
    now: datetime,
    new_id: NewId,
) -> None:
    rights = {right for group in person.groups for right in rights_of.get(group, ())}
    if not rights:
        ledger.people.end_sessions(person.key, now=now)
        raise Denied(
            f"You are signed in at your provider as {person.name}, but none of your groups there "
            "has permissions here. Ask your administrator."
        )
    suffix = hashlib.sha256(person.key.encode()).hexdigest()[:8]
    ledger.people.upsert_person(
        new_id(),
        person.name,
        {Right.VIEW, *rights},
        subject=person.key,
        other_name=f"{person.name} ({suffix})",
        now=now,
    )


def signed_in(ledger: Ledger, secret: str, *, now: datetime) -> SignedIn | None:
    """Return the person of a session; None when it has ended."""
    return ledger.people.signed_in(digest(secret), now=now)


def sign_out(ledger: Ledger, secret: str, *, now: datetime) -> bool:
    """End a session; tell whether a provider had signed the person in."""
    return ledger.people.end_session(digest(secret), now=now)


def form_token(secret: str) -> str:
    """Return the token that forms of this session carry, so that no other site can post them."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def digest(secret: str) -> bytes:
    """Return the digest of a secret, which the ledger holds instead."""
    return hashlib.sha256(secret.encode()).digest()
