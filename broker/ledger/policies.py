"""Published versions of the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from broker.ledger.database import Part, json_text, rows
from broker.ledger.hand_overs import look_again_all
from broker.policy.time.calendars import Edition

KNOWN_EVERYWHERE = timedelta(seconds=10)
"""After so long every process has read a new policy, which it looks for every five seconds."""


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A published policy, without its documents."""

    version: str
    sha256: bytes
    published_at: datetime
    calendar_sha256: bytes | None
    calendar_ends: date | None


class Policies(Part):
    """Policy versions; the latest one published is in force."""

    def publish_policy(
        self,
        version: str,
        sha256: bytes,
        documents: Mapping[str, str],
        now: datetime,
        *,
        calendar: Edition | None = None,
    ) -> None:
        """Store a policy version; the latest one published is in force. Repeating it is harmless.

        Parts that may change hands are looked at again, since the opening hours may be others.
        ``calendar`` is the calendar data that its deadlines are counted with.
        """
        params = {"version": version, "sha256": sha256, "documents": json_text(dict(documents))}
        edition = {
            "calendar_sha256": bytes.fromhex(calendar.sha256) if calendar else None,
            "calendar_ends": calendar.ends if calendar else None,
        }
        with self._transaction() as connection:
            rows(connection, "policies/publish_policy", {**params, **edition, "now": now})
            look_again_all(connection, now + KNOWN_EVERYWHERE)

    def policy(self, version: str | None) -> tuple[str, Mapping[str, str]] | None:
        """Return a version's documents, or those in force when ``version`` is None."""
        published = self._rows("policies/policy", {"version": version})
        return (published[0]["version"], published[0]["documents"]) if published else None

    def policies(self, *, limit: int) -> list[PolicyVersion]:
        """Return the policy versions that were published last, the one in force first."""
        return [PolicyVersion(**row) for row in self._rows("policies/policies", {"limit": limit})]
