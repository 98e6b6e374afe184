"""A key to the gateway, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.domain.ids import CredentialId, OrganisationCode


@dataclass(frozen=True, slots=True)
class Credential:
    """A key to the gateway. Only the SHA-256 of its secret is kept."""

    id: CredentialId
    organisation: OrganisationCode
    scopes: frozenset[str]
    secret_sha256: bytes
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
