"""The keys of queues: the broker's own, which sign copies, and the agencies', which sign receipts.

Private keys are in files of those who own them. The ledger holds public keys alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from broker.domain.ids import OrganisationCode
from broker.errors import Conflict
from broker.flow.context import Context
from broker.ledger.ledger import Ledger
from broker.transport.signatures import CopySigner, PublicKey


def publish_signing_key(ledger: Ledger, pem: str, *, now: datetime) -> PublicKey:
    """Publish the public half of the broker's private key. Raises Invalid for anything else."""
    public = CopySigner(pem).public
    ledger.queue_keys.add_signing_key(public.id, public.raw, now)
    return public


def replace_signing_keys(
    ledger: Ledger, pem: str, *, overlap: timedelta, now: datetime
) -> tuple[PublicKey, int]:
    """Publish a new key, and let those in use end after the overlap; return how many do."""
    before = [key.id for key in ledger.queue_keys.signing_keys()]
    public = publish_signing_key(ledger, pem, now=now)
    ended = [id_ for id_ in before if id_ != public.id]
    return public, ledger.queue_keys.retire_signing_keys(ended, now + overlap)


def register(
    ledger: Ledger, organisation: OrganisationCode, pem: str, *, now: datetime
) -> PublicKey:
    """Register an agency's public key.

    Raises Invalid when it is no Ed25519 key, and Conflict when it was registered before.
    """
    public = PublicKey.from_pem(pem)
    if not ledger.queue_keys.register(organisation, public.id, public.raw, now):
        raise Conflict("This key was registered before; make a new one.")
    return public


def published(ledger: Ledger, *, now: datetime) -> list[PublicKey]:
    """Return the broker's public keys in use."""
    return [
        PublicKey(key.id, key.public_key)
        for key in ledger.queue_keys.signing_keys()
        if key.retired_at is None or now < key.retired_at
    ]


def key_set(context: Context) -> dict[str, Any]:
    """Return the broker's public keys in use as a JWKS (RFC 7517)."""
    return {"keys": [dict(key.jwk) for key in published(context.ledger, now=context.clock())]}
