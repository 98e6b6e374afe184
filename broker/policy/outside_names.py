"""Find the names of people outside an agency's view in the text that it is shown.

A view filters fields, not sentences. So a leg goes out all the same, and the publisher and ops are
told that somebody should look at its text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Any

from broker.domain.task import Task
from broker.errors import Remark
from broker.policy.disclosure import CHILDREN, HOUSEHOLD, PERSONS, render
from broker.policy.language.evidence import NOWHERE
from broker.policy.language.recipient_words import folded, without_marks
from broker.policy.published.policy import Policy
from broker.policy.routing.plan import Plan
from schemas.referral import HARMED

CODE = "name-outside-view"
_GROUPS = (CHILDREN, HOUSEHOLD, PERSONS, HARMED)
_GIVEN, _FAMILY, _ALIASES = "given_name", "family_name", "aliases"
_NO_TEXT = frozenset(
    {
        *(_GIVEN, _FAMILY, _ALIASES, "id", "about", "lives_with", "address", "school", "area"),
        *("referrer", "online", "do_not_disclose_to", "share_with", "organisation", "call_first"),
        *("made_by", "by", "spoken_to_by", "graded_by", "tool", "reference", "schema"),
    }
)
"""What is no sentence: names where they belong, places, and the names of professionals."""
_NO_NAMES = frozenset({"unknown", "not known", "known", "none", "nk", "na", "n k", "n a", "baby"})
_LEAST = 2
"""Letters of the shortest name that is looked for; an initial is none."""
_MOST_TEXT = 200_000
"""Characters that are looked through, so that a hostile document costs no more."""


def with_name_warnings(plan: Plan, document: Mapping[str, Any], policy: Policy) -> Plan:
    """Return the plan with a warning and a task for each agency whose text names an outsider."""
    names = names_in(document)
    if not names or not mentions(names, document):
        return plan
    shown: dict[str, list[dict[str, Any]]] = {}
    for leg in plan.assignments:
        content = render(
            leg.view, document=document, scope=leg.scope, policy=policy, agency=leg.agency
        )
        shown.setdefault(leg.agency, []).append(content)
    remarks = [
        Remark("", CODE, _message(agency, policy), ((NOWHERE,),))
        for agency, contents in shown.items()
        if _names_an_outsider(names, contents)
    ]
    tasks = [Task(CODE, remark.pointer, remark.message) for remark in remarks]
    return replace(plan, warnings=(*plan.warnings, *remarks), tasks=(*plan.tasks, *tasks))


def _message(agency: str, policy: Policy) -> str:
    name = policy.directory.organisation_name(agency)
    return (
        f"The text that {name} is shown names somebody whom it is not shown otherwise: say with "
        "'about' whom each text concerns, or write it without the name."
    )


def _names_an_outsider(names: frozenset[str], contents: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the text of what an agency is shown, in all its legs, names somebody else."""
    outside = names.difference(*map(names_in, contents))
    return any(mentions(outside, content) for content in contents)


def names_in(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of everybody in a document, as they may occur in a sentence."""
    names: set[str] = set()
    for group in _GROUPS:
        for person in document.get(group) or ():
            if isinstance(person, dict):
                names.update(_names_of(person))
    return frozenset(name for name in names if len(name) >= _LEAST and name not in _NO_NAMES)


def _names_of(person: Mapping[str, Any]) -> Iterator[str]:
    """Go through the names of a person: whole, each given name, and the last of a family name."""
    aliases = person.get(_ALIASES)
    for alias in aliases if isinstance(aliases, list) else ():
        yield from filter(None, [folded(alias) if isinstance(alias, str) else ""])
    for field, parts in ((_GIVEN, slice(None)), (_FAMILY, slice(-1, None))):
        name = person.get(field)
        if isinstance(name, str) and (whole := folded(name)):
            yield whole
            yield from (part for part in whole.split()[parts] if len(part) > _LEAST)


def mentions(names: frozenset[str], document: Mapping[str, Any]) -> bool:
    """Tell whether any of the names occurs as whole words in the text of a document."""
    if not names:
        return False
    written = " . ".join(_texts(document))[:_MOST_TEXT]
    # Most texts hold the letters of no name in a row, and need not be parted into words.
    letters = without_marks(written)
    if not any(name.partition(" ")[0] in letters for name in names):
        return False
    text = folded(_possessives(written.casefold()))
    words = frozenset(text.split())
    padded = f" {text} "
    return any(name in words if " " not in name else f" {name} " in padded for name in names)


def _possessives(text: str) -> str:
    return text.replace("\u2019", "'").replace("'s ", " ").replace("'s.", " ").replace("'s,", " ")


def _texts(value: object) -> list[str]:
    """Return the sentences of a document."""
    texts: list[str] = []
    stack: list[Any] = [{"": value}]
    while stack:
        item = stack.pop()
        for name, below in item.items() if type(item) is dict else zip(repeat(""), item):
            kind = type(below)
            if name in _NO_TEXT:
                continue
            if kind is str:
                texts.append(below)
            elif kind is dict or kind is list:
                stack.append(below)
    return texts
