"""Put a broker together from its settings: the one place that reads environment and clock."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from uuid import UUID

import uuid_utils

from broker.channels.registry import CHANNELS, ChannelRegistry
from broker.domain.codes import NoticeChannel
from broker.domain.ids import Clock, NewId
from broker.errors import Fault, LedgerRefused, Unavailable
from broker.failpoints import Failpoint, no_failpoint
from broker.flow.activity_counter import ActivityCounter
from broker.flow.context import Context
from broker.flow.epoch_cache import EpochCache
from broker.flow.policy_cache import PolicyCache
from broker.heartbeats import process_name
from broker.intake.registry import INTAKES
from broker.ledger.epochs import notice_on
from broker.ledger.ledger import Ledger
from broker.ledger_clock import LedgerClock
from broker.notices.base import Notifier
from broker.notices.command import Command
from broker.notices.email import Email
from broker.notices.sms import Sms
from broker.notices.webhook import Webhook
from broker.settings import BadSettings, Settings
from broker.side_log import SideLog
from broker.tracing import Traces, is_installed
from broker.transport.http import SafePost
from broker.transport.nudges import Nudges
from broker.transport.wakeups import Wakeups


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings, those of registered channels and intakes included.

    Raises BadSettings with every fault.
    """
    return Settings.from_environ(environ, declared=(*CHANNELS.settings, *INTAKES.settings))


@dataclass(frozen=True, slots=True)
class Pool:
    """A process's connections to the ledger."""

    connections: int = 8
    """The most that it opens."""
    idle_in_transaction: timedelta = timedelta(seconds=20)
    """How long a transaction of a process that hangs holds what it claimed."""


@contextmanager
def open_broker(
    settings: Settings,
    *,
    process: str,
    clock: Clock | None = None,
    new_id: NewId | None = None,
    pool: Pool | None = None,
    channels: ChannelRegistry = CHANNELS,
) -> Iterator[Context]:
    """Open a broker for one process and close it at the end; open it after any fork.

    ``process`` is its name in PostgreSQL: ``gateway``, ``worker``, ``cli``. ``clock`` is that of a
    test, or the LedgerClock that this process has already; without one the broker keeps its own.
    ``channels`` are those of this broker. Without the ledger it is opened all the same, since that
    passes. Raises LedgerRefused where it does not: this code does not fit the ledger's tables, for
    instance.
    """
    with ExitStack() as stack:
        ledger = stack.enter_context(_open_ledger(settings, process, pool or Pool()))
        _refuse_misfit(ledger)
        if clock is None:
            reports_as = process if process == "gateway" else None
            clock = stack.enter_context(ledger_time(settings, ledger, reports_as=reports_as))
        ledger_clock = clock if isinstance(clock, LedgerClock) else None
        if ledger_clock is not None:
            clock, new_id = clock_of(settings, ledger_clock), new_id or ids_by(ledger_clock)
        new_id = new_id or new_uuid7
        hit = failpoint_of(settings)
        wakeups = Wakeups(settings.wakeup_url, new_id=new_id, hit=hit)
        stack.callback(wakeups.close)
        nudges = Nudges(settings.wakeup_url)
        stack.callback(nudges.close)
        traces = traces_of(settings, process)
        if traces:
            stack.callback(traces.close)
        activity = ActivityCounter(ledger, clock)
        stack.callback(_flush, activity)
        yield Context(
            settings=settings,
            ledger=ledger,
            policies=PolicyCache(ledger, channels.forms),
            epochs=EpochCache(ledger),
            wakeups=wakeups,
            nudges=nudges,
            activity=activity,
            channels=stack.enter_context(channels.opened(settings, clock=clock)),
            notifiers=notifiers(settings, clock),
            clock=clock,
            new_id=new_id,
            ledger_clock=ledger_clock,
            hit=hit,
            traces=traces,
            side_log=SideLog(settings.side_log),
        )


def _open_ledger(settings: Settings, process: str, pool: Pool) -> Ledger:
    return Ledger.open(
        settings.database_url,
        application_name=f"broker {process}",
        max_size=pool.connections,
        idle_in_transaction_timeout=pool.idle_in_transaction,
        on_connect=notice_on,
    )


def _refuse_misfit(ledger: Ledger) -> None:
    """Raise LedgerRefused where this code cannot work with the ledger until somebody acts."""
    try:
        ledger.schema.check()
    except LedgerRefused:
        raise
    except Unavailable:
        return


