"""The decision records: how each one is read, and the index of them all.

``python -m docs.generators.decisions`` writes the index, ``docs/decisions/README.md``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "decisions"
INDEX = FOLDER / "README.md"
HEADINGS = ("Context", "Decision", "Consequences")
_HEAD = re.compile(
    r"\A# (?P<number>\d{4}) (?P<title>[^\n]+)\n\n"
    r"- Status: (?P<status>accepted|proposed|superseded)\n"
    r"- Date: (?P<date>\d{4}-\d\d-\d\d)\n"
    r"- Supersedes: (?P<supersedes>[^\n]+)\n"
    r"- Superseded by: (?P<superseded_by>[^\n]+)\n\n"
)
_NUMBER = re.compile(r"\b\d{4}\b")
_INTRODUCTION = """\
# Decisions

Each record says why the broker is built as it is. A record is not rewritten when the decision
changes: a new record supersedes it, and both name each other. A new record takes the next free
number above all others and has the same head: title, status, date, supersedes, superseded by; then
Context, Decision, Consequences. `python -m docs.generators.decisions` writes this index.

| number | decision | date | status | supersedes |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """One record. The numbers it supersedes, and those that supersede it, are in order."""

    file: str
    number: str
    title: str
    status: str
    date: str
    supersedes: tuple[str, ...]
    superseded_by: tuple[str, ...]
    headings: tuple[str, ...]


def read(path: Path) -> Decision:
    """Return the record in a file. Raises ValueError when its head has another format."""
    text = path.read_text(encoding="utf-8")
    head = _HEAD.match(text)
    if head is None:
        raise ValueError(f"{path.name}: the head is not title, status, date, supersedes, …")
    return Decision(
        file=path.name,
        number=head["number"],
        title=head["title"],
        status=head["status"],
        date=head["date"],
        supersedes=tuple(_NUMBER.findall(head["supersedes"])),
        superseded_by=tuple(_NUMBER.findall(head["superseded_by"])),
        headings=tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)),
    )


def every(folder: Path = FOLDER) -> list[Decision]:
    """Return all records, ordered by file name."""
    return [read(path) for path in sorted(folder.glob("[0-9]*.md"))]


def index(decisions: Sequence[Decision]) -> str:
    """Return the index of the records as Markdown."""
    return _INTRODUCTION + "".join(map(_row, decisions))


def _row(decision: Decision) -> str:
    link = f"[{decision.title}]({decision.file})"
    replaced = ", ".join(decision.superseded_by)
    status = f"{decision.status}, superseded by {replaced}" if replaced else decision.status
    cells = (decision.number, link, decision.date, status, ", ".join(decision.supersedes))
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    INDEX.write_text(index(every()), encoding="utf-8")
