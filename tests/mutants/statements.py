"""Small changes to a statement: a condition left out, a boundary moved, no lock, no limit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tests.mutants.mutant import Mutant, numbered

_TOKEN = re.compile(
    r"--[^\n]*|'(?:[^']|'')*'|%\(\w+\)[a-z]|\w[\w.]*|->>|->|<=|>=|<>|::|\|\||[^\s]", re.ASCII
)
_OPENERS = {"(": ")", "[": "]", "case": "end"}
_CONDITIONS = {"where", "having", "on", "when"}
_ENDS = {
    *("then", "else", "order", "group", "limit", "offset", "for", "returning", "union", "except"),
    *("intersect", "window", "set", "values", "do", "from", "join", "left", "right", "inner"),
    *("cross", "full", "with", ",", ";"),
}
"""What ends a condition at its own depth."""
LONGEST = 90
"""So much of a piece of a statement stands in the name of its mutant."""
_BOUNDARIES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


@dataclass(frozen=True, slots=True)
class _Token:
    word: str
    start: int
    end: int


@dataclass(slots=True)
class _Region:
    """A condition: its terms, each from one token to another, and the words between them."""

    opener: str
    start: int
    terms: list[tuple[int, int]] = field(default_factory=list)
    joiners: list[str] = field(default_factory=list)
    is_between: bool = False


@dataclass(frozen=True, slots=True)
class _Change:
    start: int
    end: int
    new: str
    words: str


def mutants(statement: str, text: str) -> list[Mutant]:
    """Return every small change to a statement; two that read alike are numbered."""
    tokens = [
        _Token(found[0].lower(), found.start(), found.end())
        for found in _TOKEN.finditer(text)
        if not found[0].startswith("--")
    ]
    changes = sorted(
        {
            *_conditions(tokens, text),
            *_boundaries(tokens, text),
            *_assignments(tokens, text),
            *_clauses(tokens, text),
        },
        key=lambda change: (change.start, change.end, change.words),
    )
    made = (
        Mutant(statement, change.words, text[: change.start] + change.new + text[change.end :])
        for change in changes
    )
    return list(numbered(made))


def _said(text: str, start: int, end: int) -> str:
    """Return a piece of a statement on one line, without comments; the start of a long one."""
    piece = " ".join(re.sub(r"--[^\n]*", "", text[start:end]).split())
    return piece if len(piece) <= LONGEST else piece[: LONGEST - 1] + "…"


def _conditions(tokens: list[_Token], text: str) -> Iterator[_Change]:
    """Leave out each term: ``true`` among others that must hold, ``false`` among alternatives."""
    for region in _regions(tokens):
        for place, (first, last) in enumerate(region.terms):
            beside = region.joiners[max(place - 1, 0) : place + 1]
            if not beside and region.opener not in {"where", "when"}:
                continue
            if first == last and tokens[first].word.startswith("'"):
                continue
            new = (
                "true" if "and" in beside or (region.opener == "where" and not beside) else "false"
            )
            start, end = tokens[first].start, tokens[last].end
            yield _Change(start, end, new, f"{new} for {_said(text, start, end)}")


def _regions(tokens: list[_Token]) -> list[_Region]:
    """Find the conditions of a statement, those in parentheses included."""
    reader = _Reader(tokens)
    for place in range(len(tokens)):
        reader.read(place)
    reader.close(len(tokens))
    return reader.regions


class _Reader:
    """Reads the tokens of a statement once; each parenthesis may hold a condition of its own."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.words = [token.word for token in tokens]
        self.regions: list[_Region] = []
        self._stack: list[tuple[str, _Region | None]] = [("", None)]

    def read(self, place: int) -> None:
        word = self.words[place]
        if word in _OPENERS:
            self._stack.append((_OPENERS[word], self._within(place)))
        elif word == self._stack[-1][0]:
            self.close(place)
            self._stack.pop()
        elif word in _CONDITIONS and self._next(place) != "conflict":
            self.close(place)
            self._set(_Region(word, place + 1))
        elif word in {*_ENDS, "on"} and self.words[place - 1 : place + 1] != ["distinct", "from"]:
            self.close(place)
        elif word in {"and", "or"}:
            self._join(place, word)
        elif word == "between" and (region := self._stack[-1][1]):
            region.is_between = True

    def close(self, place: int) -> None:
        """End the condition that is read, before this token."""
        region = self._stack[-1][1]
        if region and region.start < place:
            region.terms.append((region.start, place - 1))
            self.regions.append(region)
        self._set(None)

    def _set(self, region: _Region | None) -> None:
        self._stack[-1] = (self._stack[-1][0], region)

    def _next(self, place: int) -> str:
        return self.words[place + 1] if place + 1 < len(self.words) else ""

    def _within(self, place: int) -> _Region | None:
        """Return the condition that an opening parenthesis begins, where a term begins with it."""
        outer = self._stack[-1][1]
        is_term = outer and self.words[place] == "(" and self._next(place) != "select"
        begins = outer and place - outer.start <= (self.words[outer.start] == "not")
        return _Region("(", place + 1) if is_term and begins else None

    def _join(self, place: int, word: str) -> None:
        region = self._stack[-1][1]
        if region is None:
            return
        if region.is_between:
            region.is_between = False
            return
        region.terms.append((region.start, place - 1))
        region.joiners.append(word)
        region.start = place + 1


