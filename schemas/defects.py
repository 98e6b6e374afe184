"""What a referral lacks without being refused for it: it goes out at once, with the gap named.

Codes for a fact F of ethnicity, disability, language, voice: ``missing-F`` when the field is left
out, ``F-not-asked``, ``F-refused`` and ``F-not-yet-known`` when it says why. Likewise
``missing-status``, ``status-not-asked`` and so on for whether a child is missing.
``times-out-of-order`` when something was done before anybody knew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.child import Child, Ethnicity, Voice
from schemas.codes import EthnicityCode
from schemas.errors import Fault
from schemas.handling import Times
from schemas.names import name_of
from schemas.unknown import Unknown

_FACTS = (
    (name_of(Child, lambda child: child.ethnicity), "ethnicity", "The child's ethnicity"),
    (name_of(Child, lambda child: child.disability), "disability", "Whether the child is disabled"),
    (name_of(Child, lambda child: child.language), "language", "The child's first language"),
    (name_of(Child, lambda child: child.missing), "status", "Whether the child is missing"),
)
_LATER = (
    name_of(Times, lambda times: times.child_identified_at),
    name_of(Times, lambda times: times.graded_at),
    name_of(Times, lambda times: times.submitted_at),
)
"""What cannot have happened before anybody knew."""
_REASONS = {
    Unknown.NOT_ASKED: ("not-asked", "was not asked."),
    Unknown.REFUSED: ("refused", "was asked, and the answer refused."),
    Unknown.NOT_YET_KNOWN: ("not-yet-known", "is not yet known. Send it when you have it."),
}
_ETHNICITY_REASONS = {
    EthnicityCode.REFUSED: Unknown.REFUSED,
    EthnicityCode.NOT_YET_OBTAINED: Unknown.NOT_YET_KNOWN,
    EthnicityCode.NOT_STATED: Unknown.NOT_YET_KNOWN,
}


def find(children: tuple[Child, ...], times: Times) -> list[Fault]:
    """Return what is missing of the children, and times that cannot be right."""
    faults = [*_out_of_order(times)]
    for index, child in enumerate(children):
        faults += _of_child(child, f"/children/{index}")
    return faults


def _of_child(child: Child, pointer: str) -> Iterator[Fault]:
    for field, name, subject in _FACTS:
        value = _reason(getattr(child, field))
        if value is None:
            yield Fault(f"{pointer}/{field}", f"missing-{name}", f"{subject} is not mentioned.")
        elif isinstance(value, Unknown):
            code, ending = _REASONS[value]
            yield Fault(f"{pointer}/{field}", f"{name}-{code}", f"{subject} {ending}")
    yield from _of_voice(child.voice, f"{pointer}/voice")


def _reason(value: Any) -> Any:
    if isinstance(value, Ethnicity):
        return _ETHNICITY_REASONS.get(value.code, value)
    return value


def _of_voice(voice: Voice | None, pointer: str) -> Iterator[Fault]:
    if voice is not None and voice.not_asked:
        yield Fault(pointer, "voice-not-asked", "The child was not asked; the reason is given.")
    elif voice is None or not voice.heard:
        message = "Nothing says what the child said, showed or wants."
        yield Fault(pointer, "missing-voice", message)


def _out_of_order(times: Times) -> Iterator[Fault]:
    for name in _LATER:
        at = getattr(times, name)
        if at is not None and at < times.first_known_at:
            message = "This lies before the moment when it was first known; check both."
            yield Fault(f"/times/{name}", "times-out-of-order", message)
