"""What is gathered while the rows of the policy are gone through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.domain.codes import Grade
from broker.domain.task import Task
from broker.errors import Fault, Remark
from broker.policy.language.directory import Directory
from broker.policy.language.evidence import pointers
from broker.policy.language.rule_matches import Judged, Reasons, RuleMatches
from broker.policy.language.rules import RoutingRule
from broker.policy.language.vocabulary import SUBJECTS
from broker.policy.routing.assignments import Draft, Grounds
from broker.policy.routing.facts import Facts, SubjectFacts
from schemas.immutable import immutable

Known = Sequence[tuple[SubjectFacts, Judged]]
"""Subjects, and what the rules say about each."""
URGENCY = tuple(Grade)
"""Grades, the most urgent first."""


@dataclass(slots=True)
class Work:
    """What is gathered while the rows are gone through."""

    directory: Directory
    drafts: dict[tuple[str, str, str], Draft] = field(default_factory=dict)
    """By agency, rule, and the closed office whose part it is: a team may stand in for several."""
    warnings: dict[Fault, None] = field(default_factory=dict)
    tasks: dict[Task, None] = field(default_factory=dict)
    stranded: str | None = None
    """Why a lead has nobody: ``no_area`` or ``no_recipient``."""
    doubt: tuple[str, str] | None = None
    """The code and the reason for which what an embargo may hold waits for a person."""
    obeys_doubt: bool = True
    """Whether what is in doubt is held; what is urgent goes, and a person asks."""
    is_owned: bool = False
    """Whether one of the drafts makes somebody responsible, so that all of them may go."""

    def warn(self, pointer: str, code: str, message: str, needs: Grounds = ()) -> None:
        """Warn of something; ``needs`` is what else an agency must be shown to be told it."""
        fault = Remark(pointer, code, message, needs) if needs else Fault(pointer, code, message)
        self.warnings[fault] = None

    def task(self, pointer: str, code: str, message: str, needs: Grounds = ()) -> None:
        """Warn of something that a person in ops must settle as well."""
        self.warn(pointer, code, message, needs)
        self.tasks[Task(code, pointer, message)] = None


@immutable
class Match:
    """A rule that holds for a subject, and why."""

    rule: RoutingRule
    subject: SubjectFacts
    reasons: Reasons


def judge(facts: Facts, matches: RuleMatches) -> Known:
    """Return each subject with what the rules say about it, in the order of the referral."""
    return [
        (subject, matches.about(kind, facts.about(subject)))
        for kind in SUBJECTS
        for subject in facts.subjects(kind)
    ]


def ground_of(names: tuple[str, ...], subject: SubjectFacts, facts: Facts) -> tuple[str, ...]:
    """Return the places of the referral that some facts about a subject rest on."""
    about = facts.about(subject)
    return pointers(names, tuple([(owner, fact.pointer) for owner, fact in about.items()]))


def plain(grade: Grade) -> str:
    """Return a grade in words."""
    return str(grade).replace("_", " ")
