"""How a referral must be treated, as its reader sees it before anything else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from broker.domain.task import EMBARGO_IN_WORDS
from broker.inbox.document_source import Json, Source, plain, telephone
from broker.inbox.document_values import Handling, Line, LineKind, Row, Tone
from broker.web.moments import moment
from schemas import labels

_NOBODY: dict[str, str] = {
    "family": "the family",
    "school": "the school",
    "person_posing_risk": "the person who may pose a risk",
    "employer": "the employer of the person who may pose a risk",
}
_BEFORE = "before you contact anybody named in this referral."
_IN_WORDS = (
    "There may be an embargo in the instructions, without an end: ask the officer before you "
    "contact anybody"
)


def handling(source: Source, referrer: Json) -> Handling | None:
    """Return the block about handling; None where the police said nothing of it.

    The officer who refers is whom to call where an embargo names nobody.
    """
    source.take("marking")
    embargo = source.below("embargo")
    in_words = _is_in_words(source)
    heading, tone = _heading(embargo, source, in_words=in_words)
    rows = (*_embargo_rows(embargo), *_rows(source), *embargo.rest(), *source.rest())
    remarks = source.around.remarks.rest_of(source.pointer)
    call = _call(embargo, referrer) if embargo.value or in_words else None
    if not rows and not remarks and not embargo.value:
        return None
    return Handling(heading, tone, call, _BEFORE if call else "", rows, remarks)


def no_contact(embargo: Json, now: datetime, clock: datetime | None) -> str:
    """Return in one sentence what an embargo forbids and until when, or that it is over."""
    until = _until(embargo)
    if until is None:
        return "An embargo holds"
    when = moment(until, clock)
    if until <= now:
        return f"The embargo ended {_on(when)}"
    names = _nobody(embargo.get("no_contact_with") or ())
    if not names:
        return f"An embargo holds until {when}"
    return f"No contact with {_or(names)} before {when}"


def _heading(embargo: Source, source: Source, *, in_words: bool) -> tuple[str, Tone]:
    around = source.around
    if embargo.value:
        sentence = no_contact(embargo.value, around.now, around.clock)
        until = _until(embargo.value)
        is_over = until is not None and until <= around.now
        return sentence, Tone.OVER if is_over else Tone.STOP
    if in_words:
        return _IN_WORDS, Tone.STOP
    return "How to handle this", Tone.NOTE


def _is_in_words(source: Source) -> bool:
    place = source.place("instructions")
    entries = source.around.remarks.places.get(place, ())
    return any(code == EMBARGO_IN_WORDS for _, code, _ in entries)


def _embargo_rows(embargo: Source) -> Iterator[Row]:
    clock = embargo.around.clock
    until = _until(embargo.value)
    # The heading says until when; a row of its own is for what is doubtful about it.
    rows = embargo.row("Until", "until", lambda value: moment(until, clock) if until else value)
    yield from (row for row in rows if row.remarks or until is None)
    yield from embargo.row("Why", "reason")
    over = until is not None and until <= embargo.around.now
    forbidden = embargo.row(
        "No contact was allowed with" if over else "No contact with", "no_contact_with", _nobody
    )
    yield from (row for row in forbidden if row.remarks or over or until is None)
    call = embargo.row("Call first", "call_first", _called)
    yield from (row for row in call if row.remarks or not _is_whole(embargo.value))


def _rows(source: Source) -> Iterator[Row]:
    yield from source.row("Instructions", "instructions")
    yield from source.row("Do not tell", "do_not_disclose_to", lambda value: [*map(plain, value)])
    yield from source.row("The parents", "parents_informed", _parents)


def _nobody(codes: Any) -> list[str]:
    """Return whom an embargo forbids to contact; an employer that of the person named before."""
    names = _NOBODY
    if "person_posing_risk" in codes:
        names = {**_NOBODY, "employer": "their employer"}
    return [
        *(name for code, name in names.items() if code in codes),
        *(plain(code) for code in codes if code not in names),
    ]


def _parents(value: Any) -> list[str]:
    informed = value.get("informed")
    knows = "Know of this referral" if informed else "Do not know of this referral"
    return ["" if informed is None else knows, plain(value.get("reason") or "")]


def _called(value: Any) -> list[str | Line]:
    number = value.get("telephone")
    return [plain(value.get("name") or ""), telephone(number) if number else ""]


def _is_whole(embargo: Json) -> bool:
    call = embargo.get("call_first")
    return isinstance(call, dict) and bool(call.get("telephone"))


def _call(embargo: Source, referrer: Json) -> Line | None:
    """Return whom to call, as a link: as the embargo says, or else the officer who refers."""
    call = embargo.value.get("call_first") or referrer
    number = call.get("telephone")
    if not isinstance(number, str) or not number.strip():
        return None
    dialled, name = telephone(number), plain(call.get("name") or "the officer")
    kind = LineKind.LINK if dialled.href else LineKind.TEXT
    return Line(f"Call {name}, {dialled.text}", kind, dialled.href)


def _until(embargo: Json) -> datetime | None:
    try:
        return datetime.fromisoformat(str(embargo.get("until")))
    except ValueError:
        return None


def _on(when: str) -> str:
    return when if when.startswith(("today", "yesterday")) else f"on {when}"


def _or(names: list[str]) -> str:
    return ", ".join(names[:-1]) + f" or {names[-1]}" if len(names) > 1 else names[0]


def marking_of(source: Json) -> tuple[str, str]:
    """Return the marking of a delivery, and what it means."""
    marking = source.get("marking")
    return (str(marking), labels.MARKINGS.get(str(marking), "")) if marking else ("", "")
