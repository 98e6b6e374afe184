"""What a ledger needs before the first referral: a policy, its organisations, and keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from broker.domain.codes import Scope
from broker.domain.ids import CredentialId, OrganisationCode
from broker.ledger.ledger import Ledger
from broker.ledger.rows import Credential
from broker.policy import book

ID_BYTES = 6
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment when it is known: the ledger keeps a hash of its secret."""

    credential: Credential
    text: str = field(repr=False)


def mint(
    organisation: OrganisationCode,
    scopes: Collection[Scope],
    *,
    label: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key ``rb_<id>_<secret>``; it is good once its credential is in the ledger."""
    id_, secret = CredentialId(secrets.token_hex(ID_BYTES)), secrets.token_urlsafe(SECRET_BYTES)
    credential = Credential(
        id=id_,
        organisation=organisation,
        scopes=frozenset(scope.value for scope in scopes),
        secret_sha256=hashlib.sha256(secret.encode()).digest(),
        label=label,
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    return NewKey(credential, f"rb_{id_}_{secret}")


def publish_policy(ledger: Ledger, folder: Path, *, now: datetime) -> book.PolicyBook:
    """Check the policy in a folder and make it the one that referrals are judged under.

    Publishing the same documents again changes nothing. Raises ``PolicyError`` with every fault.
    """
    documents = book.documents_from(folder)
    digest = book.digest(documents)
    version = f"{now:%Y-%m-%d}-{digest.hex()[:8]}"
    latest = ledger.policy(None)
    if latest is not None and book.digest(latest[1]) == digest:
        version = latest[0]
    checked = book.load(documents, version=version)
    ledger.publish_policy(version, digest, documents, now)
    ledger.sync_organisations(
        [(o.code, o.name, o.kind, o.channel) for o in checked.directory.organisations]
    )
    return checked
