"""The kinds of field that documents are made of: text, code, flag, number, list, object.

They check while they load; ``metadata`` carries the same bounds to the exported JSON Schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import ValidationError, fields, missing, types

from schemas.loading import NULL, REQUIRED, UNKNOWN_FIELD, Record, loader
from schemas.shown_text import says_something, shown, shown_line
from schemas.unknown import Unknown

_REASONS = {reason.value: reason for reason in Unknown}
_NOT_A_REASON = f"unknown-code: Use one of: {', '.join(_REASONS)}."

ENUM_DESCRIPTIONS = "x-enumDescriptions"
"""Where JSON Schema and OpenAPI say what each code means; Redoc shows it."""


def words(**texts: str) -> types.ErrorMessages:
    """Return the messages of a kind of field, each of them ``code: sentence``."""
    return dict(texts)


class Spoken(fields.Field[Any]):
    """Any of our fields: its words for what can be wrong, and a short way through.

    The short way leaves out defaults and validators, which none of our fields has; with it a
    referral loads in about half the time.
    """

    default_error_messages = words(
        required=REQUIRED,
        null=NULL,
        invalid="wrong-type: Give a text.",
    )

    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **_: Any) -> Any:
        """Return the loaded value. Raises ValidationError with messages as described above."""
        if value is missing:
            if self.required:
                raise self.make_error("required")
            return missing
        if value is None:
            raise self.make_error("null")
        return self._deserialize(value, attr, data)


class Text(Spoken, fields.String):
    """A text of at most ``limit`` characters. A blank one counts as absent."""

    default_error_messages = words(
        long="too-long: Use at most {limit} characters.",
    )

    def __init__(self, limit: int, description: str = "", *, required: bool = False) -> None:
        bounds: dict[str, Any] = {"maxLength": limit}
        if required:
            bounds["pattern"] = r"\S"
        super().__init__(required=required, metadata=described(description, **bounds))
        self.limit = limit

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not str:
            raise self.make_error("invalid")
        if len(value) > self.limit:
            raise self.make_error("long", limit=self.limit)
        if value and not value.isspace():
            return value
        if self.required:
            raise self.make_error("required")
        return None


class ShownLine(Text):
    """A text in one line that people are shown, such as a name: control and bidirectional
    characters become a visible mark, and it has at least one letter or digit."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        if text is None:
            return None
        line = shown_line(text)
        if not says_something(line):
            raise self.make_error("required")
        return line


class ShownText(Text):
    """A text of several lines that people are shown, such as a note, with the same marks.

    One without a letter or a digit says nothing: it counts as absent.
    """

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        lines = "" if text is None else shown(text)
        if says_something(lines):
            return lines
        if self.required:
            raise self.make_error("required")
        return None


class Code(Spoken, fields.String):
    """A word from a closed list; one of an enumeration is loaded as its member."""

    default_error_messages = words(
        code="unknown-code: Use one of: {codes}.",
    )

    def __init__(
        self,
        codes: Iterable[str],
        description: str = "",
        *,
        required: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.codes = {str(code): code for code in codes}
        self.labels = dict(labels or {})
        metadata = described(description, enum=list(self.codes))
        if labels is not None:
            metadata[ENUM_DESCRIPTIONS] = self.labels
        super().__init__(required=required, metadata=metadata)
        self.listed = ", ".join(self.codes)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not str:
            raise self.make_error("invalid")
        code = self.codes.get(value)
        if code is None:
            raise self.make_error("code", codes=self.listed)
        return code


class Flag(Spoken, fields.Boolean):
    """True or false, and no other spelling of them."""

    default_error_messages = words(
        invalid="wrong-type: Give true or false.",
    )

    def __init__(self, description: str = "", *, required: bool = False) -> None:
        super().__init__(required=required, metadata=described(description))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not bool:
            raise self.make_error("invalid")
        return value


class Whole(Spoken, fields.Integer):
    """A whole number from ``least`` to ``most``."""

    default_error_messages = words(
        invalid="wrong-type: Give a whole number.",
        range="out-of-range: Give a number from {least} to {most}.",
    )

    def __init__(
        self, least: int, most: int, description: str = "", *, required: bool = False
    ) -> None:
        metadata = described(description, minimum=least, maximum=most)
        super().__init__(required=required, metadata=metadata)
        self.least = least
        self.most = most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not int:
            raise self.make_error("invalid")
        if not self.least <= value <= self.most:
            raise self.make_error("range", least=self.least, most=self.most)
        return value


class Seconds(Spoken, fields.Float):
    """A number of seconds from nought to ``most``, fractions allowed."""

    default_error_messages = words(
        invalid="wrong-type: Give a number.",
        range="out-of-range: Give a number from 0 to {most}.",
    )

    def __init__(self, most: int, description: str = "") -> None:
        super().__init__(metadata=described(description, minimum=0, maximum=most))
        self.most = most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) not in {int, float}:
            raise self.make_error("invalid")
        if not 0 <= value <= self.most:
            raise self.make_error("range", most=self.most)
        return float(value)


