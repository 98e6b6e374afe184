"""One task a lane: it does what waits in the ledger. The message itself says nothing."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache

from celery import shared_task, signals

from broker.bootstrap import open_broker
from broker.errors import BrokerError
from broker.flow import dispatch, route, task_queues
from broker.flow.context import Context
from broker.telemetry import error_fields, logger
from broker.transport.wakeups import task_name

_open = ExitStack()
_opening = threading.Lock()
_log = logger("worker")


@shared_task(name=task_name(task_queues.ROUTE))
def route_lane() -> None:
    """Validate and route every accepted referral."""
    _drain(task_queues.ROUTE, route.drain)


@shared_task(name=task_name(task_queues.DISPATCH))
def dispatch_lane() -> None:
    """Push every delivery that waits for a pushed channel."""
    _drain(task_queues.DISPATCH, dispatch.drain)


def _drain(lane: str, drain: Callable[[Context], int]) -> None:
    try:
        done = drain(_broker())
    except BrokerError as error:
        # Nothing is retried here: the ledger knows what is due, and the sweeper wakes the lane.
        _log.warning("lane stopped", lane=lane, **error_fields(error))
    except Exception as error:
        # Celery would write its text, which may repeat a row. What waits still waits.
        _log.error("lane stopped by a fault of ours", lane=lane, **error_fields(error))
    else:
        _log.debug("lane drained", lane=lane, count=done)


def _broker() -> Context:
    with _opening:
        return _opened()


@cache
def _opened() -> Context:
    """Open this process's broker: once, by whichever thread needs it first."""
    from workers.app import settings  # noqa: PLC0415 - the app includes this module

    gc.freeze()  # what is there now stays: looking it over again and again took a tenth of the time
    return _open.enter_context(open_broker(settings, part="worker", connections=2))


@signals.worker_process_init.connect
def _start_warming(**_: object) -> None:
    """Read the policy beside: a child that starts must not wait, and its first task need not."""
    threading.Thread(target=_warm, name="warming", daemon=True).start()


def _warm() -> None:
    try:
        _broker().policies.latest()
    except Exception as error:
        _log.debug(
            "not warm yet", **error_fields(error)
        )  # the first task reads it, or says why not


@signals.worker_process_shutdown.connect
def _close(**_: object) -> None:
    _open.close()
