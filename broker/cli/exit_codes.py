"""What a command's exit code means."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
INVALID = 3
NOT_FOUND = 4
UNAVAILABLE = 5
CONFLICT = 6
DENIED = 7
DIFFERENT = 8
"""Two policies differ, and the caller gave --exit-code."""
INTERRUPTED = 130


class Failure(Exception):
    """A command cannot go on: what is wrong, what to do next, and the exit code for it."""

    def __init__(self, message: str, *, next_step: str = "", code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.code = code
