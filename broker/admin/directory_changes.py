"""Change organisations one at a time, or many at once: each a new version of its row.

A change is checked like a policy before it is published, with the organisations that it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.domain.ids import OrganisationCode
from broker.errors import Conflict, Fault, Invalid, NotFound, Unavailable
from broker.flow.policy_cache import PolicyCache
from broker.ledger.directory import ChangeContext, NewVersion, OrganisationVersion
from broker.ledger.ledger import Ledger
from broker.policy.language.directory import Organisation
from broker.policy.language.directory_reader import OrganisationRow, documented_entries
from broker.policy.language.entry_edits import Edits, EntryCourse, LaterEntry, carried, edited
from broker.policy.published.change_checks import changes_hours, with_change
from broker.policy.published.policy import Policy
from schemas import formats
from schemas.directory import ORGANISATION
from schemas.loading import load

_DIRECTORY = "directory.yaml"
_is_code = formats.Organisation().matches
ATTEMPTS = 10
"""How often a change begins again because another one came before it."""
_STARTING = (
    "A change of this organisation that was set for now is being made. Try again in a minute."
)
VERSIONS = 100
"""Versions of one organisation that are listed."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a change."""

    version: int
    """The new version; the last one where nothing changed."""
    is_new: bool
    starts_at: datetime
    policy_version: str
    """The version of the policy that is in force with it, or was when it was set for later."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Versions to record, and those that follow them later, each with its start."""

    new: Sequence[NewVersion]
    later: Sequence[tuple[NewVersion, datetime]] = ()


