"""What policy says to an agency's people in their inbox: what they can do and must not do, who else
has it, when they are reminded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from broker.errors import Fault
from broker.policy.language.directory import Directory
from broker.policy.language.yaml_nodes import Node
from broker.policy.time.deadlines import BY_THE_CLOCK

MOST_TEXTS = 10
LONGEST_TEXT = 300
"""Characters of one thing that people can do."""
LONGEST_BEFORE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class InboxRules:
    """What a policy that says nothing of it tells: nothing."""

    can_do: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What people of a kind of organisation can do with a referral, in the policy's own words."""
    must_not: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What they must not do with it, in the policy's own words."""
    may_know: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of which other kinds a kind of organisation is told that they have the referral too."""
    remind_before: timedelta | None = None
    """How long before a deadline those who answer are reminded; None: they are not."""
    place: str = field(default="", compare=False)
    """``file:line``."""


def read_inbox_rules(node: Node) -> InboxRules:
    """Read the policy's section ``inbox``; what it leaves out is not told."""
    fields = node.fields((), ("can_do", "must_not", "may_know", "remind_before"))
    return InboxRules(
        can_do=_texts_by_kind(fields.get("can_do")),
        must_not=_texts_by_kind(fields.get("must_not")),
        may_know={
            kind: frozenset(item.text() for item in kinds.items())
            for kind, kinds in (fields["may_know"].entries() if "may_know" in fields else ())
        },
        remind_before=_length(fields["remind_before"]) if "remind_before" in fields else None,
        place=node.place,
    )


def check_inbox_rules(rules: InboxRules, directory: Directory) -> Iterator[Fault]:
    """Find kinds of organisation that the directory does not know."""
    others = (kind for kinds in rules.may_know.values() for kind in kinds)
    named = {*rules.can_do, *rules.must_not, *rules.may_know, *others}
    for kind in sorted(named - set(directory.kinds)):
        message = f"{kind!r} under 'inbox' is no kind of organisation."
        yield Fault(rules.place, "unknown-name", message)


def _texts_by_kind(node: Node | None) -> dict[str, tuple[str, ...]]:
    entries = node.entries() if node is not None else ()
    return {kind: tuple(_texts(texts)) for kind, texts in entries}


def _texts(node: Node) -> Iterator[str]:
    items = list(node.items())
    if len(items) > MOST_TEXTS:
        node.fault("too-long", f"Write at most {MOST_TEXTS} texts.")
    for item in items[:MOST_TEXTS]:
        text = item.text()
        if len(text) > LONGEST_TEXT:
            item.fault("too-long", f"Use at most {LONGEST_TEXT} characters.")
        yield text


def _length(node: Node) -> timedelta | None:
    within = node.within()
    if within.unit not in BY_THE_CLOCK:
        node.fault("wrong-deadline", "Write minutes or hours here, such as 30 minutes.")
        return None
    length = within.by_the_clock
    if not timedelta(0) < length <= LONGEST_BEFORE:
        node.fault("wrong-deadline", "Write a length of up to 48 hours.")
        return None
    return length
