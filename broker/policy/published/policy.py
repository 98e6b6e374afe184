"""A policy as it is used: read from its documents, checked as a whole, never changed again."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from broker.domain.channel import ChannelForms
from broker.domain.codes import DeliveryKind, Grade
from broker.domain.task import TaskDeadline
from broker.errors import Fault, PolicyError
from broker.policy.language.directory import Directory, Entry
from broker.policy.language.directory_reader import (
    OrganisationReader,
    OrganisationRow,
    read_directory,
)
from broker.policy.language.rule_matches import RuleMatches
from broker.policy.language.rules import GradeRule, RoutingRule, read_promptness, read_rules
from broker.policy.language.version_rules import (
    VersionRule,
    check_version_rules,
    read_version_rules,
)
from broker.policy.language.views import View, read_views
from broker.policy.language.yaml_nodes import Node
from broker.policy.monitoring.alarms import AlarmRules, read_alarms
from broker.policy.monitoring.embargoes import EmbargoRules, read_embargoes
from broker.policy.monitoring.inbox_rules import (
    InboxRules,
    check_inbox_rules,
    read_inbox_rules,
)
from broker.policy.monitoring.links import read_link_window
from broker.policy.monitoring.recurrence import Recurrence, read_recurrence
from broker.policy.monitoring.silence import Silence, read_silence
from broker.policy.monitoring.task_deadlines import (
    DEFAULT,
    check_task_deadlines,
    read_task_deadlines,
    task_deadline,
)
from broker.policy.places.gazetteer import Gazetteer, installed
from broker.policy.published.checks import check, check_alarms, check_silence
from broker.policy.time.calendars import (
    BankHolidays,
    Edition,
    WorkingCalendar,
    national,
    read_bank_holidays,
)
from broker.policy.time.deadlines import Within

DOCUMENTS = ("policy.yaml", "views.yaml", "directory.yaml", "bank_holidays.yaml")
HOLIDAYS = "bank_holidays.yaml"


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the policy and the directory."""

    version: str
    directory: Directory
    routing_rules: tuple[RoutingRule, ...]
    grade_rules: tuple[GradeRule, ...]
    """What raises a grade or contradicts it."""
    version_rules: Mapping[DeliveryKind, VersionRule]
    """What a correction, and what a recall, asks of agencies that had an earlier version."""
    recurrence: Recurrence | None
    """Which referrals for one child are counted; None counts none."""
    linked_within: timedelta | None
    """For how long referrals that name the same are linked; None links none."""
    promptness: Mapping[Grade, Within]
    """How long the police may have known of what they hand in, by grade."""
    silence: Silence
    """When an organisation has been silent for too long."""
    views: Mapping[str, View]
    calendars: Mapping[str, WorkingCalendar]
    """An ordinary office's calendar for each nation."""
    alarms: AlarmRules
    task_deadlines: Mapping[str, Within] = field(default_factory=lambda: DEFAULT)
    """How long ops has for a task, by grade or for ``any``."""
    embargoes: EmbargoRules = field(default_factory=EmbargoRules)
    """How embargoes are looked after."""
    inbox: InboxRules = field(default_factory=InboxRules)
    """What an agency's people are told in their inbox."""
    gazetteer: Gazetteer = field(default_factory=installed, repr=False, compare=False)
    """Which places exist; the same for every version."""
    matches: RuleMatches = field(init=False, repr=False, compare=False)
    """Which of its rules hold for a subject."""

    def __post_init__(self) -> None:
        matches = RuleMatches(self.grade_rules, self.routing_rules)
        object.__setattr__(self, "matches", matches)

    def reader(self, channels: ChannelForms) -> OrganisationReader:
        """Return what reads the rows of organisations with this version's kinds and calendars."""
        directory = self.directory
        holidays = {nation: days.bank_holidays for nation, days in self.calendars.items()}
        return OrganisationReader(directory.kinds, directory.areas, holidays, channels)

    def reads_rows_as(self, other: Policy) -> bool:
        """Tell whether a row is the same organisation in another policy."""
        own, others = self.directory, other.directory
        return (
            self.edition == other.edition
            and own.kinds.keys() == others.kinds.keys()
            and own.areas.keys() == others.areas.keys()
        )

    def with_rows(
        self,
        rows: Iterable[OrganisationRow],
        *,
        version: str,
        revision: int,
        reader: OrganisationReader,
    ) -> Policy:
        """Return the version with another revision of the directory, of which these rows differ.

        Raises PolicyError when a row cannot be read.
        """
        faults: list[Fault] = []
        entries = reader.entries(rows, faults)
        if faults:
            raise _unusable(faults)
        return self.with_entries(entries, version=version, revision=revision)

    def with_entries(self, entries: Sequence[Entry], *, version: str, revision: int) -> Policy:
        """Return the version with another revision of the directory."""
        directory = self.directory.with_entries(entries, revision=revision)
        policy = replace(self, version=version, directory=directory)
        object.__setattr__(policy, "matches", self.matches)
        return policy

    def task_deadline(self, grade: Grade, since: datetime) -> TaskDeadline:
        """Return by when what is known since an instant must be settled, and its first alarm."""
        return task_deadline(
            grade,
            since,
            deadlines=self.task_deadlines,
            calendar=self.calendars["ENG"],
            policy_alarms=self.alarms,
        )

    @property
    def edition(self) -> Edition:
        """Which calendar data its deadlines are counted by."""
        return next(iter(self.calendars.values())).bank_holidays.edition


