"""Plain Celery: a task that does nothing, one message a referral.

Each process notes what it was given, so that every id can be accounted for.
"""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery, signals

app = Celery("noop", broker=os.environ.get("NOOP_URL"))
app.conf.update(
    task_ignore_result=True, worker_send_task_events=False, worker_enable_remote_control=False
)
_seen: list[str] = []


@app.task(name="noop")
def noop(referral: str) -> None:
    """Do nothing for a referral."""
    _seen.append(referral)


@signals.worker_process_shutdown.connect
def _tell(**_: object) -> None:
    seen = Path(os.environ["NOOP_SEEN"]) / str(os.getpid())
    seen.write_text("\n".join(_seen), encoding="utf-8")
