"""What a publisher gets back: receipts, statuses, events. Frozen; every instant has a time zone.

Members that a newer gateway adds are ignored, so that an older client keeps working.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from referral_broker_client.errors import (
    ClientError,
    Fault,
    Problem,
    error_for,
    faults_from,
)


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """One agency's part of a referral, as its publisher sees it."""

    id: str
    agency: str
    agency_name: str
    role: str
    state: str
    deadlines: Mapping[str, datetime]
    """``collect_by``, ``acknowledge_by`` and ``decide_by``, as far as there is one."""
    collected_at: datetime | None
    acknowledged_at: datetime | None
    decided_at: datetime | None
    returned_at: datetime | None
    outcome: str | None
    reason: str | None
    note: str | None = field(repr=False)
    answered_by: str | None
    explanation: Mapping[str, Any]
    """Why this agency has it, and each deadline in words."""
    raw: Mapping[str, Any] = field(repr=False)
    """The whole answer of the gateway."""
    kind: str = "referral"
    """``referral``, ``correction`` or ``recall``."""
    version: int = 1
    """Which version of the referral it carries."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DeliveryStatus:
        """Read one element of a status's ``deliveries``."""
        return cls(
            id=value["id"],
            agency=value["agency"],
            agency_name=value.get("agency_name") or value["agency"],
            role=value["role"],
            state=value["state"],
            deadlines=deadlines_from(value.get("deadlines")),
            collected_at=instant(value.get("collected_at")),
            acknowledged_at=instant(value.get("acknowledged_at")),
            decided_at=instant(value.get("decided_at")),
            returned_at=instant(value.get("returned_at")),
            outcome=value.get("outcome"),
            reason=value.get("reason"),
            note=value.get("note"),
            answered_by=value.get("answered_by"),
            explanation=value.get("explanation") or {},
            raw=value,
            kind=value.get("kind", "referral"),
            version=value.get("version", 1),
        )


@dataclass(frozen=True, slots=True)
class Status:
    """A referral as its publisher sees it: no content, everything else."""

    id: str
    reference: str
    state: str
    accepted_at: datetime
    grade: str | None
    effective_grade: str | None
    reason: str | None
    """Why it is unroutable, as a code."""
    faults: Sequence[Fault]
    defects: Sequence[Fault]
    warnings: Sequence[Fault]
    deliveries: Sequence[DeliveryStatus]
    raw: Mapping[str, Any] = field(repr=False)
    """The whole answer of the gateway."""
    version: int = 1
    """The latest one."""
    recalled_at: datetime | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Status:
        """Read the answer of ``GET /v1/referrals/{id}``."""
        return cls(
            id=value["id"],
            reference=value["reference"],
            state=value["state"],
            accepted_at=datetime.fromisoformat(value["accepted_at"]),
            grade=value.get("grade"),
            effective_grade=value.get("effective_grade"),
            reason=value.get("reason"),
            faults=faults_from(value.get("faults")),
            defects=faults_from(value.get("defects")),
            warnings=faults_from(value.get("warnings")),
            deliveries=tuple(map(DeliveryStatus.from_json, value.get("deliveries", ()))),
            raw=value,
            version=value.get("version", 1),
            recalled_at=instant(value.get("recalled_at")),
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """The broker's proof that it has a referral: keep ``id`` and ``digest``."""

    id: str
    reference: str
    state: str
    accepted_at: datetime
    digest: str
    """SHA-256 of the document in canonical form: it identifies the content that was accepted."""
    duplicate: bool
    """True when the broker had the same document already; nothing was written again."""
    raw: Mapping[str, Any] = field(repr=False)
    """The whole answer of the gateway; after ``publish(wait=…)`` with the full status."""
    version: int = 1
    """1, and one more with each correction."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Receipt:
        """Read the answer of ``POST /v1/referrals``."""
        return cls(
            id=value["id"],
            reference=value["reference"],
            state=value["state"],
            accepted_at=datetime.fromisoformat(value["accepted_at"]),
            digest=value["digest"],
            duplicate=bool(value.get("duplicate", False)),
            raw=value,
            version=value.get("version", 1),
        )


@dataclass(frozen=True, slots=True)
class Recall:
    """The broker's proof that a referral is recalled."""

    id: str
    reference: str
    state: str
    recalled_at: datetime
    reason: str
    duplicate: bool
    """True when it had been recalled already."""
    raw: Mapping[str, Any] = field(repr=False)
    """The whole answer of the gateway."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recall:
        """Read the answer of ``POST /v1/referrals/{id}/recall``."""
        return cls(
            id=value["id"],
            reference=value["reference"],
            state=value["state"],
            recalled_at=datetime.fromisoformat(value["recalled_at"]),
            reason=value["reason"],
            duplicate=bool(value.get("duplicate", False)),
            raw=value,
        )


@dataclass(frozen=True, slots=True)
class Published:
    """The result for one document of ``publish_many``: a receipt, or a problem."""

    receipt: Receipt | None
    problem: Problem | None

    @property
    def error(self) -> ClientError | None:
        """The error that ``publish`` would have raised for this document."""
        return error_for(self.problem) if self.problem else None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the publisher's feed: codes, ids and instants, never content."""

    cursor: str
    """Store it when you have processed the event; pass it as ``after`` to continue."""
    at: datetime
    kind: str
    referral: str | None
    """None for events about an organisation, such as silence or a reconciliation."""
    reference: str | None
    delivery: str | None
    agency: str | None
    data: Mapping[str, Any]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Event:
        """Read one element of the feed."""
        return cls(
            cursor=value["cursor"],
            at=datetime.fromisoformat(value["at"]),
            kind=value["kind"],
            referral=value["referral"],
            reference=value["reference"],
            delivery=value.get("delivery"),
            agency=value.get("agency"),
            data=value.get("data") or {},
        )


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Which references of a day's list have no referral."""

    day: date
    listed: int
    referred: int
    missing: Sequence[str]
    """No referral was submitted for these."""
    rejected: Sequence[str]
    """The referral was rejected, and no corrected one came."""
    raw: Mapping[str, Any] = field(repr=False)
    """The whole answer of the gateway."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Reconciled:
        """Read the answer of ``POST /v1/reconciliations``."""
        return cls(
            day=date.fromisoformat(value["day"]),
            listed=value["listed"],
            referred=value["referred"],
            missing=tuple(value["missing"]),
            rejected=tuple(value["rejected"]),
            raw=value,
        )


def instant(value: str | None) -> datetime | None:
    """Read an RFC 3339 instant that may be absent."""
    return None if value is None else datetime.fromisoformat(value)


def deadlines_from(value: Mapping[str, str | None] | None) -> Mapping[str, datetime]:
    """Read a ``deadlines`` object; a milestone without a deadline is left out."""
    stated = value or {}
    return {name: datetime.fromisoformat(text) for name, text in stated.items() if text is not None}
