"""Plain Celery, for comparison: a task that does nothing, one message a referral."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("noop", broker=os.environ["NOOP_URL"])
app.conf.update(
    task_ignore_result=True, worker_send_task_events=False, worker_enable_remote_control=False
)


@app.task(name="noop")
def noop(referral: str) -> None:
    """Do nothing for a referral."""
