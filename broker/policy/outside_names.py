"""Find the names of people outside an agency's view in the text that it is shown.

A view filters fields, not sentences. So a leg goes out all the same, and the publisher and ops are
told that somebody should look at its text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from broker.domain.task import Task
from broker.errors import Remark
from broker.policy.disclosure import (
    CHILD_ID,
    CHILDREN,
    HOUSEHOLD,
    PERSON_ID,
    PERSONS,
    disclose,
)
from broker.policy.language.evidence import NOWHERE
from broker.policy.language.recipient_words import folded, without_marks
from broker.policy.language.views import View
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import Assignment
from broker.policy.routing.plan import Plan
from broker.policy.shown_defects import originals, shown_defects
from schemas.referral import HARMED

CODE = "name-outside-view"
_GROUPS = (CHILDREN, HOUSEHOLD, PERSONS, HARMED)
_GIVEN, _FAMILY, _ALIASES = _NAMES = ("given_name", "family_name", "aliases")
_NO_TEXT = frozenset(
    {
        *(_GIVEN, _FAMILY, _ALIASES, "id", "about", "lives_with", "address", "school", "area"),
        *(
            "referrer",
            "reports",
            "identities",
            "do_not_disclose_to",
            "share_with",
            "organisation",
            "call_first",
        ),
        *("made_by", "by", "spoken_to_by", "graded_by", "tool", "reference", "schema"),
    }
)
"""What is no sentence: names where they belong, places, accounts, names of professionals."""
ORIGINALS = "originals"
"""Stands, beside the parts of a view, for what was written in fields that were treated."""
_NO_NAMES = frozenset({"unknown", "not known", "known", "none", "nk", "na", "n k", "n a", "baby"})
_LEAST = 2
"""Letters of the shortest name that is looked for; an initial is none."""
_SHORT = 4
"""Letters of the shortest name of which a plural is looked for."""
_LETTERS = re.compile(r"[^\W\d_]+")
_APOSTROPHE = re.compile("['`\u2018\u2019\u02bc]")
_HYPHEN = re.compile("[-\u2010-\u2015]")
_WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
"""How the names of the letters of such scripts begin."""
_MOST_TEXT = 200_000
"""Characters that are looked through, so that a hostile document costs no more."""


def with_name_warnings(
    plan: Plan,
    document: Mapping[str, Any],
    policy: Policy,
    *,
    received: Mapping[str, Any],
    defects: Sequence[Mapping[str, Any]] = (),
) -> Plan:
    """Return the plan with a warning and a task for each agency whose text names an outsider.

    ``received`` is the document in the shape into which its ``defects`` point: an agency is shown
    what stood there in a field that was treated. ``document`` is what was judged.
    """
    if not defects and _is_everybody_named(plan, document, policy):
        return plan
    names, texts = names_in(document), [document]
    if defects:
        names, texts = names | names_in(received), [document, received]
    if not names or not any(mentions(names, text) for text in texts):
        return plan
    shown: dict[str, list[dict[str, Any]]] = {}
    for leg in plan.assignments:
        disclosed = disclose(
            leg.view, document=document, scope=leg.scope, policy=policy, agency=leg.agency
        )
        told = shown_defects(defects, received, document, disclosed, view=leg.view, policy=policy)
        content = {**disclosed.content, ORIGINALS: originals(told)}
        shown.setdefault(leg.agency, []).append(content)
    remarks = [
        Remark("", CODE, _message(agency, policy), ((NOWHERE,),))
        for agency, contents in shown.items()
        if _names_an_outsider(names, contents)
    ]
    tasks = [Task(CODE, remark.pointer, remark.message) for remark in remarks]
    return replace(plan, warnings=(*plan.warnings, *remarks), tasks=(*plan.tasks, *tasks))


def _is_everybody_named(plan: Plan, document: Mapping[str, Any], policy: Policy) -> bool:
    """Tell at little cost whether each agency is shown the names of everybody; True is certain."""
    naming = {leg.agency for leg in plan.assignments if names_everybody(leg, document, policy)}
    return all(leg.agency in naming for leg in plan.assignments)


def names_everybody(leg: Assignment, document: Mapping[str, Any], policy: Policy) -> bool:
    """Tell whether a leg surely shows every name of a document that was judged."""
    view, children = policy.views.get(leg.view), document.get(CHILDREN, ())
    if view is None or not all(child[CHILD_ID] in leg.children for child in children):
        return False
    if not _shows_names(view, CHILDREN, children):
        return False
    if persons := document.get(PERSONS):
        # Those under 18 are shown in another part, and nobody's age is worked out here.
        if not all(person[PERSON_ID] in leg.persons for person in persons):
            return False
        if not (_shows_names(view, PERSONS, persons) and _shows_names(view, HARMED, persons)):
            return False
    # Whoever is of the household is so of some children, and all of those are shown.
    household = document.get(HOUSEHOLD)
    return not household or (
        not view.adults_at_risk_only and _shows_names(view, HOUSEHOLD, household)
    )


def _shows_names(view: View, part: str, people: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a view shows whatever names these people have where it shows them."""
    shown = view.shows.get(part)
    if not shown:
        return shown is not None or not people
    return not any(name not in shown and any(name in each for each in people) for name in _NAMES)


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
        people = document.get(group)
        # As received, something else may stand in the place of a list.
        for person in people if isinstance(people, list) else ():
            if isinstance(person, dict):
                names.update(_names_of(person))
    return frozenset(name for name in names if len(name) >= _LEAST and name not in _NO_NAMES)


