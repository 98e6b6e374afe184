"""What the publisher asks for beside routing: embargoes, and who must not be told."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from broker.domain.codes import Grade, Role
from broker.domain.task import EMBARGO_FOR_ALL, EMBARGO_IN_WORDS
from broker.policy.language.directory import Directory, Organisation, own_words
from broker.policy.language.recipient_words import is_near, names_of, normalised, parts_of
from broker.policy.language.rules import RoutingRule
from broker.policy.language.vocabulary import SCHOOL, SOCIAL_CARE
from broker.policy.monitoring.embargoes import LONGEST
from schemas.child import Child
from schemas.handling import Embargo, Handling
from schemas.person import PersonPosingRisk
from schemas.spellings import says_nothing

NOT_TO = "/handling/do_not_disclose_to"
_NOT = r"\b(?:no|not|n.t|don.?t|without|avoid|nobody|never|dnc)\b"
_TELLS = r"contact|approach|speak|tell|told|inform|alert|visit|call|ring|shar|disclos|notif|aware"
_NO_CONTACT = re.compile(
    rf"{_NOT}.{{0,60}}?\b(?:{_TELLS}|know\b)|\b(?:hold off|keep (?:\w+ )?from|withhold)\b|\bdnc\b",
    re.IGNORECASE | re.DOTALL,
)
_A_TIME = re.compile(r"\b(?:before|until|till?|after|prior to|pending|phase)\b", re.IGNORECASE)
_EMBARGO = re.compile(r"(?<!\bno )\bembargo(?:ed)?\b", re.IGNORECASE)
_OF_HELD = r"(?:schools?|college|nursery|teachers?|head ?teacher|dsl|employers?)"
_NOT_TO_HELD = re.compile(
    rf"\b{_OF_HELD}\b.{{0,40}}?{_NOT}.{{0,30}}?\b(?:{_TELLS}|know\b)|"
    rf"{_NOT}.{{0,20}}?\b(?:{_TELLS}|know\b).{{0,40}}?\b{_OF_HELD}\b|"
    rf"\bnot for (?:the )?{_OF_HELD}\b",
    re.IGNORECASE | re.DOTALL,
)

_EVERYBODY = re.compile(r"\W*(?:every|any|no) ?(?:body|one|agency)\b|\W*all\b", re.IGNORECASE)
_WORKPLACE = re.compile(r"\b(?:at|for|of)\s+(.{3,100})", re.IGNORECASE)
"""In a title, where somebody works: "Teacher at Elm Primary"."""

Remarked = tuple[str, str, str]
"""A pointer, a code and a message."""


def is_forbidden(
    entries: Sequence[str], rule: RoutingRule, recipient: Organisation, directory: Directory
) -> bool:
    """Tell whether the publisher asked that this recipient of a rule is not told."""
    return bool(entries) and directory.words_for(recipient.code, rule.kind).are_listed_in(entries)


def may_be_forbidden(
    entries: Sequence[str], rule: RoutingRule, recipient: Organisation, directory: Directory
) -> bool:
    """Tell whether the publisher may have meant this recipient by words that mean nobody exactly.

    The lead of social care is told whatever is meant.
    """
    if not entries or must_be_told(rule):
        return False
    words = directory.words_for(recipient.code, rule.kind)
    parts = (part for entry in entries for part in parts_of(entry))
    return any(
        words.may_be_meant_by(part) or _EVERYBODY.match(part) is not None
        for part in parts
        if not directory.means_anybody(part)
    )


def must_be_told(rule: RoutingRule) -> bool:
    """Tell whether no wish keeps a rule's recipient out: so it is with the lead of social care."""
    return rule.role is Role.LEAD and rule.kind == SOCIAL_CARE


def employs_suspect(employers: Collection[str], recipient: Organisation) -> bool:
    """Tell whether a person posing risk is at the recipient, by the words of ``employers``."""
    return bool(employers) and not own_words(recipient).isdisjoint(employers)


