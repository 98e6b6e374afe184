"""What a publisher adds to a referral for local use, under a name that is its own.

The broker keeps it and judges no more of it than its bounds. It is shown to nobody, unless a view
of the policy names the namespace. Pictures are found in it as in every other text.
"""

from __future__ import annotations

import json
from typing import Any

from marshmallow import ValidationError, fields

from schemas.fields import Mapped, Spoken, described, words
from schemas.formats import Formed

NAMESPACES = 8
SIZE = 8 * 1024
DEPTH = 8
VALUES = 500
"""Fewer than any picture has as numbers."""
_NAME_LENGTH = 100
_TOO_MANY = f"too-long: Give at most {NAMESPACES} namespaces."


class Namespace(Formed):
    """Whose extension it is: an organisation's code, or a domain name written backwards."""

    pattern = r"^[a-z][a-z0-9-]{1,63}(?:\.[a-z0-9][a-z0-9-]{0,62}){0,8}$"
    default_error_messages = words(
        form="bad-namespace: Use an organisation's code, or a domain name backwards, such as "
        "org.example.tool.",
    )


_NAMESPACE = Namespace()


def is_namespace(text: str) -> bool:
    """Tell whether a text can be the namespace of an extension."""
    try:
        return _NAMESPACE.deserialize(text) is not None
    except ValidationError:
        return False


class Extension(Spoken, fields.Raw):
    """Any JSON, bounded in size, depth and number of values."""

    default_error_messages = words(
        large=f"too-large: Give at most {SIZE} bytes in one namespace.",
        deep=f"too-deep: Nest at most {DEPTH} levels in one namespace.",
        many=f"too-long: Give at most {VALUES} values in one namespace.",
        name=f"bad-name: Use printable names of at most {_NAME_LENGTH} characters.",
    )

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        count = 0
        level = [value]
        for _depth in range(DEPTH + 1):
            count += len(level)
            if count > VALUES:
                raise self.make_error("many")
            level = [inner for outer in level for inner in self._within(outer)]
            if not level:
                break
        else:
            raise self.make_error("deep")
        if _size(value) > SIZE:
            raise self.make_error("large")
        return value

    def _within(self, value: Any) -> list[Any]:
        if isinstance(value, dict):
            if any(len(name) > _NAME_LENGTH or not name.isprintable() for name in value):
                raise self.make_error("name")
            return list(value.values())
        return value if isinstance(value, list) else []


def _size(value: Any) -> int:
    """Return how many bytes a value takes as JSON, whatever numbers and characters it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode(errors="surrogatepass"))


class Extensions(Mapped):
    """Every extension by its namespace; what is over the limit is one fault each."""

    def __init__(self, description: str) -> None:
        value = Extension(
            metadata=described(
                f"Any JSON of at most {SIZE:,} bytes, {DEPTH} levels and {VALUES} values. `about` "
                "may name, by local id, all whom it is about; left out, it is about everybody."
            )
        )
        super().__init__(Namespace(), value, NAMESPACES, description, required=False)
        self.metadata = described(description, maxProperties=NAMESPACES)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if value == {} and type(value) is dict:
            return {}
        if type(value) is not dict or len(value) <= NAMESPACES:
            return super()._deserialize(value, *args, **kwargs)
        raise ValidationError({name: [_TOO_MANY] for name in list(value)[NAMESPACES:]})
