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
from broker.policy.language.entry_edits import Entry, EntryCourse, LaterEntry, carried
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
_CHANGED = (
    "Organisation {!r} was changed by somebody else since you read it. Read it again and repeat "
    "your change."
)
Alter = Callable[[Entry], Mapping[str, Any]]
"""Returns what an entry is to be."""
Following = Sequence[tuple[NewVersion, datetime]]
"""Versions, each with its start, which is to come."""
VERSIONS = 100
"""Versions of one organisation that are listed."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a change."""

    version: int
    """The new version; the last one where nothing changed."""
    is_new: bool
    starts_at: datetime | None
    """None where the policy's document says what the organisation is."""
    policy_version: str
    """The version of the policy that is in force with it, or was when it was set for later."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Versions to record, and those that follow them later, each with its start."""

    new: Sequence[NewVersion]
    later: Following = ()


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
        number, last = self.current(code)
        versions = self.versions(code)
        later = {
            known.starts_at: known
            for known in reversed(versions)  # of those that start at once, the last one counts
            if known.revision is None and known.starts_at > now
        }
        set_for_later = [
            LaterEntry(later[at].version, at, later[at].document) for at in sorted(later)
        ]
        started = {known.revision: known for known in versions if known.revision}
        if started:
            known = started[max(started)]
            return EntryCourse(number, known.document, known.version, set_for_later)
        documented = self._documented([code]) if number else {}
        if code in documented:
            return EntryCourse(number, documented[code], 0, set_for_later)
        return EntryCourse(number, last, number, set_for_later)

    def starting(self, *, now: datetime) -> set[OrganisationCode]:
        """Return the organisations of which a version is due that has not started yet."""
        return {due.code for due in self._ledger.directory.due_versions(now=now)}

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
        in_force: int | None = None,
    ) -> Changed:
        """Make an organisation what a document says, which a directory document could say.

        None as ``expected`` adds it, and raises Conflict where there is one; the same document
        again changes nothing. Else this is ``change`` of what the document changes.
        """
        _check_form([(code, document)])
        if expected is not None:
            return self.change(
                code, lambda _: document, context, expected=expected, in_force=in_force
            )
        row = self._ledger.directory.documents_of([code]).get(code)
        if row is not None and row[1] == document:
            return self._unchanged(code)
        if row is not None or self._policies.refreshed().directory.organisation(code) is not None:
            raise Conflict(
                f"There is an organisation {code!r} already. Read it, and name its version."
            )
        self.record([NewVersion(code, 0, document)], context)
        return self._recorded(code, 1)

    def change(
        self,
        code: OrganisationCode,
        alter: Alter,
        context: ChangeContext,
        *,
        expected: int,
        in_force: int | None = None,
    ) -> Changed:
        """Change an organisation, now or later; what is set for after that has the change too.

        ``alter`` returns what an entry is to be. Only the fields that it changes are changed. What
        is set for later keeps each field to which it gives another value. ``expected`` is the last
        version that was seen, 0 where it is no row yet; ``in_force`` the one in force then, where
        it matters. The same change again, with what was seen before, changes nothing.

        Raises NotFound, Invalid with every fault, Conflict where it was changed since, and
        Unavailable while a version that was set for an instant that has come is not in force.
        """
        if self._is_repeated(code, alter, context, expected):
            return self._recorded(code, expected + 1, is_new=False)
        course = self._seen(code, context.now, expected, in_force)
        if alter(course.at(context.starts_at)) == course.at(context.starts_at):
            return self._unchanged(code)

        def plan() -> _Plan:
            return _planned(code, alter, context, self._seen(code, context.now, expected, in_force))

        self._record(plan, context)
        return self._recorded(code, expected + 1)

    def _seen(
        self, code: OrganisationCode, now: datetime, expected: int, in_force: int | None
    ) -> EntryCourse:
        """Return what an organisation is and is set to be, if it is what was seen.

        Raises Conflict, and Unavailable while another version is about to be in force.
        """
        if code in self.starting(now=now):
            raise Unavailable(_STARTING)
        course = self.course(code, now=now)
        if course.version != expected or in_force not in (None, course.in_force):
            raise Conflict(_CHANGED.format(code))
        return course

    def _is_repeated(
        self, code: OrganisationCode, alter: Alter, context: ChangeContext, expected: int
    ) -> bool:
        """Tell whether all that was recorded after a version is this very change.

        Versions of one change have one author, reason and time of recording.
        """
        since = [known for known in self.versions(code) if known.version > expected]
        if not since or since[-1].version != expected + 1:
            return False
        first = since[-1]
        starts_at = max(context.starts_at or first.recorded_at, first.recorded_at)
        return (
            all(v.recorded_at == first.recorded_at and v.reason == context.reason for v in since)
            and all(v.actor == context.actor for v in since)
            and first.starts_at == starts_at
            and alter(first.document) == first.document
        )

    def record(
        self,
        new: Sequence[NewVersion],
        context: ChangeContext,
        *,
        later: Following = (),
    ) -> str:
        """Check and record versions; return the version of the policy in force then.

        ``later`` has versions that follow them, each with its start. Raises Invalid with every
        fault, Conflict where one was changed since, and Unavailable where others change the
        directory all the time.
        """
        return self._record(lambda: _Plan(new, later), context)

    def _record(self, plan: Callable[[], _Plan], context: ChangeContext) -> str:
        """Record what is planned, and plan again where the directory was changed meanwhile."""
        _check_context(context)
        for _ in range(ATTEMPTS):
            policy = self._policies.refreshed()
            planned = plan()
            _check_form([(version.code, version.document) for version in planned.new])
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
        _check_form([(version.code, version.document) for version in new])
        self._checked(self._policies.latest(), new)

    def versions(self, code: OrganisationCode) -> list[OrganisationVersion]:
        """Return the versions of an organisation, the last one first; none when it is no row."""
        return self._ledger.directory.versions(code, limit=VERSIONS)

    def _unchanged(self, code: OrganisationCode) -> Changed:
        """Return what an organisation is already. One that is no row counts from the policy on."""
        return self._recorded(code, self.current(code)[0], is_new=False)

    def _recorded(self, code: OrganisationCode, number: int, *, is_new: bool = True) -> Changed:
        starts_at = {known.version: known.starts_at for known in self.versions(code)}.get(number)
        return Changed(number, is_new, starts_at, self._policies.refreshed().version)

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


def following_versions(
    code: OrganisationCode, course: EntryCourse, document: Entry, starts_at: datetime | None
) -> Following:
    """Return the versions with which what is set for later has a change too, in their order.

    ``document`` is what the organisation is to be from ``starts_at`` on, None from now on.
    """
    following = enumerate(carried(course, document, starts_at), start=course.version + 1)
    return [
        (NewVersion(code, number, change.entry), change.starts_at) for number, change in following
    ]


def _planned(
    code: OrganisationCode, alter: Alter, context: ChangeContext, course: EntryCourse
) -> _Plan:
    """Return the versions that make a change, at its start and after it."""
    document = alter(course.at(context.starts_at))
    later = following_versions(code, course, document, context.starts_at)
    return _Plan([NewVersion(code, course.version, document)], later)


def _check_form(entries: Collection[tuple[str, Mapping[str, Any]]]) -> None:
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
