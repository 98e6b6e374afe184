"""Nothing hidden is shown to people: not in names, not in notes, not in a spreadsheet."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas.requests import ANSWER, QUESTION, RECALL, RECEIPTS, SEES_TO, load
from schemas.shown_text import MARK, csv_cell, says_something, shown, shown_document, shown_line

ID = "01977f2e-0000-7000-8000-000000000001"
HOSTILE = "A\x1b[31m\u202eB\u200b\x07"


def receipt(**fields: str) -> dict:
    return {"receipts": [{"delivery": ID, "stage": "acknowledged", "by": "A", **fields}]}


@given(some.text())
def test_no_hidden_character_is_ever_shown(text: str) -> None:
    for character in shown(text):
        assert character in "\n\t\u200c\u200d" or unicodedata.category(character) not in {
            "Cc",
            "Cs",
        }
        assert unicodedata.bidirectional(character) not in {
            *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        }
    assert shown(shown(text)) == shown(text)
    assert "\n" not in shown_line(text)


@pytest.mark.parametrize("name", ["Zoë O'Neill-Ødegård", "می\u200cخواهم", "李小龍", "نور"])
def test_a_name_of_any_script_stays_as_it_is(name: str) -> None:
    assert shown_line(name) == name


def test_a_receipt_is_kept_with_marks(  # both fields, and the lines of a note stay
) -> None:
    (loaded,) = load(RECEIPTS, receipt(by=HOSTILE, note=f"one\n{HOSTILE}")).value.receipts
    assert loaded.by == f"A{MARK}[31m{MARK}B{MARK}{MARK}"
    assert loaded.note == f"one\nA{MARK}[31m{MARK}B{MARK}{MARK}"


@pytest.mark.parametrize(
    "nobody", [".", "\u200b\u200b", " - ", "\u202e", "\u3164", "\uffa0 \u115f"]
)
def test_a_name_has_a_letter_or_a_digit(nobody: str) -> None:
    assert not says_something(shown_line(nobody))
    for schema, value in (
        (RECEIPTS, receipt(by=nobody)),
        (RECALL, {"reason": "wrong_person", "by": nobody}),
        (SEES_TO, {"by": nobody}),
    ):
        (fault,) = load(schema, value).faults
        assert fault.code == "required"


@pytest.mark.parametrize("nothing", [".", "\u200b", "\n-\n", "\u202e\u2066", "\u3164"])
def test_a_text_that_says_nothing_is_none(nothing: str) -> None:
    (loaded,) = load(RECEIPTS, receipt(note=nothing)).value.receipts
    assert loaded.note is None
    (fault,) = load(QUESTION, {"topic": "contact", "text": nothing}).faults
    assert (fault.pointer, fault.code) == ("/text", "required")
    (fault,) = load(ANSWER, {"by": "DC Example", "text": nothing}).faults
    assert fault.code == "required"
    assert load(ANSWER, {"by": "DC Example", "text": nothing, "version": 2}).value.text is None


def test_every_text_of_a_document_is_shown_safely() -> None:
    document = {"a": [HOSTILE, {"b": HOSTILE}], "c": 1, "d": None}
    assert shown_document(document) == {
        "a": [shown(HOSTILE), {"b": shown(HOSTILE)}],
        "c": 1,
        "d": None,
    }


@pytest.mark.parametrize("formula", ["=1+1", "+44", "-1", "@A1", "=HYPERLINK(1)"])
def test_no_cell_is_a_formula(formula: str) -> None:
    assert csv_cell(formula) == f"'{formula}"
    assert csv_cell("A. Worker") == "A. Worker"
