"""What the publisher asks for beside routing: embargoes, and who must not be told."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from broker.domain.codes import Grade, Role
from broker.domain.task import EMBARGO_IN_WORDS
from broker.policy.language.directory import Directory, Organisation, own_words
from broker.policy.language.recipient_words import names_of, normalised
from broker.policy.language.rules import RoutingRule
from broker.policy.language.vocabulary import LADO, SOCIAL_CARE
from broker.policy.monitoring.embargoes import LONGEST
from schemas.child import Child
from schemas.handling import Embargo, Handling
from schemas.person import PersonPosingRisk

NOT_TO = "/handling/do_not_disclose_to"
_NO_CONTACT = re.compile(
    r"(?<!\bno )\bembargo\b|\b(?:no|not|without|avoid|don.?t|nobody|never)\b.{0,60}?"
    r"\b(?:contact|approach|speak|tell|told|inform|alert|visit|call|ring)",
    re.IGNORECASE | re.DOTALL,
)
_A_TIME = re.compile(r"\b(?:before|until|till|embargo|after)\b", re.IGNORECASE)

Remarked = tuple[str, str, str]
"""A pointer, a code and a message."""


def is_forbidden(
    entries: Sequence[str], rule: RoutingRule, recipient: Organisation, directory: Directory
) -> bool:
    """Tell whether the publisher asked that this recipient of a rule is not told."""
    return bool(entries) and directory.words_for(recipient.code, rule.kind).are_named_in(entries)


def must_be_told(rule: RoutingRule) -> bool:
    """Tell whether no wish keeps a rule's recipient out: so it is with the lead of social care."""
    return rule.role is Role.LEAD and rule.kind == SOCIAL_CARE


def employs_suspect(employers: Collection[str], rule: RoutingRule, recipient: Organisation) -> bool:
    """Tell whether a person posing risk is at the recipient, by the words of ``employers``.

    The designated officer for allegations, whose task such a person is, is told all the same.
    """
    return bool(employers) and rule.kind != LADO and not own_words(recipient).isdisjoint(employers)


def embargo_on(rule: RoutingRule, embargo: Embargo | None, at: datetime) -> Embargo | None:
    """Return the embargo that holds what a rule gives at an instant, or None."""
    if embargo is None or embargo.until <= at or rule.held_by.isdisjoint(embargo.no_contact_with):
        return None
    return embargo


def unmatched(entries: Sequence[str], directory: Directory) -> Iterator[Remarked]:
    """Go through the entries of ``do_not_disclose_to`` that keep nobody out."""
    for number, entry in enumerate(entries):
        if not directory.means_anybody(entry):
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


def embargo_in_words(handling: Handling) -> Iterator[Remarked]:
    """Tell of an embargo that stands in the instructions alone, without an end to read."""
    words = handling.instructions or ""
    if handling.embargo is None and _NO_CONTACT.search(words) and _A_TIME.search(words):
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


def employers(suspects: Iterable[PersonPosingRisk], children: Iterable[Child]) -> frozenset[str]:
    """Return in which words the referral says where persons posing risk work or volunteer.

    A school that is named as a child's own is known by that child's URN as well.
    """
    words: set[str] = set()
    for person in suspects:
        for role in person.roles:
            words |= names_of(role.organisation or "")
            words.update(normalised(code) for code in (role.organisation_code, role.urn) if code)
    if not words:
        return frozenset()
    for child in children:
        school = child.school
        if school and school.urn and not words.isdisjoint(names_of(school.name or "")):
            words.add(normalised(school.urn))
    return frozenset(words)
