"""An organisation's entry as a form and back: what is not touched stays as it is."""

from time import process_time
from typing import Any

import pytest

from broker.dashboard.organisation_form import (
    FIELDS,
    begun,
    continued,
    differences,
    edits_of,
    faults_by_field,
    values_of,
)
from broker.errors import Fault
from broker.policy.language.entry_edits import edited
from tests.directory_rows import entries

ENTRY: dict[str, Any] = {
    "name": "Stoke (sample)",
    "channel": "queue",
    "hours": {"Mon": "09:00-17:00", "Tue": ["09:00-12:00", "13:00-17:00"], "Sat": "10:00-12:00"},
    "contacts": {"duty": {"email": "duty@example.org", "webhook": "https://x.example.org"}},
}


def changed_entry(entry: Any, form: Any) -> dict[str, Any]:
    return edited(entry, edits_of(entry, form))


@pytest.mark.parametrize("code", entries())
def test_a_form_that_nobody_touched_changes_nothing(code: Any) -> None:
    entry = entries()[code]
    assert changed_entry(entry, values_of(entry)) == entry
    assert differences(entry, entry) == []


@pytest.mark.parametrize("code", entries())
def test_a_browser_ends_lines_otherwise(code: Any) -> None:
    entry = entries()[code]
    sent = {name: value.replace("\n", "\r\n") for name, value in values_of(entry).items()}
    assert changed_entry(entry, sent) == entry
    assert changed_entry(ENTRY, {"hours": values_of(ENTRY)["hours"].replace("\n", "\r\n")}) == ENTRY


def test_long_hours_cost_no_time() -> None:
    typed = f"mon{'to' * 7_500}"
    began = process_time()
    assert changed_entry(ENTRY, {"hours": typed})["hours"] == typed
    assert process_time() - began < 0.5


def test_what_has_no_field_stays() -> None:
    changed = changed_entry(ENTRY, {**values_of(ENTRY), "duty-telephone": " 01632 960123 "})
    assert changed["contacts"]["duty"] == {
        "email": "duty@example.org",
        "webhook": "https://x.example.org",
        "telephone": "01632 960123",
    }
    assert ENTRY["contacts"]["duty"].keys() == {"email", "webhook"}


def test_an_empty_field_is_taken_out_with_its_contact() -> None:
    entry = {**ENTRY, "contacts": {"duty": {"email": "duty@example.org"}}}
    assert "contacts" not in changed_entry(entry, {**values_of(entry), "duty-email": ""})


def test_days_with_the_same_hours_are_one_line() -> None:
    entry = {**ENTRY, "hours": dict.fromkeys(("Mon", "Tue", "Thu", "Fri"), "09:00-17:00")}
    assert values_of(entry)["hours"] == "Mon-Tue 09:00-17:00\nThu-Fri 09:00-17:00"


@pytest.mark.parametrize(
    ("typed", "hours"),
    [
        ("always", "always"),
        ("Office", "office"),
        (
            "Mon-Wed 08:00-12:30, 13:15-17:00",
            {day: ["08:00-12:30", "13:15-17:00"] for day in ("Mon", "Tue", "Wed")},
        ),
        (
            "Monday to Tuesday 09:00–17:00; sat 10:00-12:00",
            {"Mon": ["09:00-17:00"], "Tue": ["09:00-17:00"], "Sat": ["10:00-12:00"]},
        ),
        ("Fri-Mon 09:00-17:00", "Fri-Mon 09:00-17:00"),
        ("when we are in", "when we are in"),
        ("Fun 09:00-17:00", "Fun 09:00-17:00"),
    ],
)
def test_hours_are_read_as_people_write_them(typed: str, hours: Any) -> None:
    assert changed_entry(ENTRY, {"hours": typed})["hours"] == hours


def test_a_difference_is_said_in_the_words_of_the_form() -> None:
    after = changed_entry(ENTRY, {"manager-email": "m@example.org", "hours": "always"})
    assert [
        (one.label, one.before.partition("\n")[0], one.after) for one in differences(ENTRY, after)
    ] == [
        ("Opening hours", "Mon 09:00-17:00", "always"),
        ("Manager: Email", "", "m@example.org"),
    ]


def test_a_fault_stands_at_its_own_field() -> None:
    for field in FIELDS:
        fault = Fault(f"organisation stoke-csc {field.pointer}/0", "x", "wrong")
        assert faults_by_field([fault]) == {field.name: "wrong"}
    assert faults_by_field([Fault("/elsewhere", "x", "wrong")]) == {"reason": "wrong"}


def test_a_field_that_nobody_touched_is_as_somebody_else_made_it_meanwhile() -> None:
    typed = {**begun(ENTRY), "address": "https://y.example.org"}
    theirs = edited(ENTRY, {("contacts", "duty", "telephone"): "01632 960155"})
    theirs = edited(theirs, {("hours",): "always"})
    changed = changed_entry(theirs, typed)
    assert changed == {**theirs, "address": "https://y.example.org"}
    assert changed_entry(theirs, continued(theirs, typed)) == changed
    assert continued(theirs, typed)["duty-telephone"] == "01632 960155"


def test_hours_that_a_browser_sends_back_are_not_touched() -> None:
    sent = {name: value.replace("\n", "\r\n") for name, value in begun(ENTRY).items()}
    assert edits_of(edited(ENTRY, {("hours",): "always"}), sent) == {}
