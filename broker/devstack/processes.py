"""Child processes that are watched while they run and ended in order, none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from broker.cli.exit_codes import Failure
from broker.devstack.reaper import Reaper
from broker.shipped import ROOT

STOP_SECONDS = 15.0
"""How long a child may take to end in order before it is killed."""
TAIL_LINES = 5


@dataclass(frozen=True, slots=True)
class Child:
    """One running process; ``log`` holds what it printed."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Children:
    """Starts processes in sessions of their own, so that Ctrl-C reaches this process alone.

    The reaper ends them when this process is killed.
    """

    def __init__(self, folder: Path, reaper: Reaper) -> None:
        self._folder = folder
        self._reaper = reaper
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        fds: Sequence[int] = (),
    ) -> None:
        """Start a process with this environment on top of ours, the broker's settings left out.

        The user's settings for another broker must not reach this process.
        """
        log = self._folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env={**_inherited(), **environment},
                pass_fds=fds,
                start_new_session=True,
            )
        self._reaper.add(process.pid)
        self._children.append(Child(name, process, log))

    def check(self) -> None:
        """Raise ``Failure`` with the end of its log when a process has ended by itself."""
        for child in self._children:
            if child.process.poll() is not None:
                tail = child.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
                raise Failure(
                    f"{child.name} ended by itself with status {child.process.returncode}.\n"
                    + "\n".join(f"       {line}" for line in tail),
                    next_step="the lines above are the end of its log",
                )

    def stop(self, names: Iterable[str] | None = None) -> None:
        """End these children, or all of them, last started first; kill those that do not end."""
        wanted = None if names is None else set(names)
        ending = [c for c in self._children if wanted is None or c.name in wanted]
        self._children = [child for child in self._children if child not in ending]
        for child in reversed(ending):
            child.process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for child in reversed(ending):
            _wait_or_kill(child.process, until)
            self._reaper.remove(child.process.pid)


def _inherited() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}


def _wait_or_kill(process: subprocess.Popen[bytes], until: float) -> None:
    """Wait for a process; at the time limit kill it and its own children."""
    try:
        process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
