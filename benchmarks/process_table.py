"""Which processes there are, who started them, and what they have used: Linux's /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Stat:
    """A line of /proc/PID/stat; seconds."""

    program: str
    parent: int
    own: float
    of_children: float


def read() -> dict[int, Stat]:
    """Return every process by its number."""
    return {number: stat for number in _numbers() if (stat := _stat(number)) is not None}


def family(number: int, table: Mapping[int, Stat]) -> set[int]:
    """Return a process and all below it."""
    family, waiting = set[int](), [number]
    while waiting:
        member = waiting.pop()
        family.add(member)
        waiting += [child for child, stat in table.items() if stat.parent == member]
    return family


def resident_megabytes(words: str) -> list[float]:
    """Return the resident memory of each process that this one has started, and of what they have.

    ``words`` stand in the command line of the processes that are meant, or of one above them.
    """
    table = read()
    below = family(os.getpid(), table) - {os.getpid()}
    meant = {number for number in below if words in _command(number)}
    return [_resident(number) for number in {m for n in meant for m in family(n, table)}]


def _command(number: int) -> str:
    try:
        line = Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return ""
    return line.replace(b"\0", b" ").decode(errors="replace")


def _resident(number: int) -> float:
    try:
        pages = int(Path(f"/proc/{number}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * _PAGE_BYTES / 1e6


def _numbers() -> Iterator[int]:
    return (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdecimal())


def _stat(number: int) -> Stat | None:
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name may hold blanks and brackets (proc_pid_stat(5)).
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    user, system, children_user, children_system = (int(ticks) / _TICKS for ticks in fields[11:15])
    return Stat(
        head.partition("(")[2], int(fields[1]), user + system, children_user + children_system
    )
