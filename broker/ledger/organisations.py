"""What the ledger keeps of the world around it: organisations, keys and policy versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from broker.domain.credential import (
    Credential,
)
from broker.domain.ids import CredentialId, OrganisationCode
from broker.ledger.database import Database, Row, json_text
from broker.policy.time.calendars import Edition


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A published policy, without its documents."""

    version: str
    sha256: bytes
    published_at: datetime
    calendar_sha256: bytes | None
    calendar_ends: date | None


class Administration(Database):
    """Organisations, credentials and policies."""

    def sync_organisations(self, known: Sequence[tuple[str, str, str, str]]) -> None:
        """Make the directory's organisations known: code, name, kind and channel of each.

        One that the directory has dropped stays, because the history speaks of it.
        """
        codes, names, kinds, channels = (list(column) for column in zip(*known, strict=True))
        columns = {"codes": codes, "names": names, "kinds": kinds, "channels": channels}
        self._rows("sync_organisations", columns)

    def publish_policy(
        self,
        version: str,
        sha256: bytes,
        documents: Mapping[str, str],
        now: datetime,
        *,
        calendar: Edition | None = None,
    ) -> None:
        """Keep a policy version; the latest one published is in force. Repeating it is harmless.

        ``calendar`` says which calendar data its deadlines are counted by.
        """
        told = {"version": version, "sha256": sha256, "documents": json_text(dict(documents))}
        counted = {
            "calendar_sha256": bytes.fromhex(calendar.sha256) if calendar else None,
            "calendar_ends": calendar.ends if calendar else None,
        }
        self._rows("publish_policy", {**told, **counted, "now": now})

    def policy(self, version: str | None) -> tuple[str, Mapping[str, str]] | None:
        """Return a version's documents, or those in force when ``version`` is None."""
        found = self._rows("policy", {"version": version})
        return (found[0]["version"], found[0]["documents"]) if found else None

    def policies(self, *, limit: int) -> list[PolicyVersion]:
        """Return the policy versions that were published last, the one in force first."""
        return [PolicyVersion(**row) for row in self._rows("policies", {"limit": limit})]

    def add_credential(self, credential: Credential) -> None:
        """Keep a new credential."""
        self._rows(
            "add_credential",
            {
                "id": credential.id,
                "organisation": credential.organisation,
                "scopes": sorted(credential.scopes),
                "secret_sha256": credential.secret_sha256,
                "label": credential.label,
                "created_at": credential.created_at,
                "expires_at": credential.expires_at,
            },
        )

    def credential(self, id_: CredentialId) -> Credential | None:
        """Return a credential, whether it may be used or not."""
        found = self._rows("credentials", {"id": id_, "organisation": None})
        return _credential(found[0]) if found else None

    def credentials(self, organisation: OrganisationCode | None = None) -> list[Credential]:
        """Return the credentials of one organisation, or of all."""
        found = self._rows("credentials", {"id": None, "organisation": organisation})
        return [_credential(row) for row in found]

    def revoke(self, id_: CredentialId, now: datetime) -> bool:
        """End a credential at once; False when there is none that could be ended."""
        return bool(self._rows("revoke", {"id": id_, "now": now}))

    def expire(self, id_: CredentialId, at: datetime) -> bool:
        """Set when a credential ends by itself; False when there is none that could."""
        return bool(self._rows("expire", {"id": id_, "at": at}))

    def touch_credentials(self, ids: Sequence[CredentialId], now: datetime) -> None:
        """Note that these credentials were used."""
        self._rows("touch_credentials", {"ids": sorted(ids), "now": now})


def _credential(row: Row) -> Credential:
    return Credential(**{**row, "scopes": frozenset(row["scopes"])})
