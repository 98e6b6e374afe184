"""Read the documents of a policy so that every fault names its file and line."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Self

import yaml

from broker.errors import Fault, PolicyError
from broker.policy.time.calendars import OFFICE_HOURS
from broker.policy.time.deadlines import Unit, Within

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: it takes a tenth of the time."""
_MOST_NODES = 5_000_000
"""Several times what a national directory has with its references written out."""
_NO_DAY = date(1970, 1, 1)
NO_TIME = Within(1, Unit.CALENDAR_MINUTE)
"""Stands for a length of time that could not be read."""


class Pointer(yaml.Mark):
    """Where a value stands in a row, such as ``/contacts/duty/email``, in place of a line."""

    def __init__(self, path: str) -> None:
        super().__init__(path, 0, 0, 0, None, 0)


def node_of(value: object, pointer: str = "") -> yaml.Node:
    """Return what a value of JSON would be if it stood in a YAML document; null is left out."""
    mark = Pointer(pointer)
    if isinstance(value, Mapping):
        pairs = [
            (yaml.ScalarNode("", str(key), mark), node_of(part, f"{pointer}/{key}"))
            for key, part in value.items()
            if part is not None
        ]
        return yaml.MappingNode("", pairs, mark)
    if isinstance(value, list | tuple):
        parts = [node_of(part, f"{pointer}/{number}") for number, part in enumerate(value)]
        return yaml.SequenceNode("", parts, mark)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return yaml.ScalarNode("", text, mark)


