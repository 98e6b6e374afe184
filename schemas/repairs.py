"""How a body is read that is nearly JSON in UTF-8, so that no child is lost over its form.

Nothing is left out: what cannot stand where it stood is kept as text, or under another name, and
``READ_OTHERWISE`` lists what was done. What comes of it is judged like every other document.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import orjson

from schemas.documents import DEPTH_LIMIT, DIGIT_LIMIT

READ_OTHERWISE = "read_otherwise"
"""The member of a mended document that lists how it was read."""
MOST_NOTES = 20
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.?)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
_NOT_KEPT = re.compile("[\x00\ud800-\udfff]")
_MARK = "\ufffd"
_AROUND = "\x00\ufeff \t\r\n"
_SCHEMA = re.compile(r"referral/1(?:\.0){0,2}", re.IGNORECASE)
_NOT_IN_REFERENCE = re.compile(r"[^A-Za-z0-9._/-]+")
_LONGEST_REFERENCE, _DIGEST = 64, 8
_ENCODINGS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"{\x00": "utf-16-le",
    b"\x00{": "utf-16-be",
}
"""By how a body begins, with a byte order mark or without one."""


def mend(body: bytes, *, most_items: int) -> bytes | None:
    """Return a body as JSON in UTF-8 that says the same, or None when it is no JSON at all."""
    mending = _Mending(most_items)
    try:
        text = mending.flat(mending.text(body))
        value = json.loads(
            text,
            strict=False,
            object_pairs_hook=mending.object,
            parse_int=mending.whole,
            parse_float=mending.fraction,
            parse_constant=mending.constant,
        )
    except ValueError:
        return None
    if isinstance(value, list) and len(value) == 1:
        mending.note("in a list")
        (value,) = value
    if not isinstance(value, dict):
        return None
    mended = mending.fit(value)
    return orjson.dumps({**mended, READ_OTHERWISE: mending.notes or ["control characters"]})


def mend_envelope(body: bytes) -> bytes | None:
    """Return a body whose reference and schema are written as they should be, or None.

    A referral that is the only member of an object is taken out of it. Of a reference with other
    characters those that are allowed stay, with the beginning of the digest of all of it, so that
    two references stay two.
    """
    value = json.loads(body)
    notes = []
    inner = next(iter(value.values())) if len(value) == 1 else None
    if isinstance(inner, dict) and "schema" in inner:
        value, notes = inner, [f"inside {next(iter(value))[:100]}"]
    written = value.get("reference")
    reference = _reference(written)
    if reference is None:
        return None
    if reference != written:
        notes.append(f"reference {str(written)[:100]}")
    schema = value.get("schema")
    if isinstance(schema, str) and _SCHEMA.fullmatch(schema):
        notes += [] if schema == "referral/1" else [f"schema {schema}"]
        schema = "referral/1"
    if not notes:
        return None
    return orjson.dumps({**value, "reference": reference, "schema": schema, READ_OTHERWISE: notes})


def _reference(written: Any) -> str | None:
    """Return a reference with the characters that one may have, or None.

    What has no digit, such as "no reference", names no case.
    """
    if isinstance(written, bool) or not isinstance(written, str | int):
        return None
    text = str(written).strip()
    plain = _NOT_IN_REFERENCE.sub("-", text).strip("-._/")
    if plain == text and len(text) <= _LONGEST_REFERENCE:
        return text
    if not any(map(str.isdecimal, plain)):
        return None
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    return f"{plain[: _LONGEST_REFERENCE - _DIGEST - 1]}-{digest}"


class _Mending:
    """The mending of one body, and what was done in it."""

    def __init__(self, most_items: int) -> None:
        self.notes: list[str] = []
        self._most_items = most_items

    def note(self, text: str) -> None:
        if len(self.notes) < MOST_NOTES and text not in self.notes:
            self.notes.append(text)

    def text(self, body: bytes) -> str:
        """Return a body as text, whatever usual encoding it has. Raises ValueError."""
        wide = [name for start, name in _ENCODINGS.items() if body.startswith(start)]
        encodings = wide[:1] or ["utf-8-sig", "cp1252", "latin-1"]
        for encoding in encodings:
            try:
                text = body.decode(encoding)
            except UnicodeDecodeError:
                continue
            if encoding != "utf-8-sig" or text.encode() != body:
                self.note(f"encoding {encoding}")
            return text.strip(_AROUND)
        raise ValueError("This is no text.")

    def flat(self, text: str) -> str:
        """Return a text in which what is nested too deep is a text itself."""
        parts: list[str] = []
        depth = start = done = 0
        for token in _TOKEN.finditer(text):
            if token[0] in ("[", "{"):
                depth += 1
                if depth == DEPTH_LIMIT + 1:
                    start = token.start()
            elif token[0] in ("]", "}"):
                depth -= 1
                if depth == DEPTH_LIMIT:
                    self.note("nested too deep")
                    parts += [text[done:start], json.dumps(text[start : token.end()])]
                    done = token.end()
        if depth > DEPTH_LIMIT:
            raise ValueError("It does not end.")
        return "".join([*parts, text[done:]])

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object; a name that was given before gets a number."""
        value: dict[str, Any] = {}
        counts: dict[str, int] = {}
        for name, item in pairs:
            counts[name] = counts.get(name, 0) + 1
            place = name
            while place in value:
                self.note(f"given twice: {name[:100]}")
                place = f"{name} ({counts[name]})"
                counts[name] += 1
            value[place] = item
        return value

    def whole(self, digits: str) -> int | str:
        if len(digits) <= DIGIT_LIMIT:
            return int(digits)
        self.note("number too large")
        return digits

    def fraction(self, digits: str) -> float | str:
        value = float(digits)
        if value - value == 0:
            return value
        self.note("number too large")
        return digits

    def constant(self, word: str) -> str:
        self.note(f"not a number: {word}")
        return word

    def fit(self, value: Any) -> Any:
        """Return a value without what UTF-8 cannot hold, and without what is too many."""
        if isinstance(value, str):
            text = _NOT_KEPT.sub(_MARK, value)
            if text != value:
                self.note("character that no text may hold")
            return text
        if isinstance(value, dict | list) and len(value) > self._most_items:
            self.note(f"the first {self._most_items} of {len(value)} items")
        if isinstance(value, list):
            return [self.fit(item) for item in value[: self._most_items]]
        if isinstance(value, dict):
            pairs = list(value.items())[: self._most_items]
            return {self.fit(name): self.fit(item) for name, item in pairs}
        return value
