"""One page of the form, filled in: what becomes of the document, and what is wrong with it.

The schemas judge, as they do for the API; the form adds only what it cannot read, and asks for what
is needed on the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from broker.policy.places.gazetteer import Gazetteer
from broker.referral_form import draft_names
from broker.referral_form.form_values import Around, Form, about, is_same, read, shown
from broker.referral_form.json_paths import ABSENT, get, put, remove, tidy
from broker.referral_form.questions import Kind, Path, Question
from broker.referral_form.sections import Page
from schemas import referral
from schemas.errors import Fault
from schemas.tolerance import NO_CONTACT

SENT_AS_WRITTEN = frozenset(
    {"nhs-number-format", "nhs-number-check-digit", "bad-upn", "bad-urn", "bad-postcode"}
)
"""Faults that cost only their field: it is sent as it was written, and marked as not valid."""
REQUIRED = "required"
NEEDED = frozenset({REQUIRED, NO_CONTACT})
"""Faults for which the form sends nothing: an answer is needed. Others cost only their field."""
_MESSAGES: Mapping[str, str] = {
    "too-long": "use fewer characters.",
    "bad-email": "enter an email address, like name@example.org.",
    "date-in-future": "this is in the future.",
    "date-too-far": "this is too far in the future.",
    "out-of-range": "check this, it cannot be right.",
    NO_CONTACT: "enter a telephone number or an email address.",
}


@dataclass(slots=True)
class Answered:
    """What a page makes of the document."""

    document: dict[str, Any]
    faults: dict[str, str] = field(default_factory=dict)
    """What is wrong, by the id of the input, in the order of the page."""


def around(document: Mapping[str, Any], gazetteer: Gazetteer, today: date) -> Around:
    """Return what the answers of a document are read against."""
    names, children = draft_names.names(document, today), draft_names.children(document, today)
    return Around(gazetteer, names, children, today)


def form_of(page: Page, base: Path, document: Any, context: Around) -> dict[str, str]:
    """Return the answers that a document holds as the fields of the form."""
    fields: dict[str, str] = {}
    for question in page.questions:
        fields |= shown(question, get(document, (*base, *question.path)), context)
    return fields


def answer(
    page: Page,
    base: Path,
    document: dict[str, Any],
    form: Form,
    context: Around,
    *,
    is_later: bool = False,
) -> Answered:
    """Return the document with the answers of a page in it.

    ``base`` is the way to the object of the page; ``is_later``: what is needed may come later.
    """
    after, touched = deepcopy(document), []
    for question in page.questions:
        path = (*base, *question.path)
        if is_same(question, get(after, path), form, context):
            continue
        touched.append(question)
        value = read(question, form, context)
        if value is ABSENT:
            remove(after, path)
        else:
            put(after, path, value)
    for path in {(*base, *question.path[:1]) for question in page.questions if 0 in question.path}:
        tidy(after, path)
    answered = Answered(after, dict(context.faults))
    if not is_later:
        answered.faults |= _needed(page, base, after, answered.faults)
    for question, fault in _faults(page, base, after, context):
        is_needed = fault.code in NEEDED
        if (is_needed and not is_later) or (question in touched and not is_needed):
            _note(answered.faults, question, fault)
    answered.faults = _ordered(page, answered.faults)
    return answered


def _needed(page: Page, base: Path, document: Any, faults: Mapping[str, str]) -> dict[str, str]:
    """Return what is needed on a page and was not answered."""
    return {
        question.name: needed(question)
        for question in page.questions
        if question.is_required
        and get(document, (*base, *question.path)) is ABSENT
        and not any(name.startswith(question.name) for name in faults)
    }


def needed(question: Question) -> str:
    """Return that an answer is needed."""
    if question.label.endswith("?"):
        return f"Answer the question: {question.label}"
    return f"Enter this: {question.label[:1].lower()}{question.label[1:]}"


def _faults(
    page: Page, base: Path, document: Any, context: Around
) -> Iterator[tuple[Question, Fault]]:
    """Yield what the schemas find on a page, each fault with its question."""
    loaded = referral.load(document, today=context.today, areas=context.gazetteer)
    for fault in loaded.faults:
        question = _question_about(page, base, fault)
        if question and fault.code not in SENT_AS_WRITTEN:
            yield question, fault


def _question_about(page: Page, base: Path, fault: Fault) -> Question | None:
    """Return the question that a fault is about; None where it is on another page."""
    for question in page.questions:
        for part in (*question.parts, question):
            pointer = pointer_of((*base, *part.path))
            if f"{fault.pointer}/".startswith(f"{pointer}/"):
                return part
    is_contact = fault.code == NO_CONTACT
    telephones = [
        question for question in page.questions if question.path == ("referrer", "telephone")
    ]
    return telephones[0] if is_contact and telephones else None


def _note(faults: dict[str, str], question: Question, fault: Fault) -> None:
    name = question.name
    if question.kind in (Kind.DAY, Kind.INSTANT):
        name = f"{name}-day"
    if fault.code == REQUIRED:
        faults.setdefault(name, needed(question))
        return
    known = _MESSAGES.get(fault.code)
    faults.setdefault(name, about(question, known or fault.message))


def _ordered(page: Page, faults: Mapping[str, str]) -> dict[str, str]:
    """Return faults in the order of the questions, as the error summary lists them."""
    names = [part.name for question in page.questions for part in (question, *question.parts)]

    def place(name: str) -> int:
        places = [
            at for at, known in enumerate(names) if name == known or name.startswith(f"{known}-")
        ]
        return max(places, default=len(names))

    return dict(sorted(faults.items(), key=lambda fault: place(fault[0])))


def pointer_of(path: Path) -> str:
    """Return a path as a JSON pointer."""
    return "".join(f"/{step}" for step in path)
