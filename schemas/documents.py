"""From bytes to a JSON document that may be read, or every reason why not.

Stricter than a JSON parser, because two readers must never understand one document differently
(RFC 8259 section 4 and RFC 7493): no duplicate names, no NaN, no lone surrogates, no NUL, and
bounds on size, depth and lengths. Pictures are never carried (Protection of Children Act 1978).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import orjson

from schemas import pictures
from schemas.errors import Fault, Unreadable, UnreadableKind
from schemas.immutable import immutable

SIZE_LIMIT = 256 * 1024
DEPTH_LIMIT = 32
LENGTH_LIMIT = 1000
DIGIT_LIMIT = 18

# A string that is never closed reaches to the end, so that no quote in it is looked at again.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# NUL and half characters can be written in no other way.
_UNPRINTABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_SURROGATE = re.compile("[\ud800-\udfff]")


@immutable
class Document:
    """A JSON object that may be read, and the SHA-256 of its canonical form."""

    value: dict[str, Any]
    digest: bytes
    body: bytes
    """What is kept of it: the body as it was sent, or as it was mended."""


def read(
    body: bytes,
    *,
    limit: int = SIZE_LIMIT,
    most_items: int = LENGTH_LIMIT,
    may_link: bool = False,
) -> Document:
    """Return the document in a body of at most ``limit`` bytes, with lists of ``most_items``.

    ``may_link``: links to pictures pass in texts, because the reader strikes them out.
    Raises Unreadable with every fault that can be told.
    """
    if len(body) > limit:
        _refuse("too-large", f"The body is over {limit} bytes.", UnreadableKind.TOO_LARGE)
    _check_depth(body)
    value = _parse(body)
    if _UNPRINTABLE.search(body):
        _check_strings(value, most_items)
    faults = prohibited(value, most_items=most_items)
    if pictures.may_hold_link(body):
        faults += _faults({"": [*_names(value)]} if may_link else value, pictures.link, most_items)
    if faults:
        raise Unreadable(UnreadableKind.PROHIBITED, faults)
    return Document(value, digest(value), body)


def digest(value: object) -> bytes:
    """Return the SHA-256 of the canonical form: names sorted, no white space, UTF-8."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()


def prohibited(value: object, *, most_items: int = LENGTH_LIMIT) -> list[Fault]:
    """Return a fault for each string that holds a picture or other binary content."""
    return _faults(value, pictures.prohibition, most_items)


def _check_depth(body: bytes) -> None:
    # Before parsing: a parser that recurses must never see ten thousand levels.
    if body.count(b"[") + body.count(b"{") <= DEPTH_LIMIT:
        return
    depth = 0
    for bracket in _STRING.sub(b"", body).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH_LIMIT:
            _refuse("too-deep", f"The document is nested more than {DEPTH_LIMIT} levels deep.")


def _parse(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as error:
        _refuse("not-utf-8", f"The body is not UTF-8 at byte {error.start}.")
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        _refuse("not-json", f"The body is not JSON: {error.msg} at {place}.")
    if not isinstance(value, dict):
        _refuse("not-an-object", "The body must be one JSON object.")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        _refuse("duplicate-name", "A name is given twice in one object; give each one once.")
    return value


def _integer(digits: str) -> int:
    if len(digits) > DIGIT_LIMIT:
        _refuse("number-too-large", f"A whole number has more than {DIGIT_LIMIT} digits.")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        _refuse("number-too-large", "A number is too large to be told from infinity.")
    return value


def _constant(_: str) -> NoReturn:
    _refuse("not-a-number", "NaN and Infinity are not JSON; leave the value out.")


def _check_strings(value: object, most_items: int) -> None:
    if faults := _faults(value, _unprintable, most_items):
        raise Unreadable(UnreadableKind.MALFORMED, faults)


def _unprintable(pointer: str, text: str) -> Fault | None:
    if "\x00" in text:
        return Fault(pointer, "nul", "A text holds the character NUL; leave it out.")
    if not text.isascii() and _SURROGATE.search(text):
        return Fault(pointer, "lone-surrogate", "A text holds half a character (a surrogate).")
    return None


def _faults(
    value: object, rule: Callable[[str, str], Fault | None], most_items: int
) -> list[Fault]:
    # Pointers are worked out only where something is wrong, which is rare.
    if _is_clean(value, rule, most_items):
        return []
    faults = (rule(pointer, text) for pointer, text in _texts(value, "", most_items))
    return [fault for fault in faults if fault is not None]


def _is_clean(value: object, rule: Callable[[str, str], Fault | None], most_items: int) -> bool:
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind is str:
            if rule("", item):
                return False
        elif kind is dict or kind is list:
            if len(item) > most_items:
                return False
            waiting += item
            if kind is dict:
                waiting += item.values()
    return True


def _texts(value: object, pointer: str, most_items: int) -> Iterator[tuple[str, str]]:
    """Go through every text with its pointer; a name counts as a text of its object."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        _check_length(len(value), pointer, most_items)
        for name, item in value.items():
            yield pointer, name
            yield from _texts(item, f"{pointer}/{_escaped(name)}", most_items)
    elif isinstance(value, list):
        _check_length(len(value), pointer, most_items)
        for index, item in enumerate(value):
            yield from _texts(item, f"{pointer}/{index}", most_items)


def _names(value: object) -> Iterator[str]:
    """Go through the names of all members."""
    if isinstance(value, dict):
        yield from value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _names(item)


def _check_length(length: int, pointer: str, most_items: int) -> None:
    if length > most_items:
        message = f"More than {most_items} items stand in one list or object."
        raise Unreadable(UnreadableKind.MALFORMED, [Fault(pointer, "too-long", message)])


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _refuse(code: str, message: str, kind: UnreadableKind = UnreadableKind.MALFORMED) -> NoReturn:
    raise Unreadable(kind, [Fault("", code, message)])
