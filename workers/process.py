"""A worker process from its start to its exit code."""

from __future__ import annotations

import logging

from celery.apps import worker as celery_worker

from broker import telemetry
from workers import preparation
from workers.app import app, settings
from workers.pool import TaskPool

FAILED = 1
"""The exit code of a worker that ended though nobody asked it to."""


def run(concurrency: int) -> int:
    """Run a worker until it is asked to end, and return its exit code; 0 where it was asked to.

    Raises LedgerRefused where the ledger cannot be used until somebody acts.
    """
    preparation.prepare(settings)
    # Its words on standard output go out in a signal handler, which a full pipe would hold up.
    celery_worker.safe_say = _say_nothing
    # Not by Celery's command line: its imports take a tenth of the start, and `worker_main` loses
    # the exit code of a worker whose main loop has failed.
    worker = app.Worker(
        pool_cls=TaskPool,
        concurrency=concurrency,
        loglevel=logging.WARNING,
        quiet=True,
        # What workers tell each other over the message broker is of no use: the ledger knows.
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    telemetry.flush()
    code = worker.exitcode
    return code if isinstance(code, int) else FAILED


def _say_nothing(*_: object) -> None:
    return
