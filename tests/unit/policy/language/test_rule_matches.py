"""What is kept of the rules about a subject, held against the conditions themselves."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from broker.channels.registry import CHANNELS
from broker.policy.language.rule_matches import MOST_KEPT, Judged
from broker.policy.language.vocabulary import FACTS, SUBJECTS
from broker.policy.published.policy import Policy, documents_from, load
from broker.shipped import POLICY

SUBJECTS_TRIED = 1500
USUAL = 3
"""So many values of each fact are tried, so that subjects are alike now and then."""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load(documents_from(POLICY), version="v1", channels=CHANNELS.forms)


def subjects(kind: str, dice: Random) -> dict[str, Any]:
    """Invent a subject and those around it; a fact may be without a value, or not known."""
    about = {}
    for owner in dict.fromkeys(("referral", *SUBJECTS[kind])):
        names = [name for name in FACTS if name.startswith(f"{owner}.")]
        facts: dict[str, Any] = {}
        for name in names:
            facts[name.partition(".")[2]] = dice.choice([*FACTS[name].values[:USUAL], None])
        unknown = frozenset(dice.sample(sorted(facts), dice.choice((0, 0, 1, 4))))
        about[owner] = SimpleNamespace(**facts, unknown=unknown)
    return about


def asked_directly(policy: Policy, kind: str, about: dict[str, Any]) -> Judged:
    """Return what every condition says itself."""
    rules = [(False, *each) for each in enumerate(policy.grade_rules)]
    rules += [(True, *each) for each in enumerate(policy.routing_rules)]
    rules = [each for each in rules if each[2].subject == kind]
    holding = [each for each in rules if each[2].condition.holds(about)]
    return Judged(
        tuple(at for is_route, at, _ in holding if not is_route),
        tuple(
            (at, tuple(rule.condition.reasons(about))) for is_route, at, rule in holding if is_route
        ),
        tuple(
            (is_route, at, name)
            for is_route, at, rule in rules
            for name in rule.condition.undecided_by(about)
        ),
    )


@pytest.mark.parametrize("kind", SUBJECTS)
def test_what_is_kept_is_what_the_conditions_say(policy: Policy, kind: str) -> None:
    dice = Random(3)
    differing = set()
    for _ in range(SUBJECTS_TRIED):
        about = subjects(kind, dice)
        judged = policy.matches.about(kind, about)
        assert judged == asked_directly(policy, kind, about)
        assert policy.matches.about(kind, about) is judged
        differing.add(judged)
    assert len(differing) > 3


def named(policy: Policy, kind: str) -> list[str]:
    """Return every fact that a condition about a kind of subject names."""
    rules = [*policy.grade_rules, *policy.routing_rules]
    return sorted({name for rule in rules if rule.subject == kind for name in rule.condition.names})


@pytest.mark.parametrize("kind", SUBJECTS)
def test_subjects_that_differ_in_one_fact_are_judged_apart(policy: Policy, kind: str) -> None:
    about = subjects(kind, Random(5))
    for name in named(policy, kind):
        owner, _, member = name.partition(".")
        facts = vars(about[owner])
        changes: list[dict[str, Any]] = [
            {member: value}
            for value in (*FACTS[name].values[:USUAL], None)
            if value != facts[member]
        ]
        changes.append({"unknown": facts["unknown"] ^ {member}})
        for change in changes:
            changed = {**about, owner: SimpleNamespace(**{**facts, **change})}
            judged = policy.matches.about(kind, changed)
            assert judged is not policy.matches.about(kind, about), (name, change)
            assert judged == asked_directly(policy, kind, changed)


def test_no_more_is_kept_than_the_bound(policy: Policy) -> None:
    dice = Random(9)
    matches = policy.matches._of_kind["child"]
    sizes = [
        matches.judged(subjects("child", dice)) and len(matches._kept)
        for _ in range(MOST_KEPT + 500)
    ]
    assert max(sizes) == MOST_KEPT
    assert sizes[-1] < MOST_KEPT
