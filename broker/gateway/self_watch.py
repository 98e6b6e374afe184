"""What a gateway does so that an outage of workers, or its own, is noticed.

It looks at the dead man's switch, writes what it sees of itself, measures the health that its pages
and answers show, calls the outside monitor and begins test referrals. Each in a thread of its own:
those of requests may all wait for something that hangs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from anyio import CapacityLimiter, to_thread

from broker.flow import (
    dead_mans_switch,
    health_watch,
    outside_monitor,
    process_reports,
    synthetic_test,
)
from broker.flow.context import Context
from broker.flow.dead_mans_switch import DeadMansSwitch
from broker.flow.health_watch import HealthWatch
from broker.flow.outside_monitor import OutsideMonitor
from broker.heartbeats import process_name
from broker.telemetry import error_fields, logger

BEGIN_SECONDS = 1.0
"""After the start, so that requests that wait for it come first."""
_log = logger("self watch")


async def watch_over(context: Context, health: HealthWatch) -> None:
    """Do all of it until this is cancelled."""
    process, since = process_name(), context.clock()
    switch, monitor = DeadMansSwitch(context), OutsideMonitor(context, health, process)

    def report() -> None:
        process_reports.write_report(context, process_reports.GATEWAY, process, since=since)

    await asyncio.gather(
        _every(process_reports.EVERY, report),
        _every(dead_mans_switch.EVERY, switch.look),
        _every(health_watch.AGE, health.health),
        _every(outside_monitor.EVERY, monitor.ping),
        _every(synthetic_test.LOOK_EVERY, partial(synthetic_test.begin, context)),
    )


async def _every(pause: timedelta, work: Callable[[], object]) -> None:
    """Do something again and again; what goes wrong is logged, and tried again next time."""
    limiter = CapacityLimiter(1)
    await asyncio.sleep(BEGIN_SECONDS)
    while True:
        try:
            await to_thread.run_sync(work, limiter=limiter, abandon_on_cancel=True)
        except Exception as error:
            _log.warning("not done", **error_fields(error))
        await asyncio.sleep(pause.total_seconds())
