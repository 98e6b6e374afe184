"""What policy says to people in the inbox is nothing until somebody writes it."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from broker.channels.registry import CHANNELS
from broker.errors import Fault
from broker.policy.language.yaml_nodes import Node
from broker.policy.monitoring.inbox_rules import (
    LONGEST_TEXT,
    MOST_TEXTS,
    InboxRules,
    read_inbox_rules,
)
from broker.policy.published.diff import compare
from broker.policy.published.policy import Policy, assemble, documents_from
from tests.conftest import POLICIES

SECTION = "inbox:\n  may_know:\n    school: [social-care]\n  remind_before: 30 minutes\n"


def assembled(section: str) -> tuple[Policy, list[Fault]]:
    documents: Mapping[str, str] = documents_from(POLICIES)
    before, _, rest = documents["policy.yaml"].partition("\ninbox:\n")
    _, _, after = rest.partition("\n\n")
    text = f"{before}\n{section}\n{after}"
    policy, faults = assemble(
        {**documents, "policy.yaml": text}, version="test", channels=CHANNELS.forms
    )
    assert policy is not None
    return policy, faults


def test_a_policy_that_says_nothing_tells_nothing() -> None:
    policy, faults = assembled("")
    assert faults == []
    assert policy.inbox == InboxRules()


def test_the_section_is_read() -> None:
    policy, faults = assembled(
        "inbox:\n  can_do: {school: [Listen., Ring.]}\n  must_not: {school: [Tell nobody.]}\n"
        "  may_know: {lado: [school, health]}\n  remind_before: 2 hours\n"
    )
    assert faults == []
    assert policy.inbox.can_do == {"school": ("Listen.", "Ring.")}
    assert policy.inbox.must_not == {"school": ("Tell nobody.",)}
    assert policy.inbox.may_know == {"lado": frozenset({"school", "health"})}
    assert policy.inbox.remind_before == timedelta(hours=2)


@pytest.mark.parametrize(
    ("section", "code"),
    [
        ("inbox: {can_do: {nobody: [Listen.]}}\n", "unknown-name"),
        ("inbox: {must_not: {nobody: [Tell nobody.]}}\n", "unknown-name"),
        ("inbox: {may_know: {school: [nobody]}}\n", "unknown-name"),
        (f"inbox: {{can_do: {{school: [{'x' * 301}]}}}}\n", "too-long"),
        (f"inbox: {{can_do: {{school: [{', '.join('x' * 11)}]}}}}\n", "too-long"),
        ("inbox: {remind_before: 1 working day}\n", "wrong-deadline"),
        ("inbox: {remind_before: 49 hours}\n", "wrong-deadline"),
        ("inbox: {remind_before: 0 hours}\n", "wrong-deadline"),
    ],
)
def test_what_is_wrong_in_it_is_a_fault(section: str, code: str) -> None:
    _, faults = assembled(section)
    assert code in {fault.code for fault in faults}


def test_a_change_of_it_is_named_and_a_line_that_moved_is_not() -> None:
    before, _ = assembled(SECTION)
    moved, _ = assembled(f"\n\n{SECTION}")
    changed, _ = assembled(SECTION.replace("30", "45"))
    assert [change for change in compare(before, moved) if "inbox" in change.of] == []
    assert "section inbox" in {change.of for change in compare(before, changed)}


def test_the_longest_texts_are_read() -> None:
    faults: list[Fault] = []
    texts = ["x" * LONGEST_TEXT] * MOST_TEXTS
    node = Node.parse("policy.yaml", f"can_do: {{school: [{', '.join(texts)}]}}", faults)
    assert node is not None
    assert read_inbox_rules(node).can_do == {"school": tuple(texts)}
    assert faults == []
