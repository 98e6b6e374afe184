"""The quick look for outsiders' names, held against what each agency is really shown."""

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from broker.devstack import sample_referrals
from broker.policy.decide import plan_of
from broker.policy.disclosure import CHILDREN, HOUSEHOLD, PERSONS, disclose
from broker.policy.outside_names import mentions, names_everybody, names_in
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import Assignment
from schemas import tolerance
from tests.unit.policy.test_disclosure import AT

NAMES = ("given_name", "family_name", "aliases")
ROUNDS = 1500


def documents(dice: Random) -> Iterator[dict[str, Any]]:
    """Go through samples in which people lack names, have more, or live with others."""
    samples = [document for _, document in sample_referrals.shipped()]
    for _ in range(ROUNDS):
        document = copy.deepcopy(dice.choice(samples))
        for group in (CHILDREN, HOUSEHOLD, PERSONS):
            people = document.get(group, [])
            if people and dice.random() < 0.2:
                people.pop()
            for person in people:
                _change(person, dice)
        if not document.get(CHILDREN) and dice.random() < 0.5:
            document.pop(CHILDREN, None)
        ids = {child["id"] for child in document.get(CHILDREN, ())}
        for member in document.get(HOUSEHOLD, ()):
            # As ids of a referral that was judged do, these point at its children.
            member["children"] = dice.sample(sorted(ids), dice.randint(0, len(ids)))
        yield document


def _change(person: dict[str, Any], dice: Random) -> None:
    if dice.random() < 0.3:
        person.pop(dice.choice(NAMES), None)
    if dice.random() < 0.2:
        person["aliases"] = ["Kestrel"]
    if dice.random() < 0.3:
        person["date_of_birth"] = dice.choice(["2011-02-03", "1980-02-03", "2020-02-03"])


def a_leg(document: dict[str, Any], book: Policy, dice: Random) -> Assignment:
    """Return a leg with any view and any part of the people in its scope."""
    children, persons = (
        tuple(each["id"] for each in document.get(group, ()) if dice.random() < 0.85)
        for group in (CHILDREN, PERSONS)
    )
    return Assignment(
        agency="agency",
        channel="mailbox",
        role="lead",
        row="row",
        view=dice.choice([*book.views, *["social-care"] * 8, *["at-risk"] * 4]),
        children=children,
        persons=persons,
        held_until=None,
        clock_start=AT,
        due={},
        next_alarm_at=None,
        explanation={},
    )


def test_who_is_said_to_be_named_everybody_is_shown_every_name(book: Policy) -> None:
    dice, counts = Random(7), Counter[bool]()
    at_risk = replace(book.views["social-care"], adults_at_risk_only=True)
    book = replace(book, views={**book.views, "at-risk": at_risk})
    for document in documents(dice):
        leg = a_leg(document, book, dice)
        is_named = names_everybody(leg, document, book)
        shown = disclose(leg.view, document=document, scope=leg.scope, policy=book, agency="agency")
        assert not is_named or names_in(document) <= names_in(shown.content)
        counts[is_named] += 1
    assert counts[True] > ROUNDS / 10 < counts[False]


@pytest.mark.parametrize("group", [CHILDREN, HOUSEHOLD, PERSONS])
@pytest.mark.parametrize("junk", [True, 1.5])
def test_what_is_no_list_of_people_names_nobody_and_stops_nothing(
    book: Policy, group: str, junk: Any
) -> None:
    (document,) = (
        document
        for name, document in sample_referrals.shipped(now=AT)
        if name == "case-01-friday-afternoon"
    )
    document[group] = junk
    checked = tolerance.load(document, today=AT.date(), areas=book.gazetteer)
    plan = plan_of(
        checked,
        document,
        publisher="staffordshire-police",
        policy=book,
        accepted_at=AT,
        now=AT,
        areas={},
    )
    assert group == CHILDREN or plan.assignments
    assert [defect.pointer for defect in checked.defects if defect.pointer == f"/{group}"]
    assert not names_in({group: junk})


def test_a_letter_that_small_letters_write_as_two_is_found_by_the_quick_look_too() -> None:
    assert mentions(
        names_in({CHILDREN: [{"given_name": "\u0391\u0399\u039d\u0391"}]}),
        {"a": "\u1fb3\u03bd\u03b1"},
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Art", "Arts and drama after school"),
        ("May", "he mays come"),
        ("Jo", "jos"),
        ("Ros", "Rose and ross"),
        ("Day", "for three days"),
        ("Mark", "marks on his arm"),
        ("Hall", "she walks the halls"),
    ],
)
def test_no_ordinary_word_is_the_plural_of_a_short_name(name: str, text: str) -> None:
    assert not mentions(names_in({CHILDREN: [{"given_name": name}]}), {"a": text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Art", "art said so"),
        ("Art", "Art's mother"),
        ("Khan", "She stays with the Khans."),
        ("Khan", "the \u201cKhans\u201d"),
        ("Alfie", "alfies mum said so"),
        ("Smith", "the smiths"),
        ("De Sa", "the De Sas"),
    ],
)
def test_a_plural_and_a_possessive_are_found(name: str, text: str) -> None:
    assert mentions(names_in({CHILDREN: [{"given_name": name}]}), {"a": text})
