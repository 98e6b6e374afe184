"""Notices by a command of the site's own, for pagers and on-call tools.

The directory names a command; the environment says which program that is. It gets the notice as
JSON on standard input, and no argument, so that nothing of it is seen in a list of processes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

import orjson

from broker.notices.base import Deferred, Message, NoticeOutcome, Refused, Sent

SECONDS = 20.0
"""The longest that a program may run; then it is ended."""


class Command:
    """Runs programs by name; success is exit code 0."""

    def __init__(self, programs: Mapping[str, str]) -> None:
        self._programs = programs

    def send(self, address: str, message: Message) -> NoticeOutcome:
        """Run the program that has this name."""
        program = self._programs.get(address)
        if program is None:
            return Refused("no_such_command")
        notice = {"id": message.id, "subject": message.subject, "text": message.text}
        try:
            done = subprocess.run(  # noqa: S603 - the operator names the program
                [program],
                input=orjson.dumps({**notice, "data": message.data}),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
                env={},
            )
        except subprocess.TimeoutExpired:
            return Deferred("command_took_too_long")
        except OSError:
            return Deferred("command_not_started")
        return Sent() if done.returncode == 0 else Deferred(f"exit_{done.returncode}")
