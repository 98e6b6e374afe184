"""Ends the processes of a parent that has died, also after ``kill -9``.

It runs as a process of its own, this file as a script, and needs the standard library alone.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

STOP_SECONDS = 10.0
"""How long a process may take to end in order."""
KILL_SECONDS = 5.0
"""How long the reaper waits before it kills; less than its owner waits for the reaper."""
CLOSE_SECONDS = 120.0
"""How long its owner waits for it: it also deletes a folder, of gigabytes on a busy disk maybe."""
POLL_SECONDS = 0.02


class Reaper:
    """A process that ends the processes it watches when the pipe from this process closes.

    Each watched process leads a session of its own, so that its own children end with it.
    """

    def __init__(self, temporary: Path | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this module itself
            [sys.executable, __file__, *([temporary] if temporary else [])],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def add(self, pid: int, *, how: signal.Signals = signal.SIGKILL) -> None:
        """Watch a process, to be ended with this signal."""
        self._send(f"{pid} {how:d}\n")

    def remove(self, pid: int) -> None:
        """Forget a process that has ended."""
        self._send(f"{pid} 0\n")

    def close(self) -> None:
        """End the reaper, and with it every process that it still watches."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(CLOSE_SECONDS)

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()


def _reap(orders: IO[str], temporary: Sequence[str]) -> None:
    """Follow the orders until the pipe closes, then end every process and delete the folder."""
    watched: dict[int, int] = {}
    for order in orders:
        pid, how = map(int, order.split())
        watched[pid] = how
        if not how:
            del watched[pid]
    for pid, how in watched.items():
        signal_session(pid, how)
    until = time.monotonic() + KILL_SECONDS
    while any(map(_is_alive, watched)) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    for pid in watched:
        signal_session(pid, signal.SIGKILL)
    for folder in temporary:
        shutil.rmtree(folder, ignore_errors=True)


def signal_session(pid: int, how: int) -> None:
    """Signal every process of the session that ``pid`` leads, if there is one."""
    with suppress(ProcessLookupError):
        os.killpg(pid, how)


def _is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:
        return True  # a system without /proc
    return state != "Z"


if __name__ == "__main__":
    _reap(sys.stdin, sys.argv[1:])
