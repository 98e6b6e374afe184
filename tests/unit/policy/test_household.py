"""Who of a household is a child, and with whom that child shares a home."""

import copy
from datetime import date
from typing import Any

import pytest

from broker.policy.household import household_children, without_age
from schemas.tolerance import reload
from tests.acceptance.conftest import sample

ON = date(2026, 12, 16)
LIVES_WITH, OTHER = "lives_with", "online_only"


def household(*members: dict[str, Any], children: Any = (), suspects: Any = ()) -> Any:
    """Return a referral with these people and nobody else."""
    document = copy.deepcopy(sample(5))
    document["children"] = [{"given_name": "A", **child} for child in children]
    document["persons_posing_risk"] = [
        {**document["persons_posing_risk"][0], **suspect} for suspect in suspects
    ]
    document["household"] = [{"given_name": "B", **member} for member in members]
    return reload(document)


@pytest.mark.parametrize(
    ("born", "is_child"), [("2008-12-17", True), ("2008-12-16", False), ("2008-12-15", False)]
)
def test_who_turns_eighteen_on_the_day_is_no_child(born: str, is_child: bool) -> None:
    referral = household({"id": "m", "date_of_birth": born}, children=[{"id": "c"}])
    assert [found.child.id for found in household_children(referral, ON)] == ["m"] * is_child


def test_nobody_is_a_child_by_a_guess() -> None:
    referral = household({"id": "m"}, {"id": "n", "date_of_birth": "2019-02-02"})
    assert [found.pointer for found in household_children(referral, ON)] == ["/household/1"]
    assert without_age(referral) == ("/household/0",)


def home(member: dict[str, Any], **people: Any) -> set[str]:
    (found,) = household_children(
        household({"id": "m", "date_of_birth": "2019-02-02", **member}, **people), ON
    )
    return set(found.child.lives_with)


def suspect(id_: str, *contact: tuple[str, str]) -> dict[str, Any]:
    return {"id": id_, "contact": [{"child": child, "nature": nature} for child, nature in contact]}


CHILDREN = [{"id": "c1", "lives_with": ["s1"]}, {"id": "c2", "lives_with": ["s2"]}]
SUSPECTS = [suspect("s1"), suspect("s2"), suspect("s3", ("c1", LIVES_WITH), ("c2", OTHER))]


def test_a_household_that_names_nobody_is_that_of_all_children() -> None:
    assert home({}, children=CHILDREN, suspects=SUSPECTS) == {"c1", "c2", "s1", "s2", "s3"}


def test_a_household_that_names_a_child_is_the_home_of_that_child() -> None:
    with_first = {"c1", "s1", "s3"}
    assert home({"children": ["c1"]}, children=CHILDREN, suspects=SUSPECTS) == with_first
    assert home({"children": ["c2"]}, children=CHILDREN, suspects=SUSPECTS) == {"c2", "s2"}
    named_back = [{"id": "c1", "lives_with": ["s1", "m"]}, CHILDREN[1]]
    assert home({}, children=named_back, suspects=SUSPECTS) == {*with_first, "m"}


def test_without_children_it_is_the_home_of_who_poses_a_risk() -> None:
    assert home({}, suspects=SUSPECTS) == {"s1", "s2", "s3"}


def test_who_lives_with_the_child_itself_is_at_home_there() -> None:
    people = [suspect("s2"), suspect("s4", ("m", LIVES_WITH)), suspect("s5", ("m", OTHER))]
    assert home({"children": ["c2"]}, children=CHILDREN, suspects=people) == {"c2", "s2", "s4"}
