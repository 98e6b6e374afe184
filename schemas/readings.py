"""Other ways to write a value, read as what they mean: ``09:00Z``, ``High``, ``yes``, ``3/5/2014``.

A reading depends on the value and the kind of field alone, so that it is the same whenever it is
read. Where nothing can be read the field is set aside (schemas/tolerance.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from marshmallow import fields

from schemas import fields as kinds
from schemas import formats
from schemas.spellings import CODES, REASONS, folded
from schemas.written_times import read_day, read_instant

_FLAGS = {
    **dict.fromkeys(("true", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "no", "n", "0"), False),
}
_PREFIX = re.compile(r"(?:md5|sha-?(?:1|256|512)|0x)[:=]?\s{0,9}", re.IGNORECASE)
_AGE = re.compile(
    r"(?:c|ca|circa|approx|approximately|about|around|aged?|est)?[ .~]{0,2}([0-9]{1,3})"
    r" ?(?:ish|y|yo|yrs?|years?)?(?: old)?\.?",
    re.ASCII | re.IGNORECASE,
)
_MONTHS = re.compile(r"([0-9]{1,2}) ?(?:m|mths?|months?)(?: old)?", re.ASCII | re.IGNORECASE)
_NEWBORN = re.compile(r"[0-9]{1,2} ?(?:w|wks?|weeks?|d|days?)(?: old)?", re.ASCII | re.IGNORECASE)
_GSS = re.compile(r"\b[EWSNLM][0-9]{8}\b", re.ASCII | re.IGNORECASE)
_POSTCODE = re.compile(r"\b[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\b", re.ASCII)
_URN = re.compile(r"\b(?:urn)?([0-9]{6})\b", re.ASCII | re.IGNORECASE)
_INVISIBLE = re.compile("[\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_ID_LENGTH = 32


def read(field: fields.Field[Any], value: Any) -> Any:
    """Return a value as the field wants it written, or the value itself where nothing is read."""
    if isinstance(field, kinds.Knowable):
        return _of_knowable(field, value)
    if isinstance(field, kinds.Many):
        return value if isinstance(value, list | dict) else [read(field.inner, value)]
    if isinstance(value, str) and not isinstance(field, kinds.Text):
        value = " ".join(_INVISIBLE.sub("", value).split())
    for kind, reading in _READINGS:
        if isinstance(field, kind):
            return reading(field, value)
    return value


def slug(text: str) -> str:
    """Return a local id made of a text: the same text gives the same id."""
    plain = folded(text).replace("_", "-")
    return (plain if plain[:1].isalpha() else f"id-{plain}")[:_ID_LENGTH].strip("-")


def _of_knowable(field: kinds.Knowable, value: Any) -> Any:
    why = value.get("unknown") if isinstance(value, dict) else value
    if why is True and isinstance(value, dict):
        return {"unknown": REASONS["unknown"]}
    reason = REASONS.get(folded(why)) if isinstance(why, str) else None
    return read(field.inner, value) if reason is None else {"unknown": reason}


def _joined(text: str) -> str:
    """Return a text without what stands between its letters: ``SHA-256`` means ``sha256``."""
    return folded(text).replace("_", "")


def _code(field: kinds.Code, value: Any) -> Any:
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if not isinstance(value, str):
        return value
    for fold in (folded, _joined):
        wanted = fold(value)
        matching = [code for code in field.codes if fold(code) == wanted]
        if len(matching) == 1:
            return matching[0]
    # Codes of two lists may have one label: they mean the same.
    for code, label in field.labels.items():
        if folded(label) == folded(value):
            return code
    meant = CODES.get(folded(value))
    return meant if meant in field.codes else value


def _instant(field: formats.Instant, value: Any) -> Any:
    return read_instant(value, is_past=field.past)


def _day(_: formats.Day, value: Any) -> Any:
    return read_day(value)


def _flag(_: kinds.Flag, value: Any) -> Any:
    is_flag = isinstance(value, str | int) and not isinstance(value, bool)
    return _FLAGS.get(str(value).lower(), value) if is_flag else value


def _whole(_: kinds.Whole, value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isdecimal():
        return int(value[:20])
    if age := _AGE.fullmatch(value):
        return int(age[1])
    if months := _MONTHS.fullmatch(value):
        return int(months[1]) // 12
    return 0 if _NEWBORN.fullmatch(value) else value


def _text(_: kinds.Text, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def _local_id(_: formats.LocalId, value: Any) -> Any:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return slug(str(value)) if isinstance(value, str) or is_number else value


def _digits(_: formats.NhsNumber, value: Any) -> Any:
    return re.sub(r"\D", "", str(value)) if isinstance(value, str | int) else value


def _digest(_: formats.Digest, value: Any) -> Any:
    """Return a hash without its prefix, and without what stands between its bytes."""
    if not isinstance(value, str):
        return value
    plain = _PREFIX.sub("", value.strip())
    pairs = re.split(r"[\s:-]", plain)
    return "".join(pairs) if all(len(pair) % 2 == 0 for pair in pairs) else plain


def _capitals(_: fields.Field[Any], value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _area(_: formats.Area, value: Any) -> Any:
    """Return the only code in a text: ``E10000028 (Staffordshire)``."""
    return _only(_GSS, value)


def _postcode(_: formats.Postcode, value: Any) -> Any:
    """Return the only whole postcode in a text."""
    return _only(_POSTCODE, value.upper().replace("-", " ") if isinstance(value, str) else value)


def _number(_: fields.Field[Any], value: Any) -> Any:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else value


def _urn(field: formats.Urn, value: Any) -> Any:
    return _only(_URN, _number(field, value))


def _only(pattern: re.Pattern[str], value: Any) -> Any:
    """Return the only thing of a form in a text, or the value where there is none or are more."""
    matches = pattern.findall(value) if isinstance(value, str) else []
    return matches[0] if len(matches) == 1 else value


_READINGS: tuple[tuple[type[fields.Field[Any]], Callable[[Any, Any], Any]], ...] = (
    (kinds.Code, _code),
    (formats.Instant, _instant),
    (formats.Day, _day),
    (kinds.Flag, _flag),
    (kinds.Whole, _whole),
    (kinds.Text, _text),
    (formats.LocalId, _local_id),
    (formats.NhsNumber, _digits),
    (formats.Digest, _digest),
    (formats.Area, _area),
    (formats.Postcode, _postcode),
    (formats.Upn, _capitals),
    (formats.Urn, _urn),
    (formats.Uprn, _number),
)
