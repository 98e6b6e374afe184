"""From a JSON value to a frozen object, or every fault at once with its pointer.

Every message in a schema is written ``code: sentence``, so that one table is not needed and a
code never parts from its words. This is the only place that turns marshmallow's errors into ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, cast

from marshmallow import EXCLUDE, Schema, ValidationError, post_load

from schemas.errors import Fault

T = TypeVar("T")
_OF_THE_OBJECT = "_schema"
UNKNOWN_FIELD = "unknown-field: There is no such field here; look for a spelling mistake."
FAULT_LIMIT = 500
"""An answer with all faults of a hostile document would be many times as long as the document."""
_AND_MORE = Fault("", "more-faults", f"There are more than {FAULT_LIMIT} faults; mend these first.")
_WORDS = {
    "unknown": UNKNOWN_FIELD,
    "type": "wrong-type: Give an object here.",
}


class Record(Schema, Generic[T]):
    """A schema of an object that loads into the frozen dataclass ``record``."""

    record: ClassVar[type[Any]]
    rules: ClassVar[dict[str, Any]] = {}
    """What JSON Schema can say about several fields together, for the export."""
    error_messages = _WORDS

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> T:
        return cast(T, self.record(**data))


class Answer(Schema):
    """A schema of what the broker answers: it may grow, so readers ignore what they do not know."""

    class Meta:
        """Fields that are not listed may appear later."""

        unknown = EXCLUDE


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """The object, or None and the faults."""

    value: T | None
    faults: list[Fault]


def load(schema: Record[T], value: object) -> Loaded[T]:
    """Load a JSON value; never raises on any value that JSON can hold."""
    try:
        return Loaded(schema.load(cast(Any, value)), [])
    except ValidationError as error:
        return Loaded(None, sort(faults(error)))


def faults(error: ValidationError) -> Iterator[Fault]:
    """Go through a validation error as faults, in no particular order."""
    return _faults(error.messages, "")


def sort(found: Iterator[Fault] | list[Fault]) -> list[Fault]:
    """Return faults without repeats, in the order of their pointers, items by number.

    After the first ``FAULT_LIMIT`` one more says that there are others.
    """
    ordered = sorted(dict.fromkeys(found), key=lambda one: (_steps(one.pointer), one.code))
    return ordered if len(ordered) <= FAULT_LIMIT else [*ordered[:FAULT_LIMIT], _AND_MORE]


def escape(name: str) -> str:
    """Return a member's name as a step of a pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _faults(messages: Any, pointer: str) -> Iterator[Fault]:
    if isinstance(messages, dict):
        for step, inner in messages.items():
            here = step == _OF_THE_OBJECT and isinstance(inner, list)
            yield from _faults(inner, pointer if here else f"{pointer}/{escape(str(step))}")
    else:
        for message in messages:
            code, _, sentence = message.partition(": ")
            yield Fault(pointer, code, sentence)


def _steps(pointer: str) -> list[tuple[int, str]]:
    return [
        (int(step), "") if step.isdecimal() and len(step) < 6 else (-1, step)
        for step in pointer.split("/")
    ]
