"""Text that people are shown: no control, bidirectional or invisible character gets through.

Such characters can hide text, turn it round or drive a terminal. Each is replaced by a mark that
is seen, so that nobody reads what was not written.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

MARK = "\ufffd"
"""Stands where a character was that is not shown."""
_FILLERS = "\u115f\u1160\u3164\uffa0"
"""Letters of Hangul that are nothing to see: Python counts them as printable."""
_SEEN_ASCII = bytes(range(0x20, 0x7F))
"""What most texts are made of, and what is always seen."""
_HIDDEN = re.compile(
    f"[{_FILLERS}"
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_JOINER = re.compile(r"(?<![^\W\d_])[\u200c\u200d]|[\u200c\u200d](?![^\W\d_])")
"""Some scripts need these between two letters, also in names; elsewhere they hide something."""
_ESCAPED = re.compile(rb"\\[^\"\\nt]")
"""How JSON as orjson writes it has a control character that is not shown, lines and tabs apart."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def shown(text: str) -> str:
    """Return a text with a visible mark for each character that is not shown; lines stay."""
    if _is_plain(text):
        return text
    return _JOINER.sub(MARK, _HIDDEN.sub(MARK, text.replace("\r\n", "\n")))


def shown_line(text: str) -> str:
    """Return the same in one line, with single spaces."""
    return shown(" ".join(text.split()))


def shown_document(value: Any) -> Any:
    """Return a JSON value with every text in it as it is shown."""
    # Looked through as a whole first, because hardly any document has such a character.
    written = orjson.dumps(value)
    rest = written.translate(None, _SEEN_ASCII)
    if (not rest or _is_plain(rest.decode())) and not _ESCAPED.search(written):
        return value
    return _shown_members(value)


def _is_plain(text: str) -> bool:
    """Tell quickly whether a text, most of them, has nothing to hide."""
    return text.isprintable() and (text.isascii() or not any(filler in text for filler in _FILLERS))


def _shown_members(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {name: _shown_members(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_shown_members(item) for item in value]
    return value


def says_something(text: str) -> bool:
    """Tell whether a text has a letter or a digit: a dot or a space is no name and no reason."""
    return any(character.isalnum() for character in text)


def csv_cell(text: str) -> str:
    """Return a text for a cell of CSV, which no spreadsheet takes for a formula."""
    plain = shown_line(text)
    return f"'{plain}" if plain.startswith(_FORMULA) else plain
