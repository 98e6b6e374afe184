"""A worker process from its start to its exit code."""

from __future__ import annotations

from celery.apps import worker as celery_worker
from celery.bin.celery import celery

from broker import telemetry
from broker.bootstrap import refuse_misfit
from broker.ledger.ledger import Ledger
from workers.app import app, settings

QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
"""What workers tell each other over the message broker is of no use here: the ledger knows."""
FAILED = 1
"""The exit code of a worker that ended though nobody asked it to."""


def run(concurrency: int) -> int:
    """Run a worker until it is asked to end, and return its exit code; 0 where it was asked to.

    Raises LedgerRefused where the ledger cannot be used until somebody acts.
    """
    with Ledger.open(settings.database_url, application_name="broker worker", max_size=1) as ledger:
        refuse_misfit(ledger)  # and close it before any fork
    # Its words on standard output go out in a signal handler, which a full pipe would hold up.
    celery_worker.safe_say = _say_nothing
    celery.params[0].default = app
    options = [
        "--quiet",
        "worker",
        "--pool=prefork",
        f"--concurrency={concurrency}",
        "--loglevel=WARNING",
        *QUIET,
    ]
    # Celery's own `worker_main` loses the exit code of a worker whose main loop has failed.
    code = celery.main(args=options, standalone_mode=False)
    telemetry.flush()
    return code if isinstance(code, int) else FAILED


def _say_nothing(*_: object) -> None:
    return
