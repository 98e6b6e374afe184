"""Published versions of the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from broker.ledger.database import Connection, Part, json_text, rows
from broker.ledger.hand_overs import look_again_all
from broker.policy.time.calendars import Edition

KNOWN_EVERYWHERE = timedelta(seconds=10)
"""After so long every process has read a new policy, which it looks for twice a second."""


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A published policy, without its documents."""

    version: str
    sha256: bytes
    published_at: datetime
    calendar_sha256: bytes | None
    calendar_ends: date | None


@dataclass(frozen=True, slots=True)
class PolicyHead:
    """What a version of the policy consists of."""

    version: str
    based_on: str
    """The published policy whose documents it has; itself where it is one."""
    revision: int
    """Its revision of the directory; 0 where no organisation is a row."""


@dataclass(frozen=True, slots=True)
class DirectoryHead:
    """The end of the directory."""

    revision: int
    started_until: datetime
    """Every version that starts earlier is in force."""


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
        revision: int = 0,
    ) -> str | None:
        """Store a policy version; the latest one published is in force. Repeating it is harmless.

        Parts that may change hands are looked at again, since the opening hours may be others.
        ``calendar`` is the calendar data that its deadlines are counted with, ``revision`` that of
        the directory with which it was checked. Returns the version in force then, which names the
        revision too; None where there is another revision by now, and nothing was written.
        """
        params = {"version": version, "sha256": sha256, "documents": json_text(dict(documents))}
        edition = {
            "calendar_sha256": bytes.fromhex(calendar.sha256) if calendar else None,
            "calendar_ends": calendar.ends if calendar else None,
        }
        with self._transaction() as connection:
            if lock_head(connection).revision != revision:
                return None
            rows(connection, "policies/publish_policy", {**params, **edition, "now": now})
            look_again_all(connection, now + KNOWN_EVERYWHERE)
            return add_revision(connection, revision, now, version) if revision else version

    def head(self, version: str | None) -> PolicyHead | None:
        """Return what a version consists of, or the one in force when ``version`` is None."""
        with self._transaction() as connection:
            return _head(connection, version)

    def version_at(self, at: datetime) -> str | None:
        """Return the version that was in force at an instant."""
        versions = self._rows("policies/version_at", {"at": at})
        return versions[0]["version"] if versions else None

    def policy(self, version: str | None) -> tuple[str, Mapping[str, str]] | None:
        """Return a version's documents, or those in force when ``version`` is None."""
        published = self._rows("policies/policy", {"version": version})
        return (published[0]["version"], published[0]["documents"]) if published else None

    def policies(self, *, limit: int) -> list[PolicyVersion]:
        """Return the policies that were published last, the one in force first.

        A change of the directory makes a version that is not among them.
        """
        return [PolicyVersion(**row) for row in self._rows("policies/policies", {"limit": limit})]


def lock_head(connection: Connection) -> DirectoryHead:
    """Keep everybody else from changing the directory, or the policy, in this transaction."""
    return DirectoryHead(**rows(connection, "policies/lock_head", {})[0])


def in_force(connection: Connection) -> str | None:
    """Return the version in force, inside a transaction that holds the head."""
    head = _head(connection, None)
    return head.version if head else None


def _head(connection: Connection, version: str | None) -> PolicyHead | None:
    heads = rows(connection, "policies/head", {"version": version})
    return PolicyHead(**heads[0]) if heads else None


def add_revision(
    connection: Connection, revision: int, now: datetime, based_on: str | None = None
) -> str:
    """Put a revision of the directory in force with a policy, or with the one in force.

    The transaction holds the head. Returns the version that both make.
    """
    params = {"revision": revision, "now": now, "based_on": based_on}
    return str(rows(connection, "policies/add_revision", params)[0]["version"])
