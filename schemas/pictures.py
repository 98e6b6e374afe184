"""What looks like a picture, other binary content, or a link to either.

Pictures are never carried (Protection of Children Act 1978). A filter of texts cannot prove that
none is there: it finds what tools produce, in the usual encodings and in pieces, and not what
somebody hides on purpose. docs/api-publishers.md says what it finds and what it cannot find.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from urllib.parse import unquote

from schemas.errors import Fault

LINK_REMOVED = "[link removed]"
"""Stands where a link to a picture stood."""

_RUN = r"[A-Za-z0-9+/_-]"
_LONG_RUN = re.compile(rf"{_RUN}{{256,}}+")
_IN_THE_ALPHABET = re.compile(rf"{_RUN}+={{0,2}}\Z")
_HEX = re.compile(r"[0-9A-Fa-f]+\Z")
# Possessive, bounded or anchored, each of them: a hostile text costs its length and no more.
_DATA_URI = re.compile(r"data:[a-z0-9/+.=-]{0,100}+[;,]", re.IGNORECASE)
_MAGIC = re.compile(r"(?:/9j/|iVBORw0KGgo|R0lGOD|UklGR|AAAA[A-Za-z0-9+/]{2}Z0eX)[A-Za-z0-9+/]{40}")
_HEX_MAGIC = re.compile(r"(?:ffd8ff|89504e47|47494638|52494646|[0-9a-f]{8}66747970)", re.IGNORECASE)
_SHORTEST_PICTURE = 44
_LEAST = 256
"""So many characters of an encoding are more than any hash in base64 has."""
_DIGITS = "0123456789"
_FEWEST_DIGITS = 10
"""So many characters of an encoding hold at least three times as many; a narrative seldom does."""
_LONGEST = 255
_SUSPICIOUS = re.compile(rb"\xff|[\x08-\xff]{4}|[\x02-\x07]{24}")
"""Of the lengths of words: a very long one, some long ones in a row, or many short ones."""
_BREAKS = re.compile(r"[\s,:;]+")
_DIGEST_LENGTHS = frozenset({32, 40, 56, 64, 96, 128, 288})
"""Of MD5, SHA-1, SHA-2, PDQ and PhotoDNA in hex."""
_LONG_LINE = 60
_LINES = 4
_SHORTEST_PIECE = 8
_FEWEST_DISTINCT = 3
"""A line that is drawn has fewer different characters."""
_PLAIN_DISTINCT = 24
"""Ten numbers or names of one length have fewer different characters; base32 has 32."""
_DENSE_DISTINCT = 60
"""Base85 shows so many different characters in a line, a text or an address does not."""

_HOST = re.compile(r"[a-z0-9]\.[a-z0-9-]{2,63}(?::\d{1,5})?/", re.IGNORECASE)
_FORMATS = "jpe?g|png|gif|webp|hei[cf]|bmp|tiff?|avif|svg|mp4|m4v|mov|webm|avi|mkv|3gp"
_FORMAT = re.compile(
    rf"(?:\.(?:{_FORMATS})|[?&;](?:format|fmt|fm|ext|type)=(?:(?:image|video)/)?(?:{_FORMATS}))"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)
_MAY_END = rb"(?:(?:image|video)\\?/)?(?:" + _FORMATS.encode() + rb")"
# Each begins with a certain character, because such a search is many times faster.
_MAY_LINK = tuple(
    (sign, re.compile(re.escape(sign) + rest, re.IGNORECASE).search)
    for sign, rest in (
        *((sign, _MAY_END) for sign in (b".", b"=", b"]", b")")),
        # A character of a link by its number, or another form of one of its letters.
        (b"%", rb"[0-9a-f]{2}"),
        (b"\\u", rb"(?:00[0-7]|013|017|212)"),
    )
)
_SCHEMA = b'"referral/1"'
"""What every referral has: no host ends at its slash."""
_WORD = re.compile(r"\S*/\S*")
_DEFANGED = re.compile(r"\[\.\]|\(\.\)|\[dot\]", re.IGNORECASE)


def prohibition(pointer: str, text: str) -> Fault | None:
    """Return a fault when a text may not be carried at all; a link alone is no such fault."""
    if "data:" in text.lower() and _DATA_URI.search(text):
        message = "A data: URI carries content; describe it in words and give its hash."
        return Fault(pointer, "data-uri", message)
    if len(text) >= _SHORTEST_PICTURE and is_encoded(text):
        message = "This looks like encoded binary content; describe it in words, give its hash."
        return Fault(pointer, "binary-content", message)
    return None


def link(pointer: str, text: str) -> Fault | None:
    """Return a fault when a text holds a link to a picture or film."""
    if "/" in text and any(_is_link(word) for word in text.split() if "/" in word):
        message = "A link to a picture or film may not be sent on; give the report id instead."
        return Fault(pointer, "hosted-image", message)
    return None


def may_hold_link(body: bytes) -> bool:
    """Tell at little cost whether a body may hold a link to a picture; False is certain."""
    return _may_hold_slash(body) and any(
        sign in body and search(body) is not None for sign, search in _MAY_LINK
    )


def _may_hold_slash(body: bytes) -> bool:
    """Tell whether there may be a slash in a body's texts, without which there is no link."""
    if b"%" in body or (b"\\" in body and b"\\u00" in body):
        return True  # one may be written by its number
    at = body.find(b"/")
    if at < 0:
        return False
    is_schema = body.startswith(_SCHEMA, max(at - _SCHEMA.index(b"/"), 0))
    return not is_schema or body.find(b"/", at + 1) >= 0


