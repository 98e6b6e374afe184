"""By which words a publisher, or a child, may mean a recipient: kind, code, URN or name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

_ARTICLES = frozenset(
    {"the", "a", "an", "any", "all", "her", "his", "their", "our", "my", "child's"}
)
_APOSTROPHES = "'\u2018\u2019\u02bc`"
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_SEPARATORS = re.compile(r"[\W_]+")
_LISTING = re.compile(r"[,;/&+|\n]|\band\b|\bor\b", re.IGNORECASE)
_ALIKE = 0.85
"""So alike are two names of which one is misspelt (Ratcliff and Obershelp)."""
_LEAST_NEAR = 8
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

    def are_listed_in(self, entries: Iterable[object]) -> bool:
        """Tell the same, also where one entry lists several: "school, LADO and health"."""
        return any(
            isinstance(entry, str) and not self.every.isdisjoint(meanings_of(entry))
            for entry in entries
        )

    def may_be_meant_by(self, text: str) -> bool:
        """Tell whether a text may mean this recipient, without saying so exactly.

        It holds a word for it ("mum's school", "the school: Mr Brown"), is nearly its name, or is
        the beginning of its name.
        """
        words = normalised(text)
        is_beginning = " " in words and any(name.startswith(f"{words} ") for name in self.every)
        return is_beginning or is_near(words, self.every)


def is_near(text: str, names: frozenset[str]) -> bool:
    """Tell whether a normalised text holds one of the names, or is one of them misspelt."""
    padded, joined = f" {text} ", text.replace(" ", "")
    beginnings = _beginnings(text)
    for name, as_words, begins in _compared(names):
        if as_words in padded or joined == name:
            return True
        if not beginnings.isdisjoint(begins) and are_alike(text, name):
            return True
    return False


@lru_cache(maxsize=4096)
def _compared(names: frozenset[str]) -> tuple[tuple[str, str, frozenset[str]], ...]:
    """Return names, each with how it stands in a text and how its words begin, once for all texts.

    A short name, or one with a number, is not taken for another: nothing of it begins alike.
    """
    return tuple(
        (name, f" {name} ", _beginnings(name) if _may_be_misspelt(name) else frozenset())
        for name in names
    )


def _may_be_misspelt(name: str) -> bool:
    return len(name) >= _LEAST_NEAR and not any(map(str.isdecimal, name))


def are_alike(text: str, name: str) -> bool:
    """Tell whether two texts are so alike that one may be the other, misspelt."""
    if 2 * min(len(text), len(name)) < _ALIKE * (len(text) + len(name)):
        return False  # so they could not be, if every letter of the shorter one were in place
    matcher = SequenceMatcher(None, text, name, autojunk=False)
    return matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE


@lru_cache(maxsize=4096)
def _beginnings(text: str) -> frozenset[str]:
    """Return how the words of a text begin: of two names that are alike some word begins alike."""
    return frozenset(word[:3] for word in text.split())


@lru_cache(maxsize=1024)
def meanings_of(entry: str) -> tuple[str, ...]:
    """Return every form in which an entry, or each of those that it lists, is compared."""
    return tuple(
        dict.fromkeys(form for part in (entry, *parts_of(entry)) for form in forms_of(part))
    )


def parts_of(entry: str) -> tuple[str, ...]:
    """Return the single entries of one that may list several."""
    return tuple(filter(None, map(str.strip, _LISTING.split(entry[:_LONGEST]))))


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
    if text.isascii() and text.isalpha():
        return text.lower()
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
