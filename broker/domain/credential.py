"""A key to the gateway, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.domain.ids import CredentialId, OrganisationCode

CALLS_PER_SECOND = 200
"""What a key may make of a gateway, unless it has a limit of its own."""
MOST_CALLS_PER_SECOND = 2000
"""The highest limit that a key can have: about what a gateway answers at all."""


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
    calls_per_second: int | None = None
    """The limit of its own, for each gateway; None: ``CALLS_PER_SECOND``."""
