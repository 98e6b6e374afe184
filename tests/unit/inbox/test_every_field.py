"""No field of a referral is lost on the way to the reader, and none is shown as a code."""

import copy
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.inbox.document import PLANNED, document
from broker.inbox.document_source import area
from broker.inbox.document_values import Document, Row
from broker.policy import disclosure
from broker.policy.disclosure import CHILDREN, HANDLING, PERSONS
from broker.policy.published.policy import Policy
from broker.web.moments import day_text, instant_text, time_left
from schemas import fields as kinds
from schemas import labels
from schemas.fields import ENUM_DESCRIPTIONS
from schemas.formats import Day, Instant
from schemas.referral import HARMED, PARTS, REFERRAL
from tests.unit.inbox.conftest import NOW, ORGANISATIONS, Make, full, rendered
from tests.unit.inbox.reading import AREAS, IDS, complete, objects, read

WHOLE = kinds.One(REFERRAL)
Path = tuple[Any, ...]


def show(delivery: dict[str, Any], *, is_paper: bool = False) -> Document:
    return document(delivery, now=NOW, organisations=ORGANISATIONS, is_paper=is_paper)


def rows(shown: Document) -> Iterator[Row]:
    for section in shown.sections:
        yield from section.rows
        for card in section.cards:
            yield from card.rows
            yield from card.voice.rows if card.voice else ()
    yield from shown.handling.rows if shown.handling else ()


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Go through every value of a document with the names that lead to it."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, (*path, place))
    else:
        yield path, value


def without(value: Any, path: Path) -> Any:
    changed = copy.deepcopy(value)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return changed


def field_at(path: Path) -> Any:
    """Return the schema's field at a path of the content; None within an extension."""
    field: Any = WHOLE
    for step in path:
        if isinstance(field, kinds.Knowable):
            field = field.inner
        if isinstance(step, int):
            field = field.inner
        elif isinstance(field, kinds.One):
            name = PERSONS if step == HARMED else step
            field = field.record.load_fields.get(name)
        else:
            return None
    return field.inner if isinstance(field, kinds.Knowable) else field


def test_every_part_of_a_referral_has_a_section() -> None:
    assert {*PLANNED, HANDLING} == set(PARTS)


def test_every_field_of_the_schemas_has_a_place_of_its_own() -> None:
    everything = complete(WHOLE)
    everything[HARMED] = copy.deepcopy(everything[PERSONS])
    shown = show(rendered({name: everything[name] for name in PARTS}))
    assert [row.label for row in rows(shown) if row.is_other] == []


def test_a_field_that_nobody_planned_is_shown_under_its_own_name() -> None:
    content = {"referrer": {"name": "DC Ashgrove"}, "later_part": {"of_note": "written later"}}
    content[CHILDREN] = [{"id": "child-1", "later_addition": "new"}]
    found = {row.label: row.text for row in rows(show(rendered(content))) if row.is_other}
    assert found == {"Later addition": "new", "Later part of note": "written later"}


@pytest.mark.parametrize(
    "view",
    [
        *("social-care", "placing-authority", "designated-officer", "school", "health"),
        *("probation", "force", "national", "child-abroad", "youth-justice", "virtual-school"),
        "adult-care",
    ],
)
def test_whatever_is_taken_out_of_a_view_is_missing_from_the_document(
    deliver: Make, view: str
) -> None:
    delivery = deliver(full(), view)
    before = read(show(delivery))
    everything = {HANDLING: delivery["handling"], **delivery["content"]}
    unseen = []
    for path, _ in leaves(everything):
        changed = without(everything, path)
        handling = changed.pop(HANDLING)
        after = read(show({**delivery, "handling": handling, "content": changed}))
        # An ID is for references alone; the grade and an age may stand in two places.
        if after == before and path[-1] not in ("id", "level"):
            unseen.append(path)
    assert unseen == []


def test_the_views_tried_are_all_that_are_shipped(book: Policy) -> None:
    marks = test_whatever_is_taken_out_of_a_view_is_missing_from_the_document.pytestmark
    assert set(book.views) == set(marks[0].args[1])


def codes(field: Any, path: str) -> Iterator[tuple[str, kinds.Code]]:
    if isinstance(field, kinds.Knowable | kinds.Many):
        yield from codes(field.inner, path)
    elif isinstance(field, kinds.One):
        for name, inner in field.record.load_fields.items():
            yield from codes(inner, f"{path}.{name}")
    elif isinstance(field, kinds.Code):
        yield path, field


def test_every_code_has_a_label() -> None:
    missing = [
        f"{path} {code}"
        for path, field in codes(WHOLE, "")
        for code in field.codes
        if not field.metadata[ENUM_DESCRIPTIONS].get(code)
    ]
    assert missing == []
    assert set(labels.CONCERN_TITLES) == set(labels.CONCERN_CATEGORIES)
    assert set(labels.GRADE_NAMES) == set(labels.GRADES)
    assert set(labels.UNKNOWN_NAMES) == set(labels.UNKNOWN)


