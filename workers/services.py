"""What every worker does beside its tasks: sweep, watch, notify, listen, take in receipts.

Threads of the parent process, started before the first message is asked for, so that they run
also while the wake-up Valkey is away.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from celery import bootsteps

from broker.bootstrap import open_broker, read_settings
from broker.errors import Unavailable
from broker.flow import deadlines, notify
from broker.flow.activity_counter import EVERY as NOTE_ACTIVITY
from broker.flow.context import Context
from broker.flow.silence_monitor import EVERY as LISTEN_EVERY
from broker.flow.silence_monitor import SilenceMonitor
from broker.flow.sweep import EVERY, Sweeper
from broker.intake.receipts_queue import receive_receipts
from broker.telemetry import error_fields, logger
from broker.transport.queues import AgencyQueues

PAUSE_SECONDS = 1.0
STANDING_STILL = timedelta(seconds=2)
"""What a worker that was stopped has claimed is free again after this, for another one's watch."""
MESSAGES = 20
"""Messages of receipts read at a time; each is a transaction of its own."""
_log = logger("services")


class Services(bootsteps.StartStopStep):  # type: ignore[misc]
    """Starts the threads with the worker and ends them with it."""

    requires: ClassVar = {"celery.worker.components:Pool"}

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stopping = threading.Event()
        self._open = ExitStack()
        self._threads: list[threading.Thread] = []

    def start(self, _: Any) -> None:
        """Start the threads, each with a broker of its own."""
        self._threads = [
            threading.Thread(
                target=self._serve, args=(service,), name=service.__name__, daemon=True
            )
            for service in (sweeping, watching, notifying, listening, receiving)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, _: Any) -> None:
        """Let the threads finish what they are at, ten seconds at most."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(10)

    terminate = stop

    def _serve(self, service: Callable[[Context, threading.Event], None]) -> None:
        """Run a service until the worker stops; whatever it stumbles over, it begins again."""
        settings = read_settings()
        while not self._stopping.is_set():
            try:
                with open_broker(
                    settings,
                    part=service.__name__,
                    connections=2,
                    idle_in_transaction=STANDING_STILL,
                ) as context:
                    service(context, self._stopping)
            except Exception as error:
                _log.warning("service begins again", **error_fields(error))
                self._stopping.wait(PAUSE_SECONDS)


def sweeping(context: Context, stopping: threading.Event) -> None:
    """Look for what fell once a second."""
    sweeper = Sweeper(context, holder=f"{socket.gethostname()}:{os.getpid()}")
    while not stopping.wait(EVERY.total_seconds()):
        sweeper.sweep()


def watching(context: Context, stopping: threading.Event) -> None:
    """Look for alarms that are due twice a second."""
    while not stopping.wait(deadlines.EVERY.total_seconds()):
        deadlines.watch(context)


def notifying(context: Context, stopping: threading.Event) -> None:
    """Send notices; at once again when there may be more."""
    pause = notify.EVERY.total_seconds()
    while not stopping.wait(pause):
        full = notify.notify(context) == notify.BATCH
        pause = 0.0 if full else notify.EVERY.total_seconds()


def listening(context: Context, stopping: threading.Event) -> None:
    """Look for who is silent twice a minute."""
    listener = SilenceMonitor(context, holder=f"{socket.gethostname()}:{os.getpid()}")
    while not stopping.wait(LISTEN_EVERY.total_seconds()):
        listener.check()


def receiving(context: Context, stopping: threading.Event) -> None:
    """Take in receipts from the queue as they come."""
    queues, due = AgencyQueues(context.settings.exchange_url), context.clock()
    try:
        while not stopping.is_set():
            _receive(queues, context)
            if context.clock() >= due:
                context.activity.flush()
                due = context.clock() + NOTE_ACTIVITY
    finally:
        queues.close()


def _receive(queues: AgencyQueues, context: Context) -> None:
    handle = partial(receive_receipts, context)
    # Garbage in the queue looks like a broken connection and is gone by the next read.
    with suppress(Unavailable):
        queues.receive(handle, limit=MESSAGES, wait=1.0)
        return
    queues.receive(handle, limit=MESSAGES, wait=1.0)