def may_employ_suspect(
    employers: Collection[str], recipient: Organisation, directory: Directory
) -> bool:
    """Tell whether a person posing risk may be at the recipient, by a name that is not quite its.

    A school may be meant by no name at all, as "the child's school".
    """
    if not employers:
        return False
    names = own_words(recipient)
    if any(is_near(text, names) for text in employers):
        return True
    kind = directory.kinds.get(recipient.kind)
    return recipient.kind == SCHOOL and kind is not None and not kind.words.isdisjoint(employers)


def embargo_on(rule: RoutingRule, embargo: Embargo | None, at: datetime) -> Embargo | None:
    """Return the embargo that holds what a rule gives at an instant, or None.

    One that names nobody is about everybody.
    """
    if embargo is None or embargo.until <= at or not rule.held_by:
        return None
    named = embargo.no_contact_with
    return None if named and rule.held_by.isdisjoint(named) else embargo


def unmatched(entries: Sequence[str], directory: Directory) -> Iterator[Remarked]:
    """Go through the entries of ``do_not_disclose_to`` that keep nobody out."""
    for number, entry in enumerate(entries):
        if not directory.means_anybody(entry) and not says_nothing(entry):
            message = (
                "This is no kind, code, URN or name of the directory, so it keeps nobody out: "
                "every recipient is shown it."
            )
            yield f"{NOT_TO}/{number}", "do-not-disclose-unmatched", message


def doubtful_embargo(handling: Handling, at: datetime) -> Iterator[Remarked]:
    """Go through what is doubtful about an embargo that is coded."""
    embargo = handling.embargo
    if embargo is None:
        return
    pointer = "/handling/embargo/until"
    if embargo.until <= at:
        yield pointer, "embargo-over", "This embargo has already ended, so it holds nothing."
    elif embargo.until - at > LONGEST:
        message = f"This embargo holds for more than {LONGEST.days} days: check its end."
        yield pointer, "embargo-long", message


def embargo_for_all(handling: Handling, at: datetime) -> Iterator[Remarked]:
    """Tell of an embargo that does not say whom it is about."""
    embargo = handling.embargo
    if embargo is not None and embargo.until > at and not embargo.no_contact_with:
        message = (
            "This embargo does not say who must not be contacted, so it holds whatever an embargo "
            "may hold until it ends: ask."
        )
        yield "/handling/embargo/no_contact_with", EMBARGO_FOR_ALL, message


def embargo_in_words(handling: Handling) -> Iterator[Remarked]:
    """Tell of an embargo that stands in the instructions alone, without an end to read.

    So it is also where they say that a school or an employer is not to be told at all.
    """
    words = handling.instructions or ""
    is_embargo = _EMBARGO.search(words) or (_NO_CONTACT.search(words) and _A_TIME.search(words))
    if handling.embargo is None and (is_embargo or _NOT_TO_HELD.search(words)):
        message = (
            "An embargo seems to be given in words only, so it has no end: ask the officer, and "
            "have it entered as an embargo. A person releases or keeps what is held for it."
        )
        yield "/handling/instructions", EMBARGO_IN_WORDS, message


def words_hold(handling: Handling, grade: Grade, goes_despite_words: Collection[Grade]) -> bool:
    """Tell whether an embargo stands in words alone and holds what an embargo may hold.

    At the grades of ``goes_despite_words`` it holds nothing: what is urgent goes, and a person
    asks.
    """
    return grade not in goes_despite_words and any(embargo_in_words(handling))


def workplace_in(title: str | None) -> str:
    """Return the words of a title that say where somebody works; empty where none do."""
    named = _WORKPLACE.search(title or "")
    return named[1] if named else ""


def employers(suspects: Iterable[PersonPosingRisk], children: Iterable[Child]) -> frozenset[str]:
    """Return in which words the referral says where persons posing risk work or volunteer.

    A school that is named as a child's own is known by that child's URN as well.
    """
    words: set[str] = set()
    for person in suspects:
        for role in person.roles:
            words |= names_of(role.organisation or "")
            words.update(normalised(code) for code in (role.organisation_code, role.urn) if code)
            words |= names_of(workplace_in(role.title))
    if not words:
        return frozenset()
    for child in children:
        school = child.school
        if school and school.urn and not words.isdisjoint(names_of(school.name or "")):
            words.add(normalised(school.urn))
    return frozenset(words)
