"""Credentials of organisations: of each secret only the SHA-256."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from broker.domain.credential import Credential
from broker.domain.ids import CredentialId, OrganisationCode
from broker.ledger.database import Part, Row


class Credentials(Part):
    """Credentials of organisations."""

    def add_credential(self, credential: Credential) -> None:
        """Store a new credential."""
        self._rows(
            "credentials/add_credential",
            {
                "id": credential.id,
                "organisation": credential.organisation,
                "scopes": sorted(credential.scopes),
                "secret_sha256": credential.secret_sha256,
                "label": credential.label,
                "created_at": credential.created_at,
                "expires_at": credential.expires_at,
                "calls_per_second": credential.calls_per_second,
            },
        )

    def credential(self, id_: CredentialId) -> Credential | None:
        """Return a credential, whether it may be used or not."""
        stored = self._credentials(id_=id_)
        return stored[0] if stored else None

    def credentials(self, organisation: OrganisationCode | None = None) -> list[Credential]:
        """Return the credentials of one organisation, or of all."""
        return self._credentials(organisation=organisation)

    def revoke(self, id_: CredentialId, now: datetime) -> bool:
        """End a credential at once; False when there is none that could be ended."""
        return bool(self._rows("credentials/revoke", {"id": id_, "now": now}))

    def expire(self, id_: CredentialId, at: datetime) -> bool:
        """Set when a credential ends by itself; False when there is none that could."""
        return bool(self._rows("credentials/expire", {"id": id_, "at": at}))

    def touch_credentials(self, ids: Sequence[CredentialId], now: datetime) -> None:
        """Write when these credentials were last used."""
        self._rows("credentials/touch_credentials", {"ids": sorted(ids), "now": now})

    def _credentials(
        self, *, id_: CredentialId | None = None, organisation: OrganisationCode | None = None
    ) -> list[Credential]:
        params = {"id": id_, "organisation": organisation}
        return [_credential(row) for row in self._rows("credentials/credentials", params)]


def _credential(row: Row) -> Credential:
    return Credential(**{**row, "scopes": frozenset(row["scopes"])})
