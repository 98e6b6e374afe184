"""``broker worker``: run a Celery worker in the foreground."""

from __future__ import annotations

import os
import sys

import click

OPTIONS = ("--without-gossip", "--without-mingle", "--without-heartbeat")
"""What workers tell each other over the message broker is of no use here: the ledger knows."""


@click.command()
@click.option("--processes", default=2, show_default=True, type=click.IntRange(min=1))
def worker(processes: int) -> None:
    """Run a Celery worker until SIGTERM or Ctrl-C; workers/app.py holds its settings.

    It becomes the Celery process itself, so that signals reach it without a detour.
    """
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", *OPTIONS]
    command += ["--concurrency", str(processes), "--loglevel", "warning"]
    os.execv(sys.executable, command)  # noqa: S606 - our own program, no shell
