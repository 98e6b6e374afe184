"""Which rules hold for a subject: judged once for all subjects that are alike.

The facts that conditions name have closed lists of values, so subjects are alike in nearly every
referral. What their conditions say is kept by the values of those facts, and by which of them
nobody said; the conditions themselves judge whatever is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from broker.policy.language.conditions import Condition, Reader, by_owner
from broker.policy.language.rules import GradeRule, RoutingRule
from broker.policy.language.vocabulary import FACTS, SUBJECTS
from schemas.immutable import immutable

Reasons = Sequence[tuple[str, str]]
"""Facts because of which a rule holds, each with its words."""
MOST_KEPT = 4096
"""Kinds of subjects that are kept; a hostile sender could invent more."""


@immutable
class Judged:
    """What the rules say about one subject; rules by their numbers in the policy."""

    grades: tuple[int, ...]
    """The rules about grades that hold."""
    routes: tuple[tuple[int, Reasons], ...]
    """The rules of routing that hold, whether in effect or not, and why."""
    undecided: tuple[tuple[bool, int, str], ...]
    """For each rule that an unknown fact decides: whether it is one of routing, and the fact."""


class RuleMatches:
    """The rules of a policy, asked about one subject after the other."""

    def __init__(self, grades: Sequence[GradeRule], routes: Sequence[RoutingRule]) -> None:
        self._of_kind = {kind: _Rules(kind, grades, routes) for kind in SUBJECTS}

    def about(self, kind: str, subjects: Mapping[str, Any]) -> Judged:
        """Return what the rules say about a subject; ``subjects`` has it and those around it."""
        return self._of_kind[kind].judged(subjects)


class _Rules:
    """The rules about one kind of subject."""

    def __init__(
        self, kind: str, grades: Sequence[GradeRule], routes: Sequence[RoutingRule]
    ) -> None:
        self._grades = [(at, rule) for at, rule in enumerate(grades) if rule.subject == kind]
        self._routes = [(at, rule) for at, rule in enumerate(routes) if rule.subject == kind]
        conditions = [rule.condition for _, rule in self._grades]
        conditions += [rule.condition for _, rule in self._routes]
        self._readers = _readers(conditions)
        self._kept: dict[tuple[Any, ...], Judged] = {}

    def judged(self, subjects: Mapping[str, Any]) -> Judged:
        key = tuple([read(subjects[owner]) for owner, read in self._readers])
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            kept = self._kept[key] = self._judge(subjects)
        return kept

    def _judge(self, subjects: Mapping[str, Any]) -> Judged:
        return Judged(
            tuple(at for at, rule in self._grades if rule.condition.holds(subjects)),
            tuple(
                (at, tuple(rule.condition.reasons(subjects)))
                for at, rule in self._routes
                if rule.condition.holds(subjects)
            ),
            tuple(
                (is_route, at, name)
                for is_route, rules in ((False, self._grades), (True, self._routes))
                for at, rule in rules
                for name in rule.condition.undecided_by(subjects)
            ),
        )


def _readers(conditions: Iterable[Condition]) -> Sequence[tuple[str, Reader]]:
    """Return what reads, by owner, every fact that a condition names and which are not known."""
    named = {name for condition in conditions for name in condition.names}
    paths = [name.split(".") for name in FACTS if name in named]
    return [
        (owner, attrgetter(*facts, "unknown"))
        for owner, facts in by_owner((owner, fact) for owner, fact in paths)
    ]