def _boundaries(tokens: list[_Token], text: str) -> Iterator[_Change]:
    """Move the boundary of each comparison: what happens at the very instant, or number."""
    for place, token in enumerate(tokens[:-1]):
        if new := _BOUNDARIES.get(token.word):
            start = tokens[max(place - 2, 0)].start
            words = f"{new} in {_said(text, start, tokens[min(place + 2, len(tokens) - 1)].end)}"
            yield _Change(token.start, token.end, new, words)


def _assignments(tokens: list[_Token], text: str) -> Iterator[_Change]:
    """Leave out each assignment of an update that has others."""
    for place, token in enumerate(tokens):
        if token.word != "set":
            continue
        commas = list(_list_from(tokens, place + 1))
        if len(commas) < 3:
            continue
        for before, after in pairwise(commas):
            first, last = tokens[before + 1], tokens[after - 1]
            is_last = after == commas[-1]
            start = tokens[before].start if is_last else first.start
            end = last.end if is_last else tokens[after].end
            yield _Change(start, end, "", f"no {_said(text, first.start, last.end)}")


def _list_from(tokens: list[_Token], first: int) -> Iterator[int]:
    """Yield the places before, between and after the parts of a list."""
    yield first - 1
    depth = 0
    for place in range(first, len(tokens)):
        word = tokens[place].word
        if depth == 0 and (word in {"where", "from", "returning", ")"}):
            yield place
            return
        if depth == 0 and word == ",":
            yield place
        depth += (word in _OPENERS) - (word in _OPENERS.values())
    yield len(tokens)


def _clauses(tokens: list[_Token], text: str) -> Iterator[_Change]:
    """Drop each lock, each limit and each order."""
    words = [token.word for token in tokens]
    for place, word in enumerate(words):
        following = words[place + 1 : place + 3]
        if word == "skip" and following[:1] == ["locked"]:
            yield _Change(tokens[place].start, tokens[place + 1].end, "", "no skip locked")
        elif word == "for" and following and following[0] in {"no", "update", "share", "key"}:
            last = _clause_end(words, place)
            yield _Change(tokens[place].start, tokens[last].end, "", "no lock")
        elif word in {"limit", "order"}:
            last = _clause_end(words, place)
            start, end = tokens[place].start, tokens[last].end
            yield _Change(start, end, "", f"no {_said(text, start, end)}")


def _clause_end(words: list[str], first: int) -> int:
    """Return the place of the last word of a clause."""
    depth = 0
    for place in range(first + 1, len(words)):
        word = words[place]
        if depth == 0 and word in {"limit", "for", "union", "returning", ")", ";", "offset"}:
            return place - 1
        depth += (word in _OPENERS) - (word in _OPENERS.values())
    return len(words) - 1
