"""``broker worker``: run a Celery worker in the foreground."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--concurrency", default=2, show_default=True, type=click.IntRange(min=1))
def worker(concurrency: int) -> None:
    """Run a Celery worker until SIGTERM or Ctrl-C; what it has begun is finished first.

    workers/celery_settings.py holds its settings, each with the reason. Does the same as
    `celery -A workers.app worker`, and begins its work sooner. Exit code 0 means that it was asked
    to end; with any other a supervisor should start it again.

    \b
    Example:    broker worker --concurrency 4
    """
    from workers import process

    sys.exit(process.run(concurrency))
