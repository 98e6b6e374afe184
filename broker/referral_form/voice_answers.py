"""What a child said and showed, or why nothing is known of it: a page of its own."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from broker.referral_form import page_answers
from broker.referral_form.form_values import UNKNOWN, YES, Around, Form
from broker.referral_form.json_paths import ABSENT, get, put, remove
from broker.referral_form.page_answers import Answered
from broker.referral_form.questions import Path
from broker.referral_form.sections import Page

SPOKEN = "spoken"
REFUSED, NO, NOT_YET = "refused", "no", "not_yet"
_REASON = {REFUSED: "refused", NO: "not_asked", NOT_YET: "not_yet_known"}
"""What stands for each answer where nothing more is said."""
WORDS = ("said", "views", "concerns")
"""Questions about what the child said."""
SEEN = ("demeanour", "behaviour", "spoken_to_at", "spoken_to_by", "share_with")
"""Questions that can be answered also where the child said nothing."""
_BELONGS = {
    YES: frozenset({*WORDS, *SEEN}),
    REFUSED: frozenset({"refused", *SEEN}),
    NO: frozenset({"not_asked"}),
    NOT_YET: frozenset[str](),
}
"""What may be entered beside each answer."""


def spoken_of(voice: Any) -> dict[str, str]:
    """Return whether the child was spoken to, as the form has it."""
    reason = get(voice, (UNKNOWN,))
    if reason is not ABSENT:
        answers = [answer for answer, known in _REASON.items() if known == reason]
        return {SPOKEN: answers[0] if answers else ""}
    if not isinstance(voice, dict) or not voice:
        return {SPOKEN: ""}
    is_not = (answer for name, answer in (("not_asked", NO), ("refused", REFUSED)) if name in voice)
    return {SPOKEN: next(is_not, YES)}


def answer(
    page: Page,
    base: Path,
    document: dict[str, Any],
    form: Form,
    context: Around,
    *,
    is_later: bool = False,
) -> Answered:
    """Return the document with the voice of a child as a form has it, and what is wrong."""
    before, spoken = deepcopy(document), form.get(SPOKEN, "")
    if get(document, (*base, UNKNOWN)) is not ABSENT:
        remove(document, base)
    answered = page_answers.answer(page, base, document, form, context, is_later=is_later)
    voice = get(answered.document, base)
    entered = set(voice) if isinstance(voice, dict) else set()
    if fault := _contradiction(spoken, entered, is_later=is_later):
        answered.faults = {SPOKEN: fault, **answered.faults}
        answered.faults.pop("not_asked" if "not_asked" in answered.faults else REFUSED, None)
    if spoken == NO and not entered and not is_later:
        message = "Say why the child was not spoken to."
        answered.faults.setdefault("not_asked", message)
    if spoken in _REASON and not entered:
        put(answered.document, base, {UNKNOWN: _REASON[spoken]})
    if not spoken and not entered and get(before, base) is ABSENT:
        answered.document = before
    return answered


def _contradiction(spoken: str, entered: set[str], *, is_later: bool) -> str:
    """Return what does not fit to whether the child was spoken to; empty where all does."""
    if not spoken:
        return "Say whether the child was spoken to." if entered else ""
    if entered - _BELONGS.get(spoken, frozenset()):
        return "What you entered does not fit this answer. Change one of them."
    if spoken == YES and not entered & {*WORDS, "demeanour", "behaviour"} and not is_later:
        return "Enter what the child said, or how the child seemed."
    return ""
