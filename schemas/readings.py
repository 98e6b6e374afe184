"""Other ways to write a value, read as what they mean: ``09:00Z``, ``High``, ``yes``, ``14``.

A reading depends on the value and the kind of field alone, so that it is the same whenever it is
read. Where nothing can be read the field is set aside (schemas/tolerance.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import fields

from schemas import fields as kinds
from schemas import formats
from schemas.unknown import Unknown

LONDON = ZoneInfo("Europe/London")
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:\.\d{1,9})?)? ?"
    r"(?:(Z|z|UTC|GMT|BST)|([+-]\d\d):?(\d\d))?",
    re.ASCII,
)
_OFFSETS = {"BST": "+01:00"}
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ]\d\d:\d\d.{0,20}", re.ASCII)
_FLAGS = {"true": True, "yes": True, "y": True, "false": False, "no": False, "n": False}
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_REASONS = {reason.value: reason.value for reason in Unknown} | {
    "unknown": Unknown.NOT_YET_KNOWN.value,
    "not_known": Unknown.NOT_YET_KNOWN.value,
}
_PREFIX = re.compile(r"(?:md5|sha-?(?:1|256|512)|0x)[:=]?\s{0,9}", re.IGNORECASE)
_ID_LENGTH = 32


def read(field: fields.Field[Any], value: Any) -> Any:
    """Return a value as the field wants it written, or the value itself where nothing is read."""
    if isinstance(field, kinds.Knowable):
        return _of_knowable(field, value)
    if isinstance(field, kinds.Many):
        return value if isinstance(value, list | dict) else [read(field.inner, value)]
    for kind, reading in _READINGS:
        if isinstance(field, kind):
            return reading(field, value)
    return value.strip() if isinstance(value, str) else value


def slug(text: str) -> str:
    """Return a local id made of a text: the same text gives the same id."""
    plain = _NOT_A_WORD.sub("-", text.lower()).strip("-")
    return (plain if plain[:1].isalpha() else f"id-{plain}")[:_ID_LENGTH].strip("-")


def _of_knowable(field: kinds.Knowable, value: Any) -> Any:
    reason = _REASONS.get(_folded(value)) if isinstance(value, str) else None
    return read(field.inner, value) if reason is None else {"unknown": reason}


def _folded(text: str) -> str:
    return _NOT_A_WORD.sub("_", text.lower()).strip("_")


def _joined(text: str) -> str:
    """Return a text without what stands between its letters: ``SHA-256`` means ``sha256``."""
    return _folded(text).replace("_", "")


def _code(field: kinds.Code, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for fold in (_folded, _joined):
        wanted = fold(value)
        matching = [code for code in field.codes if fold(code) == wanted]
        if len(matching) == 1:
            return matching[0]
    return value


def _instant(_: formats.Instant, value: Any) -> Any:
    parts = _INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
    if parts is None:
        return value
    day, minute, second, zone, hours, minutes = parts.groups()
    offset = _OFFSETS.get(zone, "+00:00") if zone else f"{hours}:{minutes}" if hours else ""
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}:{second or '00'}{offset}")
        local = moment if offset else moment.replace(tzinfo=LONDON)
        return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return value


def _day(_: formats.Day, value: Any) -> Any:
    parts = _DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    return parts[1] if parts else value.strip() if isinstance(value, str) else value


def _flag(_: kinds.Flag, value: Any) -> Any:
    return _FLAGS.get(value.strip().lower(), value) if isinstance(value, str) else value


def _whole(_: kinds.Whole, value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        return int(value[:20])
    return value


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
    return " ".join(value.upper().split()) if isinstance(value, str) else value


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
    (formats.Area, _capitals),
    (formats.Postcode, _capitals),
    (formats.Upn, _capitals),
)
