"""People: how they prove who they are, and what they may do. Only digests of secrets are kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
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
    ledger.add_person(new_id(), name, {Right.VIEW, *rights}, subject=subject, now=now)


def link(ledger: Ledger, name: str, *, now: datetime) -> str:
    """Return the secret of a new one-time link for a person: it is never shown again.

    Raises Denied when there is nobody of this name.
    """
    known = [one for one in ledger.people(name=name) if one.disabled_at is None]
    if not known:
        raise Denied("There is nobody of this name who may sign in.")
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    ledger.add_link(known[0].id, digest(secret), now=now, expires_at=now + LINK_FOR)
    return secret


def sign_in(ledger: Ledger, link_secret: str, *, now: datetime) -> str:
    """Use a link up and return the secret of the session that begins.

    Raises Denied when the link is unknown, used or expired.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    ends_at = now + SESSION_FOR
    if not ledger.use_link(digest(link_secret), digest(secret), now=now, expires_at=ends_at):
        raise Denied("This link was used before, or is too old: ask for a new one.")
    return secret


def sign_in_as(ledger: Ledger, subject: str, *, now: datetime) -> str:
    """Begin a session for a subject that a provider vouched for, and return its secret.

    Raises Denied when nobody is known by it.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    if not ledger.begin_session(subject, digest(secret), now=now, expires_at=now + SESSION_FOR):
        raise Denied("You are signed in there, but nobody has given you rights here.")
    return secret


def signed_in(ledger: Ledger, secret: str, *, now: datetime) -> SignedIn | None:
    """Return who a session belongs to."""
    return ledger.signed_in(digest(secret), now=now)


def sign_out(ledger: Ledger, secret: str, *, now: datetime) -> None:
    """End a session."""
    ledger.end_session(digest(secret), now=now)


def form_token(secret: str) -> str:
    """Return what a form of this session must bear, so that no other site can send it."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def digest(secret: str) -> bytes:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()
