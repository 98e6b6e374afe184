"""One Celery task for each task queue. Its message is empty: the work waits in the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial

from celery import shared_task, signals

from broker import memory, telemetry
from broker.bootstrap import Pool, open_broker
from broker.errors import BrokerError
from broker.flow import dispatch, route, synthetic_test, task_queues
from broker.flow.context import Context
from broker.telemetry import error_fields, logger
from broker.transport.wakeups import task_name
from schemas import compiled
from schemas.referral import REFERRAL
from workers import preparation

_open = ExitStack()
_opening = threading.Lock()
_log = logger("worker")


@shared_task(name=task_name(task_queues.ROUTE))
def route_referrals() -> None:
    """Run step 2 for the referrals that wait, then the test referral if one waits."""
    _drain(task_queues.ROUTE, route.drain)
    _drain(task_queues.ROUTE, synthetic_test.run_waiting)


@shared_task(name=task_name(task_queues.DISPATCH))
def dispatch_deliveries() -> None:
    """Run step 3 for the deliveries that wait."""
    _drain(task_queues.DISPATCH, dispatch.drain)


def _drain(task_queue: str, drain: Callable[[Context], int]) -> None:
    try:
        context = _context()
        done = drain(context)
        telemetry.report_dropped(partial(context.ledger.sweep.add_lines_lost, "worker"))
    except BrokerError as error:
        # Nothing is retried here: the ledger knows what is due, and the sweeper sends a wake-up.
        _log.warning("lane stopped", lane=task_queue, **error_fields(error))
    except Exception as error:
        # Celery would log its text, which may repeat a row. The work still waits in the ledger.
        _log.error("lane stopped by a fault of ours", lane=task_queue, **error_fields(error))
    else:
        _log.debug("lane drained", lane=task_queue, count=done)


def _context() -> Context:
    with _opening:
        return _opened()


@cache
def _opened() -> Context:
    """Open this process's context once, in the first thread that needs it."""
    from workers.app import settings  # noqa: PLC0415 - the app includes this module

    context = _open.enter_context(open_broker(settings, process="worker", pool=Pool(connections=2)))
    return replace(context, policies=preparation.policies_of(context.ledger))


@signals.worker_process_init.connect
def _start_warming(**_: object) -> None:
    """Read the policy in a thread, so that neither the start nor the first task waits for it."""
    threading.Thread(target=_warm, name="warming", daemon=True).start()


def _warm() -> None:
    try:
        _context().policies.latest()
        compiled.reader(REFERRAL)
    except Exception as error:  # the first task reads it, or logs the error
        _log.debug("not warm yet", **error_fields(error))
    memory.settle(memory.FOR_A_WORKER)


@signals.worker_process_shutdown.connect
def _close(**_: object) -> None:
    _open.close()
    telemetry.flush()