def traces_of(settings: Settings, process: str) -> Traces | None:
    """Return what sends traces to the collector of the settings; None without a collector.

    Raises BadSettings when the extra ``telemetry`` is not installed.
    """
    if not settings.traces_url:
        return None
    if not is_installed():
        message = "Install referral-broker[telemetry], or leave it out."
        fault = Fault("BROKER_TRACES_URL", "not-installed", message)
        raise BadSettings("Traces cannot be sent.", faults=[fault])
    return Traces(settings.traces_url, process=process, percent=settings.traces_percent)


def notifiers(settings: Settings, clock: Clock) -> dict[NoticeChannel, Notifier]:
    """Return the channels for notices that the settings configure."""
    configured: dict[NoticeChannel, Notifier] = {}
    if settings.smtp_url:
        configured[NoticeChannel.EMAIL] = Email(
            settings.smtp_url, sender=settings.smtp_sender, clock=clock
        )
    if settings.webhook_key:
        sender = SafePost(
            settings.webhook_key.encode(),
            clock=clock,
            allow_private=settings.webhooks_may_be_private,
        )
        configured[NoticeChannel.WEBHOOK] = Webhook(sender)
    if settings.commands:
        configured[NoticeChannel.COMMAND] = Command(settings.commands)
    if settings.notify:
        configured[NoticeChannel.SMS] = Sms(settings.notify, clock=clock)
    return configured


def _flush(activity: ActivityCounter) -> None:
    """Write the last counts at the end; without the ledger a few seconds of them are lost."""
    with suppress(Unavailable):
        activity.flush()


@contextmanager
def ledger_time(
    settings: Settings, ledger: Ledger, *, reports_as: str | None = None
) -> Iterator[LedgerClock]:
    """Yield the ledger's clock, which goes on being compared with this host's in a thread.

    ``reports_as``: as what this process reports the difference to the ledger, ``gateway`` or
    ``worker``; without it, it reports nothing.
    """
    report = None
    if reports_as:
        report = partial(ledger.process_clocks.report, f"{reports_as} {process_name()}")
    clock = LedgerClock(ledger.queries.clock, bound=settings.clock_bound, report=report)
    clock.start()
    try:
        yield clock
    finally:
        clock.close()


def clock_of(settings: Settings, ledger_clock: Clock) -> Clock:
    """Return the ledger's clock, or the clock in a file that tests set."""
    if settings.clock_file is None:
        return ledger_clock
    return file_clock(settings.clock_file, ledger_clock)


def utc_now() -> datetime:
    """Return the present instant, aware and in UTC."""
    return datetime.now(UTC)


def file_clock(path: Path, ledger_clock: Clock = utc_now) -> Clock:
    """Return a clock that reads a file at each call.

    The file holds an RFC 3339 instant, at which the clock stops; or a signed number of
    seconds, such as ``+90``, by which it is ahead of the ledger's.
    """

    def now() -> datetime:
        text = path.read_text(encoding="utf-8").strip()
        if text.startswith(("+", "-")):
            return ledger_clock() + timedelta(seconds=float(text))
        return datetime.fromisoformat(text).astimezone(UTC)

    return now


def failpoint_of(settings: Settings) -> Failpoint:
    """Return what is called at each failpoint: nothing, or the orders of a test.

    Only the devstack can carry out orders, and no production install contains it. Raises
    BadSettings where orders are asked for without it.
    """
    if settings.points_dir is None:
        return no_failpoint
    try:
        orders = import_module("broker.devstack.failpoint_orders")
    except ModuleNotFoundError:
        message = "Leave it out: failpoints are for tests, and need the devstack."
        fault = Fault("BROKER_POINTS_DIR", "not-installed", message)
        raise BadSettings("Failpoints cannot be ordered.", faults=[fault]) from None
    failpoint: Failpoint = orders.FailpointOrders(settings.points_dir)
    return failpoint


def new_uuid7() -> UUID:
    """Return a fresh UUID version 7 (RFC 9562), ordered by time within this process."""
    return UUID(int=uuid_utils.uuid7().int)


def ids_by(clock: LedgerClock) -> NewId:
    """Return what makes such ids by the ledger's clock, where the host's is wrong by seconds."""

    def new_id() -> UUID:
        milliseconds = clock.correction // timedelta(milliseconds=1)
        return UUID(int=uuid_utils.uuid7().int + (milliseconds << 80))

    return new_id
