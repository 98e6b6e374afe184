"""What every worker does beside its tasks: steps 6 to 8, silence alarms and polled intakes.

Each is a thread of the parent process, started before the first message is fetched, so that it
runs also while the wake-up Valkey is unavailable. A gateway runs the same threads where its
settings say so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, ClassVar

from celery import bootsteps
from celery.worker import state

from broker import telemetry, time_limits
from broker.bootstrap import Pool, ledger_time, open_broker, read_settings
from broker.errors import LedgerRefused
from broker.flow import deadlines, inbox_notices, notify
from broker.flow.context import Context
from broker.flow.lane_beats import LaneBeat
from broker.flow.policy_cache import PolicyCache
from broker.flow.silence_monitor import EVERY as CHECK_SILENCE_EVERY
from broker.flow.silence_monitor import SilenceMonitor
from broker.flow.sweep import EVERY as SWEEP_EVERY
from broker.flow.sweep import Sweeper
from broker.heartbeats import EXIT_CODE, Heartbeats, Watchdog, beat, process_name
from broker.intake.base import PolledIntake
from broker.intake.registry import INTAKES
from broker.ledger.ledger import Ledger
from broker.ledger_clock import LedgerClock
from broker.settings import Settings
from broker.telemetry import error_fields, logger
from workers import preparation

PAUSE_SECONDS = 1.0
CHECK_VERSION_EVERY = timedelta(seconds=5)
MISFIT = 78
"""The exit code of a worker whose version no longer fits the ledger: EX_CONFIG of sysexits.h."""
FROZEN = timedelta(seconds=2)
"""After this time the claims of a frozen worker are free for another one."""
_log = logger("services")
Service = Callable[[Context, threading.Event], None]
"""Works with a broker of its own until the event is set."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the threads have in common."""

    settings: Settings
    clock: LedgerClock
    policies: PolicyCache
    """One for all: each of its own would hold a national directory again."""


class ServiceThreads:
    """The threads of one process, each with a context of its own."""

    def __init__(self, policies: PolicyCache | None = None) -> None:
        self._policies = policies
        self._stopping = threading.Event()
        self._heartbeats = Heartbeats()
        self._watchdog = Watchdog(self._heartbeats)
        self._threads: list[threading.Thread] = []
        self._open = ExitStack()

    def start(self) -> None:
        """Start the threads, each with a context of its own; they share clock and policies."""
        settings = read_settings()
        ledger = self._open.enter_context(
            Ledger.open(settings.database_url, application_name="broker clock", max_size=2)
        )
        clock = self._open.enter_context(ledger_time(settings, ledger, reports_as="worker"))
        shared = _Shared(settings, clock, self._policies or preparation.policies_of(ledger))
        services: dict[str, Service] = {
            "sweeping": sweeping,
            "watching": watching,
            "notifying": notifying,
            "monitoring_silence": monitoring_silence,
            "checking_version": checking_version,
            **{kind.form.name: partial(taking_in, kind) for kind in INTAKES.polled(settings)},
        }
        self._threads = [
            threading.Thread(
                target=self._serve,
                args=(name, service, shared),
                name=name,
                daemon=True,
            )
            for name, service in services.items()
        ]
        for thread in self._threads:
            thread.start()
        self._watchdog.start()

    def stop(self) -> None:
        """Let the threads finish their present work, within the time that they have."""
        self._watchdog.stop()
        self._stopping.set()
        until = monotonic() + time_limits.SERVICES_GRACE
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
        self._open.close()

    def _serve(self, name: str, service: Service, shared: _Shared) -> None:
        """Run a service until the worker stops; restart it after any error."""
        with self._heartbeats.of_this_thread(name):
            self._serve_watched(name, service, shared)

    def _serve_watched(self, name: str, service: Service, shared: _Shared) -> None:
        while not self._stopping.is_set():
            beat()
            try:
                with open_broker(
                    shared.settings,
                    process=name,
                    clock=shared.clock,
                    pool=Pool(connections=2, idle_in_transaction=FROZEN),
                ) as context:
                    service(replace(context, policies=shared.policies), self._stopping)
            except Exception as error:
                if isinstance(error, LedgerRefused) and error.cause == "schema":
                    self._end_misfit(error)
                _log.warning("service restarts", **error_fields(error))
                self._stopping.wait(PAUSE_SECONDS)

    def _end_misfit(self, error: LedgerRefused) -> None:
        """End the services, and a worker with them: they might write what no longer fits."""
        _log.error("services end: this version does not fit the ledger", **error_fields(error))
        self._stopping.set()
        state.should_stop = MISFIT


