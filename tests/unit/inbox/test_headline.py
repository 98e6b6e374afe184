"""A headline says what and whom, never who."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.inbox.headline import headline
from broker.policy import disclosure
from broker.policy.published.policy import Policy
from schemas.referral import HARMED, REFERRAL
from tests.unit.inbox.conftest import Make, full, rendered
from tests.unit.inbox.reading import objects

AWAY = {"missing": {"status": "missing"}}


def about(category: str = "grooming", **content: Any) -> str:
    return headline(rendered({"concern": {"category": category}, **content}))


def child(**facts: Any) -> dict[str, Any]:
    return {"id": "child-1", **facts}


@pytest.mark.parametrize(
    ("children", "words"),
    [
        (
            [child(date_of_birth="2012-03-15", sex="female"),
             child(expected_date_of_birth="2027-04-10")],
            "Grooming: girl aged 14, and an unborn baby",
        ),
        ([child(approximate_age=15, sex="male", **AWAY)], "Missing now, grooming: boy aged 15"),
        ([child(sex="unknown", approximate_age=0)], "Grooming: child aged under 1"),
        ([child(date_of_birth={"unknown": "refused"})], "Grooming: child"),
        ([child(approximate_age=19, sex="female")], "Grooming: woman aged 19"),
        (
            [child(approximate_age=age, sex="male") for age in (4, 6, 8, 9, 10)],
            "Grooming: boy aged 4, boy aged 6, boy aged 8, and 2 more children",
        ),
    ],
)  # fmt: skip
def test_children_are_said_by_age_and_sex(children: list[dict[str, Any]], words: str) -> None:
    assert about(children=children) == words


def test_without_children_it_is_about_whom_the_view_shows() -> None:
    assert about(persons_posing_risk=[{"id": "p", "age": 36, "sex": "male"}]) == (
        "Grooming: man aged 36 who may pose a risk"
    )
    assert about(**{HARMED: [{"id": "p", "age": 15, "sex": "male"}]}) == (
        "Grooming: boy aged 15 alleged to have harmed"
    )
    assert about(household=[{"id": "m", "date_of_birth": "1980-01-01"}]) == (
        "Grooming: person aged 46 in the household"
    )
    assert about("livestreaming") == "Livestreamed abuse"


def test_a_view_without_the_names_of_children_is_about_the_person(deliver: Make) -> None:
    sample = {**full(), "children": full()["children"][:1]}
    sample["persons_posing_risk"] = sample["persons_posing_risk"][:1]
    assert headline(deliver(sample, "force")) == (
        "Grooming: man aged 36 who may pose a risk; girl aged 14"
    )


def test_a_school_has_a_pupil(deliver: Make) -> None:
    sample = {**full(), "children": full()["children"][:1]}
    assert headline(deliver(sample, "school")) == "Grooming: pupil aged 14"


def test_corrections_and_recalls_say_so() -> None:
    children = [child(approximate_age=12, sex="male")]
    content = {"concern": {"category": "grooming"}, "children": children}
    corrected = rendered(content, kind="correction")
    assert headline(corrected) == "Correction: grooming, boy aged 12"
    recall = rendered({}, kind="recall")
    assert headline(recall) == "Taken back by the police"
    assert headline(rendered(content, state="recalled")) == "Taken back by the police"


@given(data=st.data())
def test_no_text_of_a_referral_is_in_its_headline(book: Policy, data: st.DataObject) -> None:
    written = data.draw(objects(REFERRAL))
    view = data.draw(st.sampled_from(sorted(book.views)))
    everybody = ["someone-1", "someone-2", "someone-3", "someone-4"]
    scope = {"children": everybody, "persons": everybody}
    content = disclosure.render(view, document=written, scope=scope, policy=book)
    delivery = rendered(content, view=view)
    assert "Text" not in headline(delivery)
