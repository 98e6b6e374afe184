"""``broker worker``: run a Celery worker in the foreground."""

from __future__ import annotations

import click

QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
"""What workers tell each other over the message broker is of no use here: the ledger knows."""


@click.command()
@click.option("--concurrency", default=2, show_default=True, type=click.IntRange(min=1))
def worker(concurrency: int) -> None:
    """Run a Celery worker until SIGTERM or Ctrl-C; what it has begun is finished first.

    workers/celery_settings.py holds its settings, each with the reason. The same as
    `celery -A workers.app worker --pool=prefork` with three options.

    \b
    Example:    broker worker --concurrency 4
    """
    from workers.app import app

    app.worker_main(
        [
            "--quiet",
            "worker",
            "--pool=prefork",
            f"--concurrency={concurrency}",
            "--loglevel=WARNING",
            *QUIET,
        ]
    )
