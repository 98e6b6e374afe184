"""What a referral lacks without being refused for it: it goes out at once, with the gap named.

Codes for a fact F of ethnicity, disability, language, voice: ``missing-F`` when the field is left
out, ``F-not-asked``, ``F-refused`` and ``F-not-yet-known`` when it says why. Likewise
``missing-status``, ``status-not-asked`` and so on for whether a child is missing.
``times-out-of-order`` when something was done before anybody knew, ``implausible-age`` and
``age-contradicts-date-of-birth`` for ages that cannot be right, ``same-child-twice``, and
``voice-of-an-adult`` for the voice of somebody who is known to be 18 or older, and
``birth-long-past`` for a birth that was expected long ago. Of a child
who is not born yet nothing is asked that it cannot have.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice
from operator import attrgetter
from typing import Any

from schemas.child import Child, Ethnicity, Voice
from schemas.codes import EthnicityCode
from schemas.errors import Fault
from schemas.handling import Times
from schemas.names import name_of
from schemas.person import PersonPosingRisk
from schemas.spellings import says_nothing
from schemas.unknown import Unknown

_FACTS = (
    (name_of(Child, lambda child: child.ethnicity), "ethnicity", "The child's ethnicity"),
    (name_of(Child, lambda child: child.disability), "disability", "Whether the child is disabled"),
    (name_of(Child, lambda child: child.language), "language", "The child's first language"),
    (name_of(Child, lambda child: child.missing), "status", "Whether the child is missing"),
)
_facts_of = attrgetter(*(field for field, _, _ in _FACTS))
_LATER = (
    name_of(Times, lambda times: times.child_identified_at),
    name_of(Times, lambda times: times.graded_at),
    name_of(Times, lambda times: times.submitted_at),
)
"""What cannot have happened before anybody knew."""
_later_of = attrgetter(*_LATER)
_REASONS = {
    Unknown.NOT_ASKED: ("not-asked", "was not asked."),
    Unknown.REFUSED: ("refused", "was asked, and the answer refused."),
    Unknown.NOT_YET_KNOWN: ("not-yet-known", "is not yet known. Send it when you have it."),
}
_VOICE_REASONS = {
    Unknown.NOT_ASKED: ("not-asked", "The child was not asked, and no reason is given."),
    Unknown.REFUSED: ("refused", "The child was asked, and did not want to speak."),
    Unknown.NOT_YET_KNOWN: ("not-yet-known", "What the child says is not yet known."),
}
ADULT_AT = 18
_OVERDUE_DAYS = 60
_OLDEST = 110
_CHILD_AGES, _PERSON_AGES = range(26), range(5, _OLDEST + 1)
"""Nobody older or younger is the child, or the person posing risk, of a referral."""
_NOTHING = frozenset({"na", "none", "nil", "unknown", "notknown", "nk", "notapplicable", "nothing"})
_LONGEST_NOTHING = max(map(len, _NOTHING))
_ETHNICITY_REASONS = {
    EthnicityCode.REFUSED: Unknown.REFUSED,
    EthnicityCode.NOT_YET_OBTAINED: Unknown.NOT_YET_KNOWN,
    EthnicityCode.NOT_STATED: Unknown.NOT_YET_KNOWN,
}


def find(
    children: tuple[Child, ...],
    times: Times,
    persons: tuple[PersonPosingRisk, ...] = (),
    *,
    today: date | None = None,
) -> list[Fault]:
    """Return what is missing of the children, and times and ages that cannot be right.

    Ages are those of ``today``; without it they are not looked at.
    """
    faults = [*_out_of_order(times)]
    for index, child in enumerate(children):
        pointer, is_expected = f"/children/{index}", child.expected_date_of_birth is not None
        if not (is_expected and is_unborn(child, today)):
            faults += _of_child(child, pointer)
        if is_expected:
            faults += _of_birth(child, pointer, today)
        faults += _of_age(pointer, child.date_of_birth, child.approximate_age, _CHILD_AGES, today)
        faults += _of_adult(child.voice, pointer, child.date_of_birth, child.approximate_age, today)
    for index, person in enumerate(persons):
        pointer = f"/persons_posing_risk/{index}"
        faults += _of_age(pointer, person.date_of_birth, person.age, _PERSON_AGES, today)
        if person.voice is not None:
            faults += _of_adult(person.voice, pointer, person.date_of_birth, person.age, today)
    return [*faults, *_twice(children)] if len(children) > 1 else faults


def age_on(day: date, born: date | Unknown | None, estimate: int | None) -> int | None:
    """Return an age in years on a day, from the date of birth or else the estimate."""
    if isinstance(born, date):
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return estimate


def is_unborn(child: Child, on: date | None) -> bool:
    """Tell whether a child is expected, on a day or whenever: long after that day it is born."""
    expected = child.expected_date_of_birth
    return expected is not None and (on is None or (on - expected).days <= _OVERDUE_DAYS)


def _of_birth(child: Child, pointer: str, today: date | None) -> Iterator[Fault]:
    if child.expected_date_of_birth and not is_unborn(child, today):
        message = "The day on which the birth was expected is long past: give the date of birth."
        yield Fault(f"{pointer}/expected_date_of_birth", "birth-long-past", message)


def plausible_age(day: date, born: date | Unknown | None, estimate: int | None) -> int | None:
    """Return an age as ``age_on`` does; a birth that systems write for none says nothing."""
    years = age_on(day, born, estimate)
    return estimate if years is not None and years > _OLDEST else years


def _of_age(
    pointer: str,
    born: date | Unknown | None,
    estimate: int | None,
    ages: range,
    today: date | None,
) -> Iterator[Fault]:
    if not isinstance(born, date):
        if estimate is not None and estimate not in ages:
            yield Fault(pointer, "implausible-age", f"An age of {estimate} cannot be right here.")
        return
    if today is None:
        return
    years = age_on(today, born, None) or 0
    if years not in ages:
        message = f"The date of birth makes an age of {years}, which cannot be right here."
        yield Fault(f"{pointer}/date_of_birth", "implausible-age", message)
    if estimate is not None and abs(estimate - years) > 1:
        message = (
            f"The date of birth makes an age of {years}, but {estimate} is written: check both."
        )
        yield Fault(pointer, "age-contradicts-date-of-birth", message)


def _of_adult(
    voice: Voice | Unknown | None,
    pointer: str,
    born: date | Unknown | None,
    estimate: int | None,
    today: date | None,
) -> Iterator[Fault]:
    if not isinstance(voice, Voice) or today is None:
        return
    years = age_on(today, born, estimate)
    if years is not None and years >= ADULT_AT:
        message = (
            f"This is a child's voice, and an age of {years} is written: if it is right, say "
            "under 'concern' what an adult said."
        )
        yield Fault(f"{pointer}/voice", "voice-of-an-adult", message)


def _twice(children: tuple[Child, ...]) -> Iterator[Fault]:
    if len(children) < 2:
        return
    seen: set[tuple[str, str, date]] = set()
    for index, child in enumerate(children):
        born = child.date_of_birth
        given, family = child.given_name or "", child.family_name or ""
        if not isinstance(born, date) or says_nothing(given) or says_nothing(family):
            continue
        key = (given.casefold(), family.casefold(), born)
        if key in seen:
            message = "A child of this name and date of birth stands here already: check it."
            yield Fault(f"/children/{index}", "same-child-twice", message)
        seen.add(key)


def _of_child(child: Child, pointer: str) -> Iterator[Fault]:
    for (field, name, subject), written in zip(_FACTS, _facts_of(child), strict=True):
        value = _reason(written)
        if value is None:
            yield Fault(f"{pointer}/{field}", f"missing-{name}", f"{subject} is not mentioned.")
        elif isinstance(value, Unknown):
            code, ending = _REASONS[value]
            yield Fault(f"{pointer}/{field}", f"{name}-{code}", f"{subject} {ending}")
    yield from _of_voice(child.voice, f"{pointer}/voice")


def _reason(value: Any) -> Any:
    if isinstance(value, Ethnicity):
        return _ETHNICITY_REASONS.get(value.code, value)
    if isinstance(value, str) and says_nothing(value):
        return Unknown.NOT_YET_KNOWN
    return value


def _of_voice(voice: Voice | Unknown | None, pointer: str) -> Iterator[Fault]:
    if isinstance(voice, Unknown):
        code, ending = _VOICE_REASONS[voice]
        yield Fault(pointer, f"voice-{code}", ending)
    elif voice is not None and voice.not_asked:
        yield Fault(pointer, "voice-not-asked", "The child was not asked; the reason is given.")
    elif voice is not None and voice.refused:
        yield Fault(pointer, "voice-refused", "The child was asked, and did not want to speak.")
    elif voice is None or not any(map(_says_something, _words_of(voice))):
        message = "Nothing says what the child said, showed or wants."
        yield Fault(pointer, "missing-voice", message)


def _words_of(voice: Voice) -> Iterator[str]:
    for part in (voice.said, voice.behaviour, voice.demeanour, voice.concerns, voice.views):
        if part:
            yield part


def _says_something(words: str) -> bool:
    """Tell whether words are more than a form's way to leave a field blank."""
    if sum(map(str.isalnum, words[: 2 * _LONGEST_NOTHING])) > _LONGEST_NOTHING:
        return True
    letters = (letter for letter in words.casefold() if letter.isalnum())
    plain = "".join(islice(letters, _LONGEST_NOTHING + 1))
    return bool(plain) and plain not in _NOTHING


def _out_of_order(times: Times) -> Iterator[Fault]:
    for name, at in zip(_LATER, _later_of(times), strict=True):
        if at is not None and at < times.first_known_at:
            message = "This lies before the moment when it was first known; check both."
            yield Fault(f"/times/{name}", "times-out-of-order", message)