def expected(path: Path, value: Any) -> str | None:  # noqa: PLR0911 - by kind
    """Return in which words a value must stand in the document; None for what is an ID."""
    field = field_at(path)
    if path[-1] == "unknown":
        return labels.UNKNOWN_NAMES[value]
    if value in IDS or field is None or isinstance(value, bool):
        return None
    if isinstance(field, Instant):
        return instant_text(value, NOW)
    if isinstance(field, Day):
        return day_text(value)
    if value in AREAS or path[-1] == "country":
        return area(value)
    if path[-1] == "nhs_number":
        return "999 000 1065"
    if isinstance(field, kinds.Code):
        return None
    if isinstance(value, int):
        return f"{value:,}" if value and path[-2] == "image_counts" else str(value)
    return str(value).replace("_", " ") if "tags" in path else str(value)


@given(data=st.data())
def test_no_text_of_what_is_shown_is_missing_and_no_other_is_there(
    book: Policy, data: st.DataObject
) -> None:
    written = data.draw(objects(REFERRAL))
    view = data.draw(st.sampled_from(sorted(book.views)))
    visible = data.draw(st.lists(st.sampled_from(IDS), unique=True))
    scope = {"children": visible, "persons": visible}
    content = disclosure.render(view, document=written, scope=scope, policy=book)
    delivery = rendered(content, view=view)
    if not delivery["content"]:
        return
    shown = read(show(delivery))
    for path, value in leaves(content):
        words = expected(path, value)
        zero = value == 0 and path[-2:-1] in (("image_counts",), ("source_evaluation",))
        evaluated = path[-1] in ("source_evaluation", "approximate_age", "age")
        if words and not zero and not evaluated:
            assert words.lower() in shown.lower(), (path, value)
    tokens = re.compile(r"Text[0-9]{9}")
    granted = {token for _, value in leaves(content) for token in tokens.findall(str(value))}
    assert set(tokens.findall(shown)) == granted


@given(written=objects(REFERRAL), view=st.sampled_from(("social-care", "force", "health")))
def test_no_word_of_the_document_rests_on_what_the_texts_say(
    book: Policy, written: dict[str, Any], view: str
) -> None:
    scope = {"children": IDS, "persons": IDS}
    content = disclosure.render(view, document=written, scope=scope, policy=book)
    reworded = json.loads(re.sub(r"Text([0-9]{9})", r"Word\1", json.dumps(content)))
    before, after = (rendered(each, view=view) for each in (content, reworded))
    if before["content"]:
        assert re.sub(r"Text([0-9]{9})", r"Word\1", read(show(before))) == read(show(after))


@given(data=st.data())
def test_paper_has_every_instant_with_its_date_in_full(data: st.DataObject) -> None:
    written = data.draw(objects(REFERRAL))
    content = {name: value for name, value in written.items() if name in PARTS}
    shown = read(show(rendered(content), is_paper=True))
    assert not re.search(r"\b(?:today|yesterday|tomorrow) [0-9]{2}:", shown)
    for path, value in leaves(content):
        if isinstance(field_at(path), Instant):
            assert instant_text(value, None) in shown, path


def test_how_long_there_is_to_a_deadline() -> None:
    now = datetime.fromisoformat("2026-11-27T16:25+00:00")
    said = {
        "2026-11-27T16:50:00Z": "25 minutes left",
        "2026-11-27T16:25:00Z": "0 minutes left",
        "2026-11-27T16:02:00Z": "23 minutes late",
        "2026-11-27T20:05:00Z": "3 hours 40 minutes left",
        "2026-11-27T18:25:00Z": "2 hours left",
        "2026-11-25T10:00:00Z": "2 days late",
    }
    assert {at: time_left(datetime.fromisoformat(at), now) for at in said} == said


def test_times_are_told_from_the_present() -> None:
    at = datetime.fromisoformat
    now = at("2026-11-27T16:25+00:00")
    said = {
        "2026-11-27T16:50:00Z": "today 16:50",
        "2026-11-26T13:00:00Z": "yesterday 13:00",
        "2026-11-28T09:00:00Z": "tomorrow 09:00",
        "2026-11-30T17:00:00Z": "Monday 30 November, 17:00",
        "2025-07-01T08:00:00Z": "Tuesday 1 July 2025, 09:00",
        "9999-12-31T23:59:59Z": "Friday 31 December 9999, 23:59",
        "0001-01-01T00:00:00Z": "Monday 1 January 1, 00:00",
    }
    assert {text: instant_text(text, now) for text in said} == said
