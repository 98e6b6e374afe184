"""How a body is read that is nearly JSON in UTF-8, so that no child is lost over its form.

Nothing is left out: what cannot stand where it stood is kept as text, or under another name, and
``READ_OTHERWISE`` lists what was done. What comes of it is judged like every other document.
"""

from __future__ import annotations

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
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


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
    if not isinstance(value, dict):
        return None
    mended = mending.fit(value)
    return orjson.dumps({**mended, READ_OTHERWISE: mending.notes or ["control characters"]})


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
        encodings = ("utf-16",) if body[:2] in _UTF_16 else ("utf-8-sig", "cp1252", "latin-1")
        for encoding in encodings:
            try:
                text = body.decode(encoding)
            except UnicodeDecodeError:
                continue
            if encoding != "utf-8-sig" or text.encode() != body:
                self.note(f"encoding {encoding}")
            return text
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
