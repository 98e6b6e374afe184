"""A parser of as much PromQL as the shipped alerts use, for where promtool is not installed."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?![\w.]))|(?P<span>\[\d+[smhdw]\])|(?P<name>[a-zA-Z_:][\w:]*)"
    r'|(?P<text>"[^"\\]*")|(?P<sign>==|!=|<=|>=|=~|!~|[-+*/^%<>={}(),]))'
)
AGGREGATIONS = {"sum", "min", "max", "avg", "count"}
OF_RANGES = {"delta", "increase", "rate"}
FUNCTIONS = {"time": 0, "absent": 1, "abs": 1, **dict.fromkeys(OF_RANGES, 1)}
BINARY = {"+", "-", "*", "/", "<", ">", "<=", ">=", "==", "!=", "and", "or", "unless"}


class NoQuery(ValueError):
    """The text is no PromQL, or more than this parser knows."""


def metrics_of(text: str) -> set[str]:
    """Return the metrics that a query asks for. Raises NoQuery."""
    parser = _Parser(_tokens(text))
    parser.expression()
    if parser.peek() is not None:
        raise NoQuery(f"unexpected {parser.peek()}")
    return parser.metrics


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NoQuery(f"unexpected {text[at:]!r}")
        assert match.lastgroup is not None
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self.metrics: set[str] = set()

    def peek(self) -> str | None:
        return self._tokens[0][1] if self._tokens else None

    def expression(self) -> None:
        self._operand()
        while self.peek() in BINARY:
            self._take()
            self._operand()

    def _operand(self) -> None:
        kind, token = self._take()
        if token == "(":
            self.expression()
            self._take(")")
        elif kind == "name" and token in AGGREGATIONS:
            self._labels_by()
            self._take("(")
            self.expression()
            self._take(")")
        elif kind == "name" and self.peek() == "(":
            self._call(token)
        elif kind == "name":
            self._selector(token)
        elif kind != "number":
            raise NoQuery(f"unexpected {token}")

    def _labels_by(self) -> None:
        if self.peek() in ("by", "without"):
            self._take()
            self._take("(")
            self._take(kind="name")
            while self.peek() == ",":
                self._take()
                self._take(kind="name")
            self._take(")")

    def _call(self, function: str) -> None:
        if function not in FUNCTIONS:
            raise NoQuery(f"there is no function {function}")
        self._take("(")
        if FUNCTIONS[function]:
            self._take_selector(ranged=function in OF_RANGES)
        self._take(")")

    def _take_selector(self, *, ranged: bool) -> None:
        self._selector(self._take(kind="name")[1])
        if ranged:
            self._take(kind="span")

    def _selector(self, name: str) -> None:
        self.metrics.add(name)
        if self.peek() != "{":
            return
        self._take()
        while self.peek() != "}":
            self._take(kind="name")
            if self._take()[1] not in ("=", "!=", "=~", "!~"):
                raise NoQuery("a label without its value")
            self._take(kind="text")
            if self.peek() == ",":
                self._take()
        self._take("}")

    def _take(self, wanted: str | None = None, *, kind: str | None = None) -> tuple[str, str]:
        if not self._tokens:
            raise NoQuery("it ends too early")
        found = self._tokens.pop(0)
        if (wanted and found[1] != wanted) or (kind and found[0] != kind):
            raise NoQuery(f"{found[1]} where {wanted or kind} belongs")
        return found
