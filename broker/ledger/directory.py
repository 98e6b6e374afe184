"""Organisations as rows: each with versions of its own that are added and never changed.

A version counts from its start, instead of what the policy's document says of the organisation.
Each one that comes into force is a revision of the directory. With the rules in force it makes a
version of the policy, by which whatever is decided afterwards is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.domain.ids import OrganisationCode
from broker.errors import Conflict
from broker.ledger.database import Connection, Part, json_text, rows
from broker.ledger.hand_overs import look_again_all
from broker.ledger.policies import KNOWN_EVERYWHERE, add_revision, in_force, lock_head
from broker.policy.language.directory_reader import OrganisationRow

PAGE = 1000
"""Organisations that are read at once."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What an organisation is to be."""

    code: OrganisationCode
    expected: int
    """The last version that was seen; 0 where it is no row yet."""
    document: Mapping[str, Any]
    """Its entry, as a directory document has it."""


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """Who changes organisations, when, why, and from when on it counts."""

    actor: str
    """As events name them, such as ``person:<name>``."""
    reason: str
    now: datetime
    starts_at: datetime | None = None
    """None: at once."""


@dataclass(frozen=True, slots=True)
class OrganisationVersion:
    """A version of an organisation, with who recorded it."""

    code: OrganisationCode
    version: int
    document: Mapping[str, Any]
    starts_at: datetime
    recorded_at: datetime
    actor: str
    reason: str
    revision: int | None
    """Which revision of the directory it made; None before it starts."""
    in_force_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueVersion:
    """A version that was set for a later time, which has come."""

    code: OrganisationCode
    version: int
    document: Mapping[str, Any]
    starts_at: datetime


class Directory(Part):
    """Versions of organisations."""

    def rows_between(self, before: int, after: int) -> Iterator[OrganisationRow]:
        """Yield what each organisation that differs between two revisions is at the second.

        They are read a page at a time: 25,000 documents at once are 70 MB.
        """
        code = ""
        while True:
            params = {"before": before, "after": after, "code": code, "limit": PAGE}
            page = self._rows("directory/rows_between", params)
            yield from (OrganisationRow(**row) for row in page)
            if len(page) < PAGE:
                return
            code = page[-1]["code"]

    def versions(self, code: OrganisationCode, *, limit: int) -> list[OrganisationVersion]:
        """Return the versions of an organisation, the last one first; none when it is no row."""
        listed = self._rows("directory/versions", {"code": code, "limit": limit})
        return [OrganisationVersion(**row) for row in listed]

    def documents_of(
        self, codes: Sequence[OrganisationCode]
    ) -> Mapping[OrganisationCode, tuple[int, Mapping[str, Any]]]:
        """Return the last version of each organisation that is a row, with its document."""
        listed = self._rows("directory/documents_of", {"codes": list(codes)})
        return {row["code"]: (row["version"], row["document"]) for row in listed}

    def record(
        self,
        new: Sequence[NewVersion],
        context: ChangeContext,
        *,
        judged_by: str,
        has_other_hours: bool,
        later: Sequence[tuple[NewVersion, datetime]] = (),
    ) -> int | None:
        """Add a version of each organisation, and put it in force unless it starts later.

        ``later`` has versions that follow them, each with its start, which is to come.
        ``judged_by`` is the version of the policy by which the change was checked; None comes back
        where another one is in force by now, and nothing was written. ``has_other_hours``: parts
        that may change hands are looked at again. Returns the revision then in force.
        Raises Conflict where an organisation has another last version than was seen.
        """
        with self._transaction() as connection:
            head = lock_head(connection)
            if in_force(connection) != judged_by:
                return None
            begins = context.starts_at or context.now
            is_later = begins > max(context.now, head.started_until)
            _make_known(connection, new)
            added = _add_versions(
                connection, new, context, starts_at=begins if is_later else context.now
            )
            for version, starts_at in later:
                _add_versions(connection, [version], context, starts_at=starts_at)
            if is_later:
                return head.revision
            revision = _start(connection, added, head.revision, now=context.now)
            if has_other_hours:
                look_again_all(connection, context.now + KNOWN_EVERYWHERE)
            return revision

    def due_versions(self, *, now: datetime) -> list[DueVersion]:
        """Return the versions set for a later time that start now, in the order of their starts."""
        return [DueVersion(**row) for row in self._rows("directory/due_versions", {"now": now})]

    def start_due(
        self,
        due: Sequence[DueVersion],
        refused: Mapping[tuple[OrganisationCode, int], Sequence[str]],
        *,
        judged_by: str,
        now: datetime,
    ) -> bool:
        """Put in force what is due, but for what is refused: it never starts, and an event says so.

        ``refused`` has the codes of faults by organisation and version. ``judged_by`` is the
        version of the policy by which all of it was judged: False, and nothing was written, where
        another one is in force by now, or something else is due.
        """
        with self._transaction() as connection:
            head = lock_head(connection)
            if in_force(connection) != judged_by or _due_versions(connection, now) != list(due):
                return False
            _pass_by(connection, refused, due[-1].starts_at, now)
            versions = [(version.code, version.version) for version in due]
            if started := [version for version in versions if version not in refused]:
                _start(connection, started, head.revision, now=now)
                look_again_all(connection, now + KNOWN_EVERYWHERE)
            return True


def _due_versions(connection: Connection, now: datetime) -> list[DueVersion]:
    return [DueVersion(**row) for row in rows(connection, "directory/due_versions", {"now": now})]


def _pass_by(
    connection: Connection,
    refused: Mapping[tuple[OrganisationCode, int], Sequence[str]],
    started_until: datetime,
    now: datetime,
) -> None:
    """Note until when everything is started, and what is not."""
    params = {
        "codes": [code for code, _ in refused],
        "versions": [version for _, version in refused],
        "faults": [json_text(faults) for faults in refused.values()],
    }
    rows(connection, "directory/pass_by", {**params, "started_until": started_until, "now": now})


def _make_known(connection: Connection, new: Sequence[NewVersion]) -> None:
    columns = {
        f"{name}s": [version.document[name] for version in new]
        for name in ("name", "kind", "channel")
    }
    codes = [version.code for version in new]
    rows(connection, "directory/make_known", {"codes": codes, **columns})


def _add_versions(
    connection: Connection,
    new: Sequence[NewVersion],
    context: ChangeContext,
    *,
    starts_at: datetime,
) -> list[tuple[OrganisationCode, int]]:
    """Add versions; return each organisation's code and number, in the order given."""
    added = rows(
        connection,
        "directory/add_versions",
        {
            "codes": [version.code for version in new],
            "expected": [version.expected for version in new],
            "documents": [json_text(version.document) for version in new],
            "starts_at": starts_at,
            "now": context.now,
            "actor": context.actor,
            "reason": context.reason,
        },
    )
    numbers = {row["code"]: row["version"] for row in added}
    for version in new:
        if version.code not in numbers:
            raise Conflict(
                f"Organisation {version.code!r} was changed by somebody else since you read it. "
                "Read it again and repeat your change."
            )
    return [(version.code, numbers[version.code]) for version in new]


def _start(
    connection: Connection,
    started: Sequence[tuple[OrganisationCode, int]],
    last: int,
    *,
    now: datetime,
) -> int:
    """Put versions in force after the last revision; return the revision then in force."""
    codes, versions = (list(column) for column in zip(*started, strict=True))
    params = {"codes": codes, "versions": versions, "last": last, "now": now}
    rows(connection, "directory/start", params)
    add_revision(connection, last + len(started), now)
    return last + len(started)
