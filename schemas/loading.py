"""From a JSON value to a frozen object, or every fault at once with its pointer.

Every message in a schema is written ``code: sentence``, so that one table is not needed and a
code never parts from its words. This is the only place that turns marshmallow's errors into ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Generic, TypeVar, cast

from marshmallow import EXCLUDE, Schema, ValidationError
from marshmallow.decorators import VALIDATES_SCHEMA
from marshmallow.error_store import merge_errors
from marshmallow.fields import Field

from schemas.errors import Fault
from schemas.immutable import immutable

T = TypeVar("T")
_OF_THE_OBJECT = "_schema"
REQUIRED = "required: This field is needed."
NULL = "wrong-type: Leave the field out when there is no value."
UNKNOWN_FIELD = "unknown-field: There is no such field here; look for a spelling mistake."
FAULT_LIMIT = 500
"""An answer with all faults of a hostile document would be many times as long as the document."""
_AND_MORE = Fault(
    "", "more-faults", f"There are more than {FAULT_LIMIT} faults; correct these first."
)
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

    def __init__(self) -> None:
        super().__init__()
        self._steps = {
            field.data_key or name: (field.attribute or name, loader(field))
            for name, field in self.load_fields.items()
        }
        self._required = {
            field.data_key or name for name, field in self.load_fields.items() if field.required
        }
        self.checks = [
            (getattr(self, name), bool(options["pass_original"]))
            for name, _, options in self._hooks[VALIDATES_SCHEMA]
        ]

    def load(self, data: Any, **_: Any) -> T:
        """Load one object as marshmallow does, by a way that takes half as long.

        It leaves out what no schema of ours has: partial loads, lists at the top, other hooks. A
        test holds it against marshmallow's own. Raises ValidationError with every fault.
        """
        if type(data) is not dict:
            raise ValidationError({_OF_THE_OBJECT: [_WORDS["type"]]})
        loaded: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        # Most fields are absent: only those that are there, or must be, are looked at.
        steps = self._steps
        for name, value in data.items():
            step = steps.get(name)
            if step is None:
                errors[name] = [UNKNOWN_FIELD]
            elif value is None:
                errors[name] = [NULL]
            else:
                try:
                    loaded[step[0]] = step[1](value)
                except ValidationError as error:
                    errors[name] = error.messages
        if not data.keys() >= self._required:
            for name in self._required - data.keys():
                errors[name] = [REQUIRED]
        if self.checks:
            self._check_all(loaded, data, errors)
        if errors:
            raise ValidationError(errors)
        made: T = self.record(**loaded)
        return made

    def _check_all(self, loaded: dict[str, Any], data: Any, errors: dict[str, Any]) -> None:
        for check, with_original in self.checks:
            try:
                check(loaded, data) if with_original else check(loaded)
            except ValidationError as error:
                messages = {error.field_name: error.messages}
                errors |= merge_errors(errors, messages)  # type: ignore[no-untyped-call]


def loader(field: Field[Any]) -> Callable[[Any], Any]:
    """Return the short way to load a value that is there: what ``deserialize`` does with one."""
    inner: Record[Any] | None = getattr(field, "record", None)
    return cast(Callable[[Any], Any], field._deserialize if inner is None else inner.load)


class Answer(Schema):
    """A schema of what the broker answers: it may grow, so readers ignore what they do not know."""

    class Meta:
        """Fields that are not listed may appear later."""

        unknown = EXCLUDE


@immutable
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


def sort(faults: Iterator[Fault] | list[Fault]) -> list[Fault]:
    """Return faults as ``ordered`` does, so many that the answer keeps a reasonable size.

    After the first ``FAULT_LIMIT`` one more says that there are others.
    """
    every = ordered(faults)
    return every if len(every) <= FAULT_LIMIT else [*every[:FAULT_LIMIT], _AND_MORE]


def ordered(faults: Iterable[Fault]) -> list[Fault]:
    """Return faults without repeats, in the order of their pointers, items by number."""
    return sorted(dict.fromkeys(faults), key=lambda fault: (_steps(fault.pointer), fault.code))


def escape(name: str) -> str:
    """Return a member's name as a step of a pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _faults(messages: Any, pointer: str) -> Iterator[Fault]:
    if isinstance(messages, dict):
        for step, inner in messages.items():
            is_own = step == _OF_THE_OBJECT and isinstance(inner, list)
            yield from _faults(inner, pointer if is_own else f"{pointer}/{escape(str(step))}")
    else:
        for message in messages:
            code, _, sentence = message.partition(": ")
            yield Fault(pointer, code, sentence)


def _steps(pointer: str) -> list[tuple[int, str]]:
    return [
        (int(step), "") if step.isdecimal() and len(step) < 6 else (-1, step)
        for step in pointer.split("/")
    ]