class Services(bootsteps.StartStopStep):  # type: ignore[misc]
    """Starts the threads with the worker and ends them with it."""

    requires: ClassVar = {"celery.worker.components:Pool"}

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._threads = ServiceThreads()

    def start(self, _: Any) -> None:
        """Start the threads."""
        self._threads.start()

    def stop(self, _: Any) -> None:
        """Let the threads finish their present work; the worker ends in time in any case."""
        _end_after(time_limits.SERVICES_GRACE + time_limits.TASK_GRACE)
        self._threads.stop()

    terminate = stop


@contextmanager
def running(policies: PolicyCache) -> Iterator[None]:
    """Run the services beside something else, such as a gateway, which has policies already."""
    threads = ServiceThreads(policies)
    threads.start()
    try:
        yield
    finally:
        threads.stop()


def _end_after(seconds: float) -> None:
    """End this process if it is still there then: a task that hangs has no end of its own."""
    timer = threading.Timer(seconds, _end_process)
    timer.daemon = True
    timer.start()


def _end_process() -> None:
    _log.error("worker ends with work under way")
    telemetry.flush()
    os._exit(EXIT_CODE)


def _waited(stopping: threading.Event, pause: timedelta) -> bool:
    """Show that this thread goes on and wait; False as soon as it is to stop."""
    beat()
    return not stopping.wait(pause.total_seconds())


def sweeping(context: Context, stopping: threading.Event) -> None:
    """Run step 8 at once, since work may have waited for a worker, then once a second."""
    sweeper = Sweeper(context, holder=process_name())
    pause = timedelta(0)
    while _waited(stopping, pause):
        sweeper.sweep()
        pause = SWEEP_EVERY


def watching(context: Context, stopping: threading.Event) -> None:
    """Run step 6 twice a second."""
    lane = LaneBeat(context, "watch", process_name())
    while _waited(stopping, deadlines.EVERY):
        deadlines.watch(context)
        lane.show()


def notifying(context: Context, stopping: threading.Event) -> None:
    """Run step 7 once a second, and at once again after a full batch."""
    pause, lane = notify.EVERY, LaneBeat(context, "notify", process_name())
    while _waited(stopping, pause):
        inbox_notices.announce(context)
        inbox_notices.remind(context)
        inbox_notices.warn_of_drafts(context)
        full = notify.notify(context, show=lane.show) == notify.BATCH
        pause = timedelta(0) if full else notify.EVERY
        lane.show()


def monitoring_silence(context: Context, stopping: threading.Event) -> None:
    """Check for silent organisations at once, then twice a minute."""
    monitor = SilenceMonitor(context, holder=process_name())
    pause = timedelta(0)
    while _waited(stopping, pause):
        monitor.check()
        pause = CHECK_SILENCE_EVERY


def checking_version(context: Context, stopping: threading.Event) -> None:
    """Check that this version fits the ledger's tables, which others may migrate meanwhile."""
    while _waited(stopping, CHECK_VERSION_EVERY):
        context.ledger.schema.check()


def taking_in(kind: type[PolledIntake], context: Context, stopping: threading.Event) -> None:
    """Run an intake; it looks at the event once a second, which shows that it goes on."""
    with closing(kind.open(context)) as intake:
        intake.run(_Watched(stopping))


class _Watched(threading.Event):
    """An event that others set; every look at it is a heartbeat."""

    def __init__(self, event: threading.Event) -> None:
        super().__init__()
        self._event = event

    def is_set(self) -> bool:
        beat()
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        beat()
        return self._event.wait(timeout)
