"""Public keys of queues: the broker's own and the agencies'; and which receipts were taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.domain.delivery import ReceiptMessage
from broker.domain.ids import OrganisationCode
from broker.ledger.database import Connection, Part, rows


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key of the broker's own."""

    id: str
    public_key: bytes
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class AgencyKey:
    """A public key with which an agency's receipts are verified."""

    id: str
    organisation: OrganisationCode
    public_key: bytes
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredEncryptionKey:
    """A public key that an agency's copies are encrypted to, in PEM."""

    id: str
    organisation: OrganisationCode
    public_key: str
    created_at: datetime
    revoked_at: datetime | None


def take(connection: Connection, message: ReceiptMessage) -> bool:
    """Note, in this transaction, that a message of receipts is taken; False when it was before."""
    params = {"key": message.key, "id": message.id, "signed_at": message.signed_at}
    return bool(rows(connection, "queue_keys/take", params))


class QueueKeys(Part):
    """Public keys of queues, and when the queue of receipts was empty."""

    def add_signing_key(self, id_: str, public_key: bytes, now: datetime) -> bool:
        """Publish a key of the broker's own; False when it is known already."""
        return bool(
            self._rows(
                "queue_keys/add_signing_key", {"id": id_, "public_key": public_key, "now": now}
            )
        )

    def signing_keys(self) -> list[SigningKey]:
        """Return the broker's own keys, oldest first, those that have ended included."""
        return [SigningKey(**row) for row in self._rows("queue_keys/signing_keys", {})]

    def retire_signing_keys(self, ids: Sequence[str], at: datetime) -> int:
        """Let keys of the broker's own end at an instant; return how many will end earlier now."""
        return len(self._rows("queue_keys/retire_signing_keys", {"ids": list(ids), "at": at}))

    def register(
        self, organisation: OrganisationCode, id_: str, public_key: bytes, now: datetime
    ) -> bool:
        """Register an agency's public key; False when somebody has registered it before."""
        params = {"id": id_, "organisation": organisation, "public_key": public_key, "now": now}
        return bool(self._rows("queue_keys/register", params))

    def agency_key(self, id_: str) -> AgencyKey | None:
        """Return an agency's key, whether it may be used or not."""
        stored = self._agency_keys(id_=id_)
        return stored[0] if stored else None

    def agency_keys(self, organisation: OrganisationCode | None = None) -> list[AgencyKey]:
        """Return the keys of one organisation, or of all."""
        return self._agency_keys(organisation=organisation)

    def revoke_agency_key(self, id_: str, now: datetime) -> bool:
        """End an agency's key at once; False when there is none that could be ended."""
        return bool(self._rows("queue_keys/revoke_agency_key", {"id": id_, "now": now}))

    def register_encryption_key(
        self, organisation: OrganisationCode, id_: str, public_key: str, now: datetime
    ) -> bool:
        """Register a key for an agency's copies; False when somebody has registered it before."""
        params = {"id": id_, "organisation": organisation, "public_key": public_key, "now": now}
        return bool(self._rows("queue_keys/register_encryption_key", params))

    def encryption_keys(
        self, organisation: OrganisationCode | None = None
    ) -> list[StoredEncryptionKey]:
        """Return the keys for the copies of one organisation, or of all, oldest first."""
        stored = self._rows("queue_keys/encryption_keys", {"organisation": organisation})
        return [StoredEncryptionKey(**row) for row in stored]

    def newest_encryption_keys(
        self, organisations: Collection[OrganisationCode], now: datetime
    ) -> Mapping[OrganisationCode, StoredEncryptionKey]:
        """Return for each organisation the newest key in use; none for one without."""
        params = {"organisations": list(organisations), "now": now}
        newest = self._rows("queue_keys/newest_encryption_keys", params)
        return {row["organisation"]: StoredEncryptionKey(**row) for row in newest}

    def revoke_encryption_key(self, id_: str, now: datetime) -> bool:
        """End a key for copies at once; False when there is none that could be ended."""
        return bool(self._rows("queue_keys/revoke_encryption_key", {"id": id_, "now": now}))

    def drained_at(self) -> datetime | None:
        """Return when the queue of receipts was last seen empty; None before the first time."""
        drained = self._rows("queue_keys/drained_at", {})
        return drained[0]["at"] if drained else None

    def note_drained(self, at: datetime, *, forget_before: datetime) -> None:
        """Note that the queue is empty; forget the messages that were signed before an instant."""
        self._rows("queue_keys/note_drained", {"at": at, "forget_before": forget_before})

    def _agency_keys(
        self, *, id_: str | None = None, organisation: OrganisationCode | None = None
    ) -> list[AgencyKey]:
        params = {"id": id_, "organisation": organisation}
        return [AgencyKey(**row) for row in self._rows("queue_keys/agency_keys", params)]
