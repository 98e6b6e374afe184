"""The Celery app: ``celery -A workers.app worker``, or ``broker worker``."""

from __future__ import annotations

from celery import Celery, signals
from kombu import Queue, compression

from broker import telemetry
from broker.bootstrap import read_settings
from broker.flow.task_queues import TASK_QUEUES
from broker.transport import tolerant_redis
from workers.celery_settings import celery_settings
from workers.services import Services

# A small message can unpack to gigabytes before any look at it, and Kombu has no other switch.
compression._decoders.clear()
tolerant_redis.register()

settings = read_settings()


@signals.setup_logging.connect
def _log_as_lines(**_: object) -> None:
    """Have lines of JSON in place of Celery's own, in the worker and in each of its processes."""
    telemetry.configure(settings.log_level)
    telemetry.take_over()


_log_as_lines()  # Celery warns of things before it comes to logs

app = Celery("broker", include=["workers.celery_tasks"])
app.conf.update(celery_settings(settings.wakeup_url))
app.conf.task_queues = [Queue(name, exchange="", routing_key=name) for name in TASK_QUEUES]
app.steps["worker"].add(Services)
