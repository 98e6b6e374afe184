"""What a correction changes, in words, the weightiest first."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.inbox.changes import Change, changes
from broker.policy.published.policy import Policy
from schemas.referral import REFERRAL
from tests.unit.inbox.conftest import ORGANISATIONS, Make, full, rendered
from tests.unit.inbox.reading import objects


def said(change: Change) -> tuple[str, str, str]:
    was, now = ("; ".join(line.text for line in lines) for lines in (change.was, change.now))
    return change.what, was, now


def compared(deliver: Make, after: dict[str, Any], view: str = "social-care") -> list[Change]:
    corrected = deliver(after, view, kind="correction", version=2, latest_version=2)
    return changes(deliver(full(), view), corrected, organisations=ORGANISATIONS)


def test_nothing_changed_is_no_change(deliver: Make) -> None:
    assert compared(deliver, full()) == []


def test_a_value_was_and_is_now(deliver: Make) -> None:
    after = full()
    after["children"][0]["religion"] = "None"
    after["children"][1]["ethnicity"] = {"code": "MWBC", "basis": "parent_stated"}
    after["children"][0]["nhs_number"] = {"unknown": "refused"}
    found = {change.what: change for change in compared(deliver, after)}
    religion = found["Isolde Fernsby: religion or belief"]
    assert said(religion)[1:] == ("Asked, and did not say", "None")
    ethnicity = found["the unborn baby: ethnicity"]
    assert said(ethnicity)[1:] == (
        "Not known yet",
        "Mixed: White and Black Caribbean; A parent said so",
    )
    assert ethnicity.note == "The police had said that they would send this."
    assert set(found) == {
        "Isolde Fernsby: religion or belief",
        "the unborn baby: ethnicity",
        "Isolde Fernsby: nhs number",
    }


def test_what_may_matter_to_a_decision_comes_first(deliver: Make) -> None:
    after = full()
    after["children"][0]["religion"] = "None"
    after["children"][0]["lives_with"] = ["mother", "child-2", "suspect-1"]
    after["concern"]["facts"][0]["text"] = "Forty-two messages between the two accounts."
    after["handling"]["embargo"]["until"] = "2026-12-30T12:00:00Z"
    after["grade"]["level"] = "very_high"
    found = compared(deliver, after)
    assert [change.what for change in found] == [
        "Police grade",
        "Handling",
        "Isolde Fernsby: lives with",
        "Fact",
        "Isolde Fernsby: religion or belief",
    ]
    assert [change.matters for change in found] == [True, True, True, False, False]
    assert "Lucian Marchbanks, who may pose a risk" in said(found[2])[2]


def test_a_child_that_came_and_a_person_that_went_are_whole(deliver: Make) -> None:
    after = full()
    after["children"].append(
        {"id": "child-4", "given_name": "Wren", "approximate_age": 3, "sex": "female",
         "voice": {"said": "Mine."}}
    )  # fmt: skip
    del after["persons_posing_risk"][1]
    added, removed = compared(deliver, after)
    assert added.what == "Added child: Wren, about 3"
    assert added.matters
    assert [line.text for line in added.now] == [
        "Wren, about 3",
        "Sex: Female",
        "what the child said: Mine.",
    ]
    assert removed.what == "Removed person who may pose a risk: A person, about 30"
    assert removed.was[0].text == "A person, about 30"
    assert removed.now == ()


def test_a_statement_that_was_reworded_is_one_change_and_another_one_is_added(
    deliver: Make,
) -> None:
    after = full()
    facts = after["concern"]["facts"]
    facts[0]["text"] = "Forty-two messages between the two accounts, the last on Sunday night."
    facts.insert(0, {"text": "A parcel arrived with a telephone in it.", "about": ["child-1"]})
    found = compared(deliver, after)
    reworded, added = sorted(found, key=lambda change: not change.was)
    assert (reworded.what, bool(reworded.was), bool(reworded.now)) == ("Fact", True, True)
    assert said(added) == (
        "Fact", "", "A parcel arrived with a telephone in it.; About: Isolde Fernsby"
    )  # fmt: skip


def test_one_of_two_equal_statements_that_went_is_a_change(deliver: Make) -> None:
    twice = full()
    twice["concern"]["facts"] *= 2
    (removed,) = changes(deliver(twice), deliver(full(), kind="correction"))
    assert (removed.what, removed.now) == ("Fact", ())


def test_a_new_deadline_stands_beside_the_grade(deliver: Make) -> None:
    before = deliver(full())
    raised = {**before["deadlines"], "decide_by": "2026-12-22T17:00:00Z"}
    after = full()
    after["grade"]["level"] = "immediate"
    corrected = deliver(after, kind="correction", deadlines=raised, grade="immediate",
                        effective_grade="immediate")  # fmt: skip
    grade = changes(before, corrected)[0]
    assert grade.what == "Police grade"
    assert grade.note == (
        "Decide by Tuesday 22 December 2026, 17:00 now. It was Wednesday 23 December 2026, 17:00."
    )


def test_a_school_is_told_of_no_change_outside_its_view(deliver: Make) -> None:
    after = full()
    after["persons_posing_risk"][0]["offence_history"] = "Another caution."
    after["children"][0]["address"]["postcode"] = "ZZ9 9ZZ"
    after["concern"]["summary"] = "Something else."
    assert compared(deliver, after, "school") == []


@given(data=st.data())
def test_a_referral_that_is_repeated_changes_nothing_and_each_other_text_is_a_change(
    book: Policy, data: st.DataObject
) -> None:
    written = {**data.draw(objects(REFERRAL)), "schema": "referral/1"}
    content = {
        name: value for name, value in written.items() if name not in ("schema", "reference")
    }
    assert changes(rendered(copy.deepcopy(content)), rendered(content)) == []
    reworded = copy.deepcopy(content)
    reworded["referrer"]["name"] = "Another Officer"
    found = changes(rendered(content), rendered(reworded))
    assert "Officer" in [change.what for change in found]
    assert {change.what for change in found} <= {"Officer", "Whom to call first"}
