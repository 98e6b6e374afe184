"""What a change of an entry is, and what becomes of it in what is set for later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.policy.language.entry_edits import (
    EntryCourse,
    LaterEntry,
    carried,
    edited,
    edits_between,
    merged,
)

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
DUTY = {"email": "duty@example.org", "telephone": "01632 960137"}
ENTRY = {
    "name": "Stoke",
    "hours": {"Mon": ["09:00-17:00"], "Tue": ["09:00-17:00"]},
    "contacts": {"duty": DUTY, "manager": {"email": "manager@example.org"}},
}
RFC_7396: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
"""The examples of its appendix in which both are objects."""


def later(days: int, **change: Any) -> LaterEntry:
    return LaterEntry(days, NOW + timedelta(days=days), {**ENTRY, **change})


def entries(document: Any, *following: LaterEntry, starts_at: datetime | None = None) -> list[Any]:
    """Return the entries that the change makes of what is set for later."""
    course = EntryCourse(9, ENTRY, 0, following)
    return [change.entry for change in carried(course, document, starts_at)]


@pytest.mark.parametrize(("entry", "patch", "result"), RFC_7396)
def test_a_merge_patch_is_what_its_standard_says(entry: Any, patch: Any, result: Any) -> None:
    before = repr(entry)
    assert merged(entry, patch) == result
    assert repr(entry) == before


def test_what_is_changed_is_named_value_by_value() -> None:
    after = merged(ENTRY, {"hours": {"Mon": ["08:00-16:00"]}, "contacts": {"manager": None}})
    edits = edits_between(ENTRY, after)

    assert edits == {("hours", "Mon"): ["08:00-16:00"], ("contacts", "manager"): None}
    assert edited(ENTRY, edits) == after
    assert edits_between(ENTRY, {**ENTRY, "hours": "always"}) == {("hours",): "always"}


def test_what_is_set_for_later_has_the_change_but_in_what_it_sets_itself() -> None:
    renamed = later(1, name="Later")
    other_duty = later(2, contacts={**ENTRY["contacts"], "duty": {"email": "new@example.org"}})
    document = merged(ENTRY, {"name": "Now", "contacts": {"duty": {"telephone": "01632 960199"}}})

    first, second = entries(document, renamed, later(2, name="Later"))
    assert [first["name"], second["name"]] == ["Later", "Later"]
    assert first["contacts"]["duty"] == {**DUTY, "telephone": "01632 960199"}
    assert entries(document, other_duty)[0]["name"] == "Now"
    assert "telephone" not in entries(document, other_duty)[0]["contacts"]["duty"]


def test_a_day_of_hours_is_not_put_into_a_word() -> None:
    saturday = merged(ENTRY, {"hours": {"Sat": ["10:00-12:00"]}})

    (other_monday,) = entries(saturday, later(1, hours={"Mon": ["10:00-12:00"]}))
    assert other_monday["hours"] == {"Mon": ["10:00-12:00"], "Sat": ["10:00-12:00"]}
    assert entries(saturday, later(1, hours="always")) == []


def test_a_change_for_a_day_leaves_what_is_before_it() -> None:
    following = [later(1, name="Tomorrow"), later(3, name="Tomorrow", nation="ENG")]
    starts_at = NOW + timedelta(days=2)
    document = {**following[0].entry, "channel": "queue"}

    assert entries(document, *following, starts_at=starts_at) == [
        {**following[1].entry, "channel": "queue"}
    ]


def test_what_was_seen_is_other_text_as_soon_as_another_version_is_in_force() -> None:
    course = EntryCourse(4, ENTRY, 3, [later(4, name="Later", urn="1")])
    assert (course.tag, EntryCourse(4, ENTRY, 4).tag, EntryCourse(0, ENTRY, 0).tag) == (
        *("4.3", "4", "0"),
    )
    assert course.steps() == [["/name", "/urn"]]
