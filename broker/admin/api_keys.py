"""API keys: how organisations prove who they are. Only the SHA-256 of a secret is stored."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from broker.domain.codes import Scope
from broker.domain.credential import Credential
from broker.domain.ids import CredentialId, OrganisationCode
from broker.errors import Denied
from broker.ledger.ledger import Ledger
from schemas.shown_text import shown_line

_FORM = re.compile(r"rb_([a-z0-9]{8,32})_([A-Za-z0-9_-]{20,100})")
_ID_BYTES = 8
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its holder sends it: ``rb_<id>_<secret>``."""

    id: CredentialId
    secret_sha256: bytes

    @classmethod
    def parse(cls, text: str) -> Key:
        """Parse a key. Raises Denied when the text does not have the form of a key."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise Denied("A key has the form rb_<id>_<secret>.")
        return cls(CredentialId(match[1]), hashlib.sha256(match[2].encode()).digest())

    def opens(self, credential: Credential, now: datetime) -> bool:
        """Tell whether this is the key of the credential, and the credential is usable now."""
        same = secrets.compare_digest(self.secret_sha256, credential.secret_sha256)
        return same and is_usable(credential, now)


def is_usable(credential: Credential, now: datetime) -> bool:
    """Tell whether a credential is neither revoked nor expired."""
    ended = (credential.revoked_at, credential.expires_at)
    return all(at is None or now < at for at in ended)


def issue(  # noqa: PLR0913  each is what a key has
    ledger: Ledger,
    organisation: OrganisationCode,
    scopes: Collection[Scope],
    *,
    label: str,
    now: datetime,
    expires_at: datetime | None = None,
    calls_per_second: int | None = None,
) -> str:
    """Make a key, store its digest and return the key. It is never shown again.

    ``calls_per_second`` is a limit of its own, for each gateway.
    """
    id_, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    ledger.credentials.add_credential(
        Credential(
            id=CredentialId(id_),
            organisation=organisation,
            scopes=frozenset(scopes),
            secret_sha256=hashlib.sha256(secret.encode()).digest(),
            label=shown_line(label),
            created_at=now,
            expires_at=expires_at,
            revoked_at=None,
            last_used_at=None,
            calls_per_second=calls_per_second,
        )
    )
    return f"rb_{id_}_{secret}"