def _names_of(person: Mapping[str, Any]) -> Iterator[str]:
    """Go through the names of a person: whole, each given name, and the last of a family name.

    A family name with a hyphen is written by either half, and one with an apostrophe in two words.
    """
    aliases = person.get(_ALIASES)
    for alias in aliases if isinstance(aliases, list) else ():
        yield from filter(None, [folded(alias) if isinstance(alias, str) else ""])
    for field, parts in ((_GIVEN, slice(None)), (_FAMILY, slice(-1, None))):
        name = person.get(field)
        if isinstance(name, str) and (whole := folded(name)):
            yield whole
            yield from (part for part in whole.split()[parts] if len(part) > _LEAST)
            if not name.isalpha():
                yield from _written_otherwise(name)


def _written_otherwise(name: str) -> Iterator[str]:
    yield folded(_APOSTROPHE.sub(" ", name))
    halves = map(folded, _HYPHEN.split(name))
    yield from (half for half in halves if len(half) > _LEAST)


def mentions(names: frozenset[str], document: Mapping[str, Any]) -> bool:
    """Tell whether any of the names occurs as whole words in the text of a document."""
    if not names:
        return False
    as_written = " . ".join(_texts(document))[:_MOST_TEXT]
    written = as_written.casefold()
    # Most texts hold the letters of no name in a row, and need not be parted into words.
    letters = without_marks(written)
    if not any(first in letters for first in {name.partition(" ")[0] for name in names}):
        return False
    text = folded(_possessives(written))
    words = frozenset(text.split())
    padded = f" {text} "
    return (
        any(name in words if " " not in name else f" {name} " in padded for name in names)
        or any(
            f"{name}s" in words if " " not in name else f" {name}s " in padded
            for name in names
            if len(name) > _SHORT
        )
        or _is_short_plural_there(names, words, as_written)
        or any(name in text for name in names if _is_written_without_spaces(name))
    )


def _is_short_plural_there(names: frozenset[str], words: frozenset[str], written: str) -> bool:
    """Tell whether a name of four letters occurs as a plural, or without its apostrophe.

    Of a short name that is as often a word: days, arts, marks. So it counts only with a capital, as
    in the Khans, and not at all of a shorter name.
    """
    plurals = {plural for name in names if len(name) == _SHORT and (plural := f"{name}s") in words}
    return bool(plurals) and any(
        word[0].isupper() and folded(word) in plurals for word in _LETTERS.findall(written)
    )


def _is_written_without_spaces(name: str) -> bool:
    """Tell whether a name is of a script in which no space, or a particle, follows a name."""
    return not name.isascii() and unicodedata.name(name[0], "").startswith(_WITHOUT_SPACES)


def _possessives(text: str) -> str:
    return text.replace("\u2019", "'").replace("'s ", " ").replace("'s.", " ").replace("'s,", " ")


def _texts(value: object) -> list[str]:
    """Return the sentences of a document."""
    texts: list[str] = []
    stack: list[Any] = [[value]]
    while stack:
        item = stack.pop()
        if type(item) is list:
            _add_items(item, texts, stack)
            continue
        for name, below in item.items():
            kind = type(below)
            # Most of what is there are numbers and texts, so the name is looked up at last.
            if kind is str:
                if name not in _NO_TEXT:
                    texts.append(below)
            elif (kind is dict or kind is list) and name not in _NO_TEXT:
                stack.append(below)
    return texts


def _add_items(items: list[Any], texts: list[str], stack: list[Any]) -> None:
    """Add the items of a list to the texts, and to what is gone through next."""
    for item in items:
        kind = type(item)
        if kind is str:
            texts.append(item)
        elif kind is dict or kind is list:
            stack.append(item)