def plain_of(node: yaml.Node) -> Any:
    """Return what a node of a document is as JSON: texts as they are written, and true or false."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): plain_of(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain_of(value) for value in node.value]
    is_flag = node.tag.endswith(":bool") and node.value in ("true", "false")
    return node.value == "true" if is_flag else node.value


def content_of(node: yaml.Node) -> Hashable:
    """Return the content of a node as a value that can be compared."""
    if isinstance(node, yaml.MappingNode):
        return tuple((content_of(key), content_of(value)) for key, value in node.value)
    if isinstance(node, yaml.SequenceNode):
        return tuple(content_of(value) for value in node.value)
    return str(node.value)


@dataclass(frozen=True, slots=True)
class Node:
    """One place in a YAML document; what is wrong with it is added to ``faults``.

    Each reading method returns a harmless value when the content is wrong, so that one reading
    finds every fault. The values are never used when there are faults.
    """

    file: str
    node: yaml.Node
    faults: list[Fault]

    @classmethod
    def parse(cls, file: str, text: str, faults: list[Fault]) -> Self | None:
        """Read a document; None when it is no YAML at all, which is then a fault."""
        try:
            node = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            faults.append(Fault(f"{file}:{line}", "not-yaml", f"This is no YAML: {error.problem}."))
            return None
        except yaml.YAMLError:
            faults.append(Fault(f"{file}:1", "not-yaml", "This holds characters YAML forbids."))
            return None
        if node is None or _is_too_big(node):
            faults.append(Fault(f"{file}:1", "not-a-document", "The document is empty or too big."))
            return None
        return cls(file, node, faults)

    @property
    def place(self) -> str:
        """Where this is: ``file:line``, or the name of a row with a pointer into it."""
        if isinstance(self.node.start_mark, Pointer):
            return f"{self.file} {self.node.start_mark.name}".rstrip()
        return f"{self.file}:{self.node.start_mark.line + 1}"

    @property
    def is_mapping(self) -> bool:
        """Whether ``key: value`` lines stand here."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether a list stands here."""
        return isinstance(self.node, yaml.SequenceNode)

    def fault(self, code: str, message: str) -> None:
        """Record that something is wrong here."""
        self.faults.append(Fault(self.place, code, message))

    def entries(self) -> list[tuple[str, Node]]:
        """Return the keys and values of a mapping, refusing a key that is written twice."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fault("wrong-type", "Write a mapping here: 'key: value' lines.")
            return []
        entries: dict[str, Node] = {}
        for key, value in self.node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if not name or name in entries:
                Node(self.file, key, self.faults).fault("duplicate", f"{name!r} is here already.")
            entries[name] = Node(self.file, value, self.faults)
        return list(entries.items())

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Node]:
        """Return the fields of a record: a missing or unknown one is a fault."""
        fields = dict(self.entries())
        for name in fields.keys() - set(required) - set(optional):
            known = ", ".join(sorted({*required, *optional}))
            fields.pop(name).fault("unknown-name", f"There is no {name!r} here; known are {known}.")
        for name in sorted(set(required) - fields.keys()):
            self.fault("missing", f"{name!r} is missing.")
        return fields

    def items(self) -> Iterator[Node]:
        """Go through a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.fault("wrong-type", "Write a list here.")
            return
        for value in self.node.value:
            yield Node(self.file, value, self.faults)

    def text(self) -> str:
        """Return a text that is not empty, as it is written."""
        if isinstance(self.node, yaml.ScalarNode) and self.node.value.strip():
            return str(self.node.value).strip()
        self.fault("wrong-type", "Write a text here.")
        return ""

    def choice(self, known: Collection[str], kind: str) -> str:
        """Return a word of a closed list."""
        word = self.text()
        if word and word not in known:
            self.fault("unknown-name", f"{word!r} is no {kind}; known are {', '.join(known)}.")
        return word

    def flag(self) -> bool:
        """Return true or false."""
        return self.choice(("true", "false"), "yes or no") == "true"

    def day(self) -> date:
        """Return a date written as 2026-12-18."""
        try:
            return date.fromisoformat(self.text())
        except ValueError:
            self.fault("wrong-type", "Write a date here, such as 2026-12-18.")
            return _NO_DAY

    def within(self) -> Within:
        """Return a length of time on one of the clocks, such as ``4 working hours``."""
        try:
            return Within.parse(self.text())
        except PolicyError as error:
            self.fault("wrong-deadline", error.message)
            return NO_TIME

    def number(self, least: int, most: int) -> int:
        """Return a whole number between two bounds."""
        word = self.text()
        if word.isascii() and word.isdecimal() and least <= int(word) <= most:
            return int(word)
        self.fault("wrong-type", f"Write a whole number from {least} to {most} here.")
        return least

    def times(self) -> tuple[time, time]:
        """Return opening and closing time, written as 09:00-17:00.

        A closing time before the opening time is that of the next day, as in 22:00-06:00; midnight
        at the end of a day is written 24:00 and returned as 00:00.
        """
        opens, dash, closes = self.text().partition("-")
        try:
            window = time.fromisoformat(opens), time.fromisoformat(closes.replace("24:00", "00:00"))
        except ValueError:
            dash, window = "", OFFICE_HOURS
        if not dash or (window[0] == window[1] and closes != "24:00"):
            self.fault("wrong-type", "Write opening and closing time here, such as 09:00-17:00.")
        return window

    def days(self) -> tuple[date, date]:
        """Return the first and last day of a stretch, written as 2026-11-02 to 2026-12-23."""
        try:
            first, last = (date.fromisoformat(part) for part in self.text().split(" to "))
        except ValueError:
            first, last = _NO_DAY, date.min
        if first > last:
            self.fault("wrong-type", "Write two dates here, such as 2026-11-02 to 2026-12-23.")
            return _NO_DAY, _NO_DAY
        return first, last


def _is_too_big(root: yaml.Node) -> bool:
    """Tell whether a document is larger, or nested deeper, than any policy."""
    try:
        return _size(root, {}) >= _MOST_NODES
    except RecursionError:
        return True


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Return how many nodes a part has with its references written out.

    ``sizes`` are those of parts that were counted, by identity. A part that refers to itself has
    no end, and counts as too big.
    """
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in sizes:
        sizes[id(node)] = _MOST_NODES
        pairs = node.value if isinstance(node, yaml.MappingNode) else zip(node.value)
        sizes[id(node)] = 1 + sum(_size(part, sizes) for pair in pairs for part in pair)
    return sizes[id(node)]
