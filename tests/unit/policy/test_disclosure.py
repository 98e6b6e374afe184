"""An agency sees what its view lists, of those whom it may see, and nothing else."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from broker.devstack import sample_referrals
from broker.errors import PolicyError
from broker.policy import disclosure
from broker.policy.disclosure import PERSONS
from broker.policy.published.policy import Policy
from broker.policy.routing.plan import route as make_plan
from schemas.referral import HARMED, load
from tests.acceptance.conftest import sample

AT = datetime(2027, 4, 7, 9, 0, tzinfo=UTC)


def render(view: str, document: dict, book: Policy, **scope: list[str]) -> dict:
    everybody = {
        "children": [subject["id"] for subject in document.get("children", ())],
        "persons": [subject["id"] for subject in document.get(PERSONS, ())],
    }
    return disclosure.render(view, document=document, scope=everybody | scope, policy=book)


def full() -> dict:
    (document,) = [
        document_ for name, document_ in sample_referrals.shipped() if name.startswith("full")
    ]
    return document


def test_handling_comes_first_in_every_view(book: Policy) -> None:
    for name in book.views:
        assert next(iter(render(name, full(), book))) == "handling"


def test_a_field_that_no_view_lists_is_shown_to_nobody(book: Policy) -> None:
    document = full() | {"later_addition": "new"}
    document["children"][0]["later_addition"] = "new"
    school = render("school", document, book)
    assert "later_addition" not in school
    assert "later_addition" not in school["children"][0]
    assert "later_addition" not in render("social-care", document, book)


def test_a_school_sees_no_suspect_no_address_on_the_net_and_no_summary(book: Policy) -> None:
    shown = render("school", full(), book)
    assert set(shown) <= {"handling", "referrer", "grade", "concern", "children"}
    assert "summary" not in shown["concern"]
    assert "address" not in shown["children"][0]
    assert "nhs_number" not in shown["children"][0]


@pytest.mark.parametrize("view", ["social-care", "school", "health", "placing-authority", "force"])
def test_a_child_out_of_scope_leaves_no_trace(book: Policy, view: str) -> None:
    document = full()
    first, *others = [child["id"] for child in document["children"]]
    shown = render(view, document, book, children=[first])
    assert [child["id"] for child in shown.get("children", [])] == [first]
    text = json.dumps(shown)
    for other in others:
        assert f'"{other}"' not in text


def test_a_person_out_of_scope_leaves_no_trace(book: Policy) -> None:
    document = full()
    shown = json.dumps(render("social-care", document, book, persons=[]))
    for person in document[PERSONS]:
        assert f'"{person["id"]}"' not in shown
        if "family_name" in person:
            assert person["family_name"] not in shown


def test_a_suspect_under_18_is_a_child_in_words_for_one(book: Policy) -> None:
    document = sample(9)
    shown = render("social-care", document, book)
    assert PERSONS not in shown
    (harmed,) = shown[HARMED]
    assert "offence_history" not in harmed
    assert "management" not in harmed
    for view in ("probation", "force", "designated-officer"):
        assert HARMED not in render(view, document, book)
        assert PERSONS not in render(view, document, book)


def test_a_view_that_does_not_exist_shows_nothing(book: Policy) -> None:
    with pytest.raises(PolicyError):
        render("everything", sample(9), book)


def test_no_leg_shows_a_child_that_it_does_not_concern(book: Policy) -> None:
    """Over many generated referrals: what is rendered names only the children in scope."""
    seen = 0
    for document in sample_referrals.generate(5, 200, now=AT - timedelta(days=1)):
        referral = load(document, today=AT.date()).referral
        if referral is None:
            continue
        plan = make_plan(
            referral,
            publisher="staffordshire-police",
            policy=book,
            accepted_at=AT,
            now=AT,
            areas={},
        )
        for assignment in plan.assignments:
            scope = {"children": assignment.children, "persons": assignment.persons}
            shown = disclosure.render(assignment.view, document=document, scope=scope, policy=book)
            ids = {child["id"] for child in shown.get("children", [])}
            assert ids <= set(assignment.children)
            seen += 1
    assert seen > 300
