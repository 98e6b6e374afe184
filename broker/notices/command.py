"""Notices by a command of the site's own, for pagers and on-call tools.

The directory names a command; the environment says which program that is. It gets the notice as
JSON on standard input, and no argument, so that nothing of it is seen in a list of processes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

import orjson

from broker.notices import Message, Never, NotNow, Result, Told

SECONDS = 20.0


class Command:
    """Runs programs by name; success is exit code 0."""

    def __init__(self, programs: Mapping[str, str]) -> None:
        self._programs = programs

    def tell(self, address: str, message: Message) -> Result:
        """Run the program that has this name."""
        program = self._programs.get(address)
        if program is None:
            return Never("no_such_command")
        said = {"id": message.id, "subject": message.subject, "text": message.text}
        try:
            done = subprocess.run(  # noqa: S603 - the operator names the program
                [program],
                input=orjson.dumps({**said, "data": message.data}),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
                env={},
            )
        except subprocess.TimeoutExpired:
            return NotNow("command_took_too_long")
        except OSError:
            return NotNow("command_not_started")
        return Told() if done.returncode == 0 else NotNow(f"exit_{done.returncode}")