def load(
    documents: Mapping[str, str],
    *,
    version: str,
    channels: ChannelForms,
    rows: Iterable[OrganisationRow] = (),
    revision: int = 0,
    like: Policy | None = None,
) -> Policy:
    """Read a policy for a broker that has these channels, with the organisations that are rows.

    Of ``like``, a policy with rows too, organisations are taken over that are the same here.
    Raises PolicyError whose faults point at ``file:line``.
    """
    with _no_garbage_collection():
        policy, faults = assemble(
            documents, version=version, channels=channels, rows=rows, revision=revision, like=like
        )
    if policy is None or faults:
        raise _unusable(faults)
    return policy


def _unusable(faults: Sequence[Fault]) -> PolicyError:
    first = faults[0]
    message = (
        f"The policy cannot be used: {len(faults)} thing(s) are wrong, first {first.pointer}: "
        f"{first.message}"
    )
    return PolicyError(message, faults=faults)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Put off the collection of cycles, which takes two thirds of the reading of 25,000 schools.

    Nothing that is read is garbage, and each collection looks at all of it again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def assemble(
    documents: Mapping[str, str],
    *,
    version: str,
    channels: ChannelForms,
    rows: Iterable[OrganisationRow] = (),
    revision: int = 0,
    like: Policy | None = None,
) -> tuple[Policy | None, list[Fault]]:
    """Read a policy as far as it goes, with everything that is wrong with it."""
    faults: list[Fault] = []
    roots = {name: _root(name, documents, faults) for name in DOCUMENTS}
    holidays = _holidays(documents, faults)
    rules, views, places = (roots[name] for name in DOCUMENTS[:3])
    if rules is None or views is None or places is None or not holidays:
        return None, faults
    directory = read_directory(places, holidays, channels)
    routing_rules, grade_rules = read_rules(rules, directory.kinds)
    policy = Policy(
        version=version,
        directory=directory,
        routing_rules=routing_rules,
        grade_rules=grade_rules,
        version_rules=read_version_rules(rules),
        recurrence=_recurrence(rules),
        linked_within=_linked_within(rules),
        promptness=read_promptness(rules),
        silence=_silence(rules),
        views=read_views(views),
        calendars={nation: national(nation, holidays) for nation in holidays},
        alarms=read_alarms(rules),
        task_deadlines=_task_deadlines(rules),
        embargoes=_embargoes(rules),
        inbox=_inbox(rules),
    )
    if revision:
        known = like.directory if like and policy.reads_rows_as(like) else None
        entries = policy.reader(channels).entries(rows, faults, known)
        policy = replace(policy, directory=directory.with_entries(entries, revision=revision))
    faults.extend(_contradictions(policy, rules.place))
    return policy, faults


def _contradictions(policy: Policy, place: str) -> Iterator[Fault]:
    """Find what is wrong with a policy as a whole."""
    yield from check(
        policy.directory,
        policy.routing_rules,
        policy.grade_rules,
        policy.views,
        policy.calendars,
    )
    yield from check_alarms(policy.alarms, policy.directory)
    yield from check_task_deadlines(place, policy.task_deadlines, policy.alarms)
    yield from check_version_rules(policy.version_rules)
    yield from check_silence(policy.silence, policy.directory, place)
    yield from check_inbox_rules(policy.inbox, policy.directory)


def documents_from(path: Path) -> dict[str, str]:
    """Read the documents of a policy from a directory. Raises PolicyError when one is missing."""
    try:
        return {name: (path / name).read_text(encoding="utf-8") for name in DOCUMENTS}
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(
            f"A policy is a directory with {', '.join(DOCUMENTS)}; one cannot be read."
        ) from error


def digest(documents: Mapping[str, str]) -> bytes:
    """Return the SHA-256 of the documents, the same whatever their order."""
    total = sha256()
    for name in sorted(documents):
        for part in (name.encode(), documents[name].encode()):
            total.update(len(part).to_bytes(8, "big") + part)
    return total.digest()


def _root(name: str, documents: Mapping[str, str], faults: list[Fault]) -> Node | None:
    if name not in documents:
        faults.append(Fault(f"{name}:1", "missing", "This document is missing."))
        return None
    return Node.parse(name, documents[name], faults)


def _recurrence(rules: Node) -> Recurrence | None:
    sections = dict(rules.entries())
    return read_recurrence(sections["recurrence"]) if "recurrence" in sections else None


def _silence(rules: Node) -> Silence:
    sections = dict(rules.entries())
    return read_silence(sections["silence"]) if "silence" in sections else Silence()


def _linked_within(rules: Node) -> timedelta | None:
    sections = dict(rules.entries())
    return read_link_window(sections["links"]) if "links" in sections else None


def _task_deadlines(rules: Node) -> Mapping[str, Within]:
    sections = dict(rules.entries())
    return read_task_deadlines(sections["tasks"]) if "tasks" in sections else DEFAULT


def _embargoes(rules: Node) -> EmbargoRules:
    sections = dict(rules.entries())
    return read_embargoes(sections["embargoes"]) if "embargoes" in sections else EmbargoRules()


def _inbox(rules: Node) -> InboxRules:
    sections = dict(rules.entries())
    return read_inbox_rules(sections["inbox"]) if "inbox" in sections else InboxRules()


def _holidays(documents: Mapping[str, str], faults: list[Fault]) -> Mapping[str, BankHolidays]:
    try:
        return read_bank_holidays(documents.get(HOLIDAYS, ""))
    except PolicyError as error:
        faults.append(Fault(f"{HOLIDAYS}:1", "wrong-type", error.message))
        return {}
