"""Put a broker together from its settings: the one place that reads environment and clock."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from uuid import UUID

import uuid_utils

from broker.channels.registry import CHANNELS, ChannelRegistry
from broker.domain.codes import NoticeChannel
from broker.domain.ids import Clock, NewId
from broker.errors import Fault, Unavailable
from broker.failpoints import Failpoint, no_failpoint
from broker.flow.activity_counter import ActivityCounter
from broker.flow.context import Context
from broker.flow.epoch_cache import EpochCache
from broker.flow.policy_cache import PolicyCache
from broker.intake.registry import INTAKES
from broker.ledger.epochs import notice_on
from broker.ledger.ledger import Ledger
from broker.notices.base import Notifier
from broker.notices.command import Command
from broker.notices.email import Email
from broker.notices.webhook import Webhook
from broker.settings import BadSettings, Settings
from broker.side_log import SideLog
from broker.tracing import Traces, is_installed
from broker.transport.http import SafePost
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

    ``process`` is its name in PostgreSQL: ``gateway``, ``worker``, ``cli``. ``channels`` are those
    of this broker. Raises Unavailable without the ledger.
    """
    new_id, clock, pool = new_id or new_uuid7, clock or clock_of(settings), pool or Pool()
    with ExitStack() as stack:
        ledger = stack.enter_context(
            Ledger.open(
                settings.database_url,
                application_name=f"broker {process}",
                max_size=pool.connections,
                idle_in_transaction_timeout=pool.idle_in_transaction,
                on_connect=notice_on,
            )
        )
        hit = failpoint_of(settings)
        wakeups = Wakeups(settings.wakeup_url, new_id=new_id, hit=hit)
        stack.callback(wakeups.close)
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
            activity=activity,
            channels=stack.enter_context(channels.opened(settings, clock=clock)),
            notifiers=notifiers(settings, clock),
            clock=clock,
            new_id=new_id,
            hit=hit,
            traces=traces,
            side_log=SideLog(settings.side_log),
        )


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
    return configured


def _flush(activity: ActivityCounter) -> None:
    """Write the last counts at the end; without the ledger a few seconds of them are lost."""
    with suppress(Unavailable):
        activity.flush()


def clock_of(settings: Settings) -> Clock:
    """Return the system's clock, or the clock in a file that tests set."""
    if settings.clock_file is None:
        return utc_now
    return file_clock(settings.clock_file)


def utc_now() -> datetime:
    """Return the present instant, aware and in UTC."""
    return datetime.now(UTC)


def file_clock(path: Path) -> Clock:
    """Return a clock that reads a file at each call.

    The file holds an RFC 3339 instant, at which the clock stops; or a signed number of
    seconds, such as ``+90``, by which the clock is ahead of the system's.
    """

    def now() -> datetime:
        text = path.read_text(encoding="utf-8").strip()
        if text.startswith(("+", "-")):
            return utc_now() + timedelta(seconds=float(text))
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
