"""The keys of queues: the broker's own, which sign copies, and the agencies' own.

An agency has one kind of key that signs its receipts, and another that its copies are encrypted to.

Private keys are in files of those who own them. The ledger holds public keys alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broker.domain.ids import OrganisationCode
from broker.errors import Conflict
from broker.flow.context import Context
from broker.ledger.ledger import Ledger
from broker.ledger.queue_keys import AgencyKey, StoredEncryptionKey
from broker.transport.encryption import EncryptionKey, is_encryption_key
from broker.transport.signatures import CopySigner, PublicKey

FOR_RECEIPTS, FOR_COPIES = "receipts", "copies"
"""What an agency's key is for."""
KNOWN = "This key was registered before; make a new one."


@dataclass(frozen=True, slots=True)
class ListedKey:
    """An agency's key, without the key."""

    id: str
    organisation: OrganisationCode
    use: str
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: AgencyKey | StoredEncryptionKey, use: str) -> ListedKey:
        """Return what may be listed of a key."""
        return cls(key.id, key.organisation, use, key.created_at, key.revoked_at)


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
    """Register the public key with which an agency signs its receipts.

    Raises Invalid when it is no Ed25519 key, and Conflict when it was registered before.
    """
    public = PublicKey.from_pem(pem)
    if not ledger.queue_keys.register(organisation, public.id, public.raw, now):
        raise Conflict(KNOWN)
    return public


def register_any(
    ledger: Ledger, organisation: OrganisationCode, pem: str, *, now: datetime
) -> tuple[str, str]:
    """Register an agency's public key for what its kind is for; return its id and its use.

    An X25519 or P-256 key is what copies are encrypted to; the newest one in use counts. Raises
    Invalid when it is no key of a kind that is used, and Conflict when it was registered before.
    """
    if not is_encryption_key(pem):
        return register(ledger, organisation, pem, now=now).id, FOR_RECEIPTS
    key = EncryptionKey.from_pem(pem)
    if not ledger.queue_keys.register_encryption_key(organisation, key.id, key.pem, now):
        raise Conflict(KNOWN)
    return key.id, FOR_COPIES


def revoke(ledger: Ledger, id_: str, *, now: datetime) -> bool:
    """End an agency's key of either use at once; False when there is none that could be ended."""
    keys = ledger.queue_keys
    return keys.revoke_agency_key(id_, now) or keys.revoke_encryption_key(id_, now)


def agency_keys(ledger: Ledger, organisation: OrganisationCode | None = None) -> list[ListedKey]:
    """Return the agencies' keys of both uses, those that have ended included."""
    keys = ledger.queue_keys
    return [
        *(ListedKey.of(key, FOR_RECEIPTS) for key in keys.agency_keys(organisation)),
        *(ListedKey.of(key, FOR_COPIES) for key in keys.encryption_keys(organisation)),
    ]


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
