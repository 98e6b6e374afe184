"""Every field of the schema has a place in the form or a reason; what is typed is what is sent."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from broker.policy.places.gazetteer import installed
from broker.referral_form import draft_links, page_answers, voice_answers
from broker.referral_form.form_values import Around, shown
from broker.referral_form.json_paths import ABSENT, get, put, remove
from broker.referral_form.question_wording import HINTS, LABELS, NOT_OFFERED, REASONS
from broker.referral_form.questions import Kind, Path, Question, key_of, leaves
from broker.referral_form.sections import LISTINGS, PAGES, Page
from schemas.unknown import Unknown
from tests.acceptance.conftest import SAMPLES, sample

TODAY = date(2027, 12, 31)
NUMBERS = [int(path.name[5:7]) for path in sorted(SAMPLES.glob("case-*.json"))]
USUAL = [number for number in NUMBERS if number not in (11, 13, 14)]
"""The others are written otherwise on purpose: with blanks, faults or a picture."""


def pages_of(document: Any) -> list[tuple[Page, Path]]:
    """Return every page that the form shows of a document, with the way to its object."""
    pages: list[tuple[Page, Path]] = [(page, ()) for page in PAGES.values()]
    for listing in LISTINGS.values():
        items = get(document, listing.path)
        for number in range(len(items) if isinstance(items, list) else 0):
            base = (*listing.path, number)
            pages += [(page, (*base, "voice") if page.is_voice else base) for page in listing.pages]
    return pages


def answer_paths(question: Question, base: Path) -> list[Path]:
    """Return the way to each field that a question asks for, from the document's root."""
    if question.kind is Kind.GROUP:
        return [(*base, *part.path) for part in question.parts]
    return [(*base, *question.path)]


def test_every_field_has_a_place_or_a_reason() -> None:
    offered = {
        key_of(path)
        for page, base in [
            *((page, ()) for page in PAGES.values()),
            *(
                (page, (*listing.path, 0, *(["voice"] if page.is_voice else [])))
                for listing in LISTINGS.values()
                for page in listing.pages
            ),
        ]
        for question in page.questions
        for path in answer_paths(question, base)
    }
    known = set(leaves()) | {"persons_posing_risk.contact"}
    assert offered | set(NOT_OFFERED) == known
    assert not offered & set(NOT_OFFERED)
    assert set(HINTS) <= set(LABELS)
    assert set(REASONS) == {str(reason.value) for reason in Unknown}


def around(document: Any) -> Around:
    return page_answers.around(document, installed(), TODAY)


def fields_of(page: Page, base: Path, document: Any) -> dict[str, str]:
    form = page_answers.form_of(page, base, document, around(document))
    if page.is_voice:
        form |= voice_answers.spoken_of(get(document, base))
    return form


def answer(page: Page, base: Path, document: Any, form: dict[str, str]) -> page_answers.Answered:
    of_page = voice_answers.answer if page.is_voice else page_answers.answer
    return of_page(page, base, document, form, around(document))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_page_that_nobody_touches_changes_nothing(number: int) -> None:
    document = sample(number)
    for page, base in pages_of(document):
        form = fields_of(page, base, document)
        assert answer(page, base, deepcopy(document), form).document == document, page.key


@pytest.mark.parametrize("number", USUAL)
def test_what_is_typed_anew_is_the_same_document(number: int) -> None:
    document = sample(number)
    for page, base in pages_of(document):
        empty = deepcopy(document)
        for question in page.questions:
            remove(empty, (*base, *question.path))
        for path in {(*base, *question.path) for question in page.questions}:
            assert get(empty, path) is ABSENT
        if base and get(empty, base[: 2 if not page.is_voice else -1]) is ABSENT:
            put(empty, base, {})
        form = fields_of(page, base, document)
        typed = {name: value for name, value in form.items() if value}
        answered = answer(page, base, empty, typed)
        assert answered.faults == {}, page.key
        for question in page.questions:
            path = (*base, *question.path)
            assert same(get(answered.document, path)) == same(get(document, path)), path


def same(value: Any) -> Any:
    """Return a value as it compares: instants without seconds, names of people in any order."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return sorted(value)
    return value[:16] if isinstance(value, str) and value.endswith("Z") else value


def test_every_place_of_the_document_leads_to_a_page() -> None:
    document = sample(1)
    for page, base in pages_of(document):
        for question in page.questions:
            for path in answer_paths(question, base):
                place = draft_links.place_of(page_answers.pointer_of(path))
                assert place is not None, path
                assert page.key in place.address, path


def test_a_value_of_another_kind_is_shown_as_nothing() -> None:
    for page, base in pages_of(sample(1)):
        for question in page.questions:
            for odd in (None, 7.5, [], {}, [None], {"unknown": []}, [{"child": 3}], True):
                fields = shown(question, odd, around(sample(1)))
                assert all(isinstance(value, str) for value in fields.values()), (base, odd)


def test_every_field_is_typed_as_what_it_is() -> None:
    """Keyboards fit; browsers keep only what people write of themselves, and spell nothing out."""
    every = {
        question.key: question.typed
        for page, _ in pages_of(sample(1))
        for asked in page.questions
        for question in (asked, *asked.parts)
    }
    own = {key: typed["autocomplete"] for key, typed in every.items()}
    assert {key: value for key, value in own.items() if value != "off"} == {
        "referrer.name": "name",
        "referrer.role": "organization-title",
        "referrer.telephone": "tel",
        "referrer.email": "email",
    }
    assert {typed["spellcheck"] for typed in every.values()} == {False}
    for key, typed in every.items():
        last = key.rpartition(".")[2]
        assert typed.get("type", "text") == {"email": "email", "telephone": "tel"}.get(last, "text")
        if last in ("nhs_number", "urn", "approximate_age", "a", "b", "c"):
            assert typed["inputmode"] == "numeric", key