class One(Spoken, fields.Nested):
    """An object of another schema."""

    def __init__(
        self, schema: Record[Any], description: str = "", *, required: bool = False
    ) -> None:
        super().__init__(schema, required=required, metadata=described(description))
        self.record = schema

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return self.record.load(value)


class Many(Spoken, fields.List[Any]):
    """A list of at most ``limit`` items, loaded as a tuple."""

    default_error_messages = words(
        invalid="wrong-type: Give a list.",
        long="too-long: Give at most {limit} items.",
        short="required: Give at least {least}.",
    )

    def __init__(
        self,
        item: fields.Field[Any],
        limit: int,
        description: str = "",
        *,
        least: int = 0,
        required: bool = False,
    ) -> None:
        bounds = {"maxItems": limit} | ({"minItems": least} if least else {})
        super().__init__(item, required=required, metadata=described(description, **bounds))
        self._load_item = loader(item)
        self.limit = limit
        self.least = least

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not list:
            raise self.make_error("invalid")
        if len(value) > self.limit:
            raise self.make_error("long", limit=self.limit)
        if len(value) < self.least:
            raise self.make_error("short", least=self.least)
        items: list[Any] = []
        errors: dict[int, Any] = {}
        for index, item in enumerate(value):
            if item is None:
                errors[index] = [NULL]
                continue
            try:
                items.append(self._load_item(item))
            except ValidationError as error:
                errors[index] = error.messages
        if errors:
            raise ValidationError(dict(errors))
        return tuple(items)


class Mapped(Spoken, fields.Dict):
    """An object whose names and values are both checked, one fault for each entry."""

    default_error_messages = words(
        invalid="wrong-type: Give an object here.",
        long="too-long: Give at most {limit} entries.",
        short="required: Give at least one.",
    )

    def __init__(
        self,
        names: fields.Field[Any],
        values: fields.Field[Any],
        limit: int,
        description: str = "",
        *,
        required: bool = True,
    ) -> None:
        metadata = described(description, maxProperties=limit, minProperties=1)
        super().__init__(keys=names, values=values, required=required, metadata=metadata)
        self.names = names
        self.values = values
        self.limit = limit

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not dict:
            raise self.make_error("invalid")
        if not value or len(value) > self.limit:
            raise self.make_error("long" if value else "short", limit=self.limit)
        loaded, errors = {}, {}
        for name, item in value.items():
            _, bad_name = _tried(self.names, name)
            loaded[name], bad_item = _tried(self.values, item)
            if bad_name or bad_item:
                errors[name] = _both(bad_name, bad_item)
        if errors:
            raise ValidationError(errors)
        return loaded


class Anything(Spoken, fields.Dict):
    """An object that is checked elsewhere."""

    default_error_messages = words(invalid="wrong-type: Give an object here.")

    def __init__(self, description: str = "", *, required: bool = False) -> None:
        super().__init__(required=required, metadata=described(description))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not dict:
            raise self.make_error("invalid")
        return value


class Either(Spoken):
    """A text, or something that is no text."""

    def __init__(
        self,
        word: fields.Field[Any],
        other: fields.Field[Any],
        description: str = "",
        *,
        required: bool = False,
    ) -> None:
        super().__init__(required=required, metadata=described(description))
        self.options = (word, other)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return self.options[0 if type(value) is str else 1].deserialize(value)


class Knowable(Spoken):
    """A field that may instead say ``{"unknown": why}``."""

    def __init__(self, inner: fields.Field[Any]) -> None:
        super().__init__(metadata=described(inner.metadata.get("description", "")))
        self.inner = inner
        self._load = loader(inner)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is dict and "unknown" in value:
            return _reason(value)
        return self._load(value)


def described(description: str, **bounds: Any) -> dict[str, Any]:
    """Return a field's metadata for the export: its bounds, and its description if any."""
    return bounds | {"description": description} if description else bounds


def _reason(value: Mapping[str, Any]) -> Unknown:
    errors = {name: [UNKNOWN_FIELD] for name in value if name != "unknown"}
    why = value["unknown"]
    reason = _REASONS.get(why) if type(why) is str else None
    if reason is None:
        errors["unknown"] = [_NOT_A_REASON]
    if errors or reason is None:
        raise ValidationError(dict(errors))
    return reason


def _tried(field: fields.Field[Any], value: Any) -> tuple[Any, Any]:
    """Return the loaded value and nothing, or nothing and the messages."""
    try:
        return field.deserialize(value), []
    except ValidationError as error:
        return None, error.messages


def _both(name: list[Any], item: Any) -> Any:
    """Return the messages about an entry's name and those about its value as one."""
    if isinstance(item, dict):
        return item | {"_schema": name} if name else item
    return name + item
