"""Celery's pool of processes, whose first ones are copies of the worker and share its memory."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from billiard.context import ForkProcess, SpawnContext, SpawnProcess
from celery.concurrency import prefork

from broker import telemetry

_OWN_THREADS = Path("/proc/self/task")
_ENDING_SECONDS = 1.0
"""The system shows a thread for a moment after its end."""


def is_alone() -> bool:
    """Tell whether this process has one thread only, those of C libraries counted.

    False where the system does not tell.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        return False
    until = monotonic() + _ENDING_SECONDS
    while len([*_OWN_THREADS.iterdir()]) > 1:
        if monotonic() > until:
            return False
        sleep(0.001)
    return True


class _Process(SpawnProcess):  # type: ignore[misc]
    """A process of the pool: a copy of the worker where that is safe, else a fresh interpreter.

    A fork copies the locks that other threads hold, for nobody to release them, and two processes
    that use one connection destroy each other's conversation. Both are there from the start of the
    worker's threads on, so a process that replaces another is a fresh interpreter.
    """

    @staticmethod
    def _Popen(process: Any) -> Any:
        telemetry.rest()  # a line about the start must not decide how processes are made
        way = ForkProcess if is_alone() else SpawnProcess
        return way._Popen(process)


class ProcessContext(SpawnContext):  # type: ignore[misc]
    """What a pool makes its processes, queues and locks with."""

    Process = _Process


class TaskPool(prefork.TaskPool):  # type: ignore[misc]
    """Celery's own pool with another way to start a process."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, context=ProcessContext(), **options)
