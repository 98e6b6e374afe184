"""Which statements and functions each test runs, and how long it takes; kept from run to run."""

from __future__ import annotations

import collections
import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Traced:
    """What one test took, which statements and functions it ran, and whose changes it noticed."""

    seconds: float
    ran: list[str]
    noticed: dict[str, int] = field(default_factory=dict)
    """How many changes, by statement or function."""


class Traces:
    """The traces of all tests; those of a file that was changed since are forgotten."""

    def __init__(self, path: Path, root: Path) -> None:
        self._path = path
        self._root = root
        self.by_test: dict[str, Traced] = self._read()

    def _read(self) -> dict[str, Traced]:
        try:
            files = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return {
            id_: Traced(**traced)
            for name, listed in files.items()
            if listed["digest"] == self._digest(name)
            for id_, traced in listed["tests"].items()
        }

    def write(self) -> None:
        """Keep the traces for the next run, beside those that another run has kept meanwhile."""
        self.by_test = {**self._read(), **self.by_test}
        files: dict[str, dict[str, object]] = collections.defaultdict(dict)
        for id_, traced in sorted(self.by_test.items()):
            files[id_.split("::")[0]][id_] = asdict(traced)
        listed = {
            name: {"digest": self._digest(name), "tests": tests} for name, tests in files.items()
        }
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text(json.dumps(listed), encoding="utf-8")

    def _digest(self, name: str) -> str:
        path = self._root / name
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
