"""By which words a publisher, or a child, may mean a recipient: kind, code, URN or name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_ARTICLES = frozenset(
    {"the", "a", "an", "any", "all", "her", "his", "their", "our", "my", "child's"}
)
_APOSTROPHES = "'\u2018\u2019\u02bc`"
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_SEPARATORS = re.compile(r"[\W_]+")
_LONGEST = 300
"""Characters of an entry that are looked at; no name of a recipient is longer."""


@dataclass(frozen=True, slots=True)
class RecipientWords:
    """The words for one recipient, as ``normalised`` returns them."""

    every: frozenset[str]

    def are_named_in(self, entries: Iterable[object]) -> bool:
        """Tell whether any of these entries means this recipient."""
        return any(
            isinstance(entry, str) and not self.every.isdisjoint(forms_of(entry))
            for entry in entries
        )


@lru_cache(maxsize=4096)
def normalised(text: str) -> str:
    """Return a text without case, accents, punctuation and an article at its beginning."""
    words = folded(text[:_LONGEST]).split()
    while len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    return " ".join(words)


def forms_of(entry: str) -> tuple[str, ...]:
    """Return an entry as it is compared: whole, and without "school" or "college" at its end."""
    words = normalised(entry)
    return tuple(filter(None, (words, without_kind(words))))


def without_kind(words: str) -> str:
    """Return a name without the word at its end that some write and others leave out."""
    return words.removesuffix(" school").removesuffix(" college")


def folded(text: str) -> str:
    """Return a text in small letters without accents, its words parted by single spaces."""
    return _SEPARATORS.sub(" ", without_marks(text)).strip()


def without_marks(text: str) -> str:
    """Return a text in small letters without accents and apostrophes."""
    if not text.isascii():
        text = _BEYOND_ASCII.sub(lambda found_at: _plain(found_at[0]), text)
    return text.replace("'", "").replace("`", "").casefold()


@lru_cache(maxsize=4096)
def names_of(name: str) -> frozenset[str]:
    """Return the forms in which an organisation's name is written: whole, and without its place."""
    bare = name.partition("(")[0]
    names = [normalised(part) for part in (name, bare, bare.partition(",")[0])]
    return frozenset(filter(None, (*names, *map(without_kind, names))))


@lru_cache(maxsize=4096)
def _plain(letter: str) -> str:
    """Return a character without its accents; nothing for an apostrophe or what is not seen."""
    parts = unicodedata.normalize("NFKD", letter)
    return "".join(
        part
        for part in parts
        if not unicodedata.combining(part)
        and part not in _APOSTROPHES
        and unicodedata.category(part) != "Cf"
    )