def without_links(text: str) -> str:
    """Return a text in which each link to a picture or film is struck out."""
    if "/" not in text:
        return text
    return _WORD.sub(lambda word: LINK_REMOVED if _is_link(word[0]) else word[0], text)


def is_encoded(text: str) -> bool:
    """Tell whether a text holds binary content in hex, base32, base64 or base85, also in pieces."""
    if _MAGIC.search(text):
        return True
    words = text.split()
    if any(map(_is_long_run, words)):
        return True
    if sum(map(text.count, _DIGITS)) < _FEWEST_DIGITS:
        return False
    if not _SUSPICIOUS.search(bytes([min(len(word), _LONGEST) for word in words])):
        return False
    pieces = [piece for piece in _BREAKS.split(text) if piece]
    return _has_lines(pieces) or _has_pieces(pieces) or _has_pieces(words)


def _is_link(word: str) -> bool:
    plain = _DEFANGED.sub(".", unquote(unquote(word)))
    host = _HOST.search(plain)
    return host is not None and _FORMAT.search(plain, host.end()) is not None


def _is_long_run(word: str) -> bool:
    if len(word) < _LEAST or _is_digest(word):
        return False
    if run := _LONG_RUN.search(word):
        return len(set(run[0])) >= _FEWEST_DISTINCT and not _is_digest(word.strip("\"'().,;:"))
    return "://" not in word and word.isascii() and len(set(word)) >= _DENSE_DISTINCT


def _is_digest(word: str) -> bool:
    """Tell whether a word is a hash of a file in hex, or in base64 with its padding."""
    if _HEX.match(word):
        return len(word) in _DIGEST_LENGTHS and not _HEX_MAGIC.match(word)
    return len(word) < _LEAST and word.endswith("=")


def _has_lines(pieces: list[str]) -> bool:
    """Tell whether lines of an encoding follow each other, of whatever length each."""
    for is_line, group in groupby(pieces, key=_is_line):
        if is_line and sum(1 for _ in group) >= _LINES:
            return True
    return False


def _is_line(piece: str) -> bool:
    return (
        len(piece) >= _LONG_LINE
        and _IN_THE_ALPHABET.match(piece) is not None
        and not _is_digest(piece)
    )


def _has_pieces(pieces: list[str]) -> bool:
    """Tell whether pieces of one length follow each other that are one encoding together."""
    return any(_is_stream(stream) for stream in _streams(pieces))


def _streams(pieces: list[str]) -> Iterator[list[str]]:
    for _, group in groupby(pieces, key=len):
        stream = list(group)
        if len(stream) * len(stream[0]) >= _LEAST * 3 // 4 and len(stream) >= _LINES:
            yield stream


def _is_stream(stream: list[str]) -> bool:
    joined, length = "".join(stream), len(stream[0])
    if _HEX.match(joined):
        if joined.isdecimal() or (length in _DIGEST_LENGTHS and not _HEX_MAGIC.match(joined)):
            return False
        return length % 2 == 0
    if length < _SHORTEST_PIECE or any(piece.endswith("=") for piece in stream[:-1]):
        return False
    # Numbers that somebody gave in a row begin alike; pieces of an encoding do not.
    if len({piece[0] for piece in stream}) == 1 or not joined.isascii():
        return False
    least = _PLAIN_DISTINCT if _IN_THE_ALPHABET.match(joined) else _DENSE_DISTINCT
    return len(set(joined)) >= least