class DirectoryChanges:
    """Changes of organisations in one process."""

    def __init__(self, ledger: Ledger, policies: PolicyCache) -> None:
        self._ledger = ledger
        self._policies = policies

    def current(self, code: OrganisationCode) -> tuple[int, Mapping[str, Any]]:
        """Return an organisation's last version, 0 where it is no row, and its entry.

        Raises NotFound when the directory has no such organisation.
        """
        entries = self.many([code])
        if code not in entries:
            raise NotFound("No organisation of the directory has this code.")
        return entries[code]

    def many(
        self, codes: Sequence[OrganisationCode]
    ) -> dict[OrganisationCode, tuple[int, Mapping[str, Any]]]:
        """Return ``current`` of those organisations that the directory has."""
        codes = [code for code in codes if _is_code(code)]
        entries = dict(self._ledger.directory.documents_of(codes))
        rest = [code for code in codes if code not in entries]
        documented = self._documented(rest) if rest else {}
        return entries | {code: (0, entry) for code, entry in documented.items()}

    def course(self, code: OrganisationCode, *, now: datetime) -> EntryCourse:
        """Return what an organisation is, and what it is set to be later. Raises NotFound.

        Where nothing is in force yet, it is what its last version says.
        """
        version, last = self.current(code)
        versions = self.versions(code)
        started = {known.revision: known.document for known in versions if known.revision}
        later = {
            known.starts_at: known.document
            for known in reversed(versions)  # of those that start at once, the last one counts
            if known.revision is None and known.starts_at > now
        }
        entry = started[max(started)] if started else self._documented([code]).get(code, last)
        return EntryCourse(version, entry, [LaterEntry(at, later[at]) for at in sorted(later)])

    def _documented(
        self, codes: Sequence[OrganisationCode]
    ) -> Mapping[OrganisationCode, Mapping[str, Any]]:
        """Return what the policy's document says of organisations."""
        published = self._ledger.policies.policy(None)
        return documented_entries(published[1].get(_DIRECTORY, ""), codes) if published else {}

    def schools_by_urn(self) -> dict[str, Organisation]:
        """Return every school in force by its URN."""
        organisations = self._policies.latest().directory.organisations
        return {known.urn: known for known in organisations if known.urn}

    def taken(self, codes: Sequence[OrganisationCode]) -> set[OrganisationCode]:
        """Return those codes that an organisation has, also one that starts later."""
        names = self._policies.latest().directory.names
        rows = self._ledger.directory.documents_of(codes)
        return {code for code in codes if code in names or code in rows}

    def put(
        self,
        code: OrganisationCode,
        document: Mapping[str, Any],
        context: ChangeContext,
        *,
        expected: int | None,
    ) -> Changed:
        """Make an organisation what a document says, which a directory document could say.

        ``expected`` is the last version that was seen, 0 where it is no row yet; None: there must
        be no such organisation. The same document again changes nothing.
        Raises Invalid with every fault, and Conflict where it was changed since.
        """
        self._check_form([(code, document)])
        row = self._ledger.directory.documents_of([code]).get(code)
        if row is not None and row[1] == document and expected in (None, row[0] - 1, row[0]):
            return self._unchanged(code, row[0])
        is_known = self._policies.refreshed().directory.organisation(code) is not None
        if expected is None and (row is not None or is_known):
            raise Conflict(
                f"There is an organisation {code!r} already. Read it, and name its version."
            )
        if expected == 0 and row is None and not is_known:
            raise NotFound("No organisation of the directory has this code.")
        version = self.record([NewVersion(code, expected or 0, document)], context)
        (added, *_) = self._ledger.directory.versions(code, limit=1)
        return Changed(added.version, True, added.starts_at, version)

    def change(
        self, code: OrganisationCode, edits: Edits, context: ChangeContext, *, expected: int
    ) -> None:
        """Change fields of an organisation, now or later; what is set for after that has them too.

        ``expected`` is the last version that was seen, 0 where it is no row yet.
        Raises NotFound, Invalid with every fault, Conflict where it was changed since, and
        Unavailable while a version that was set for an instant that has come is not in force.
        """

        def plan() -> _Plan:
            if any(v.code == code for v in self._ledger.directory.due_versions(now=context.now)):
                raise Unavailable(_STARTING)
            course = self.course(code, now=context.now)
            document = edited(course.at(context.starts_at), edits)
            self._check_form([(code, document)])
            following = enumerate(carried(course, edits, context.starts_at), start=expected + 1)
            later = [
                (NewVersion(code, number, change.entry), change.starts_at)
                for number, change in following
            ]
            return _Plan([NewVersion(code, expected, document)], later)

        self._record(plan, context)

    def record(self, new: Sequence[NewVersion], context: ChangeContext) -> str:
        """Check and record versions; return the version of the policy in force then.

        Raises Invalid with every fault, Conflict where one was changed since, and Unavailable
        where others change the directory all the time.
        """
        return self._record(lambda: _Plan(new), context)

    def _record(self, plan: Callable[[], _Plan], context: ChangeContext) -> str:
        """Record what is planned, and plan again where the directory was changed meanwhile."""
        _check_context(context)
        for _ in range(ATTEMPTS):
            policy = self._policies.refreshed()
            planned = plan()
            after = self._checked(policy, planned.new)
            codes = [version.code for version in planned.new]
            revision = self._ledger.directory.record(
                planned.new,
                context,
                judged_by=policy.version,
                has_other_hours=changes_hours(policy, after, codes),
                later=planned.later,
            )
            if revision is not None:
                return self._policies.refreshed().version
        raise Unavailable("The directory was changed again and again meanwhile: repeat the change.")

    def check(self, new: Sequence[NewVersion]) -> None:
        """Check a change without recording it. Raises Invalid with every fault."""
        self._check_form([(version.code, version.document) for version in new])
        self._checked(self._policies.latest(), new)

    def versions(self, code: OrganisationCode) -> list[OrganisationVersion]:
        """Return the versions of an organisation, the last one first; none when it is no row."""
        return self._ledger.directory.versions(code, limit=VERSIONS)

    def _unchanged(self, code: OrganisationCode, number: int) -> Changed:
        (last, *_) = self._ledger.directory.versions(code, limit=1)
        return Changed(number, False, last.starts_at, self._policies.latest().version)

    def _check_form(self, entries: Collection[tuple[str, Mapping[str, Any]]]) -> None:
        """Raise Invalid where an entry has not the form of the schema of directories."""
        faults = [
            Fault("/code", "bad-organisation", "Write a code such as stoke-csc.")
            for code, _ in entries
            if not _is_code(code)
        ]
        faults += [
            Fault(f"organisation {code} {fault.pointer}", fault.code, fault.message)
            for code, document in entries
            for fault in load(ORGANISATION, document).faults
        ]
        if faults:
            raise _invalid(faults)

    def _checked(self, policy: Policy, new: Sequence[NewVersion]) -> Policy:
        """Return the policy with the change. Raises Invalid with what is wrong with it."""
        last = policy.directory.revision
        rows = [
            OrganisationRow(version.code, version.expected + 1, last + number, version.document)
            for number, version in enumerate(new, start=1)
        ]
        after, faults = with_change(policy, rows, self._policies.channels)
        if faults:
            raise _invalid(faults)
        return after


def _check_context(context: ChangeContext) -> None:
    """Raise Invalid where who changes something, or why, is not said or too long to be kept."""
    for name, text, most in (("by", context.actor, 400), ("reason", context.reason, 500)):
        if not 0 < len(text.strip()) <= most:
            message = f"Give '{name}' in at most {most} characters."
            raise Invalid(message, faults=[Fault(f"/{name}", "too-long", message)])


def _invalid(faults: Sequence[Fault]) -> Invalid:
    return Invalid(
        "The organisation was not changed. Correct what is named and repeat the change.",
        faults=faults,
    )
