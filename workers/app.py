"""The Celery app: ``celery -A workers.app worker``, or ``broker worker``."""

from __future__ import annotations

import os

from celery import Celery
from kombu import Queue, compression

from broker import telemetry
from broker.flow.sweep import LANES
from broker.settings import Settings
from workers.services import Services
from workers.settings import celery_settings

# A small message can unpack to gigabytes before any look at it, and Kombu has no other switch.
compression._decoders.clear()

settings = Settings.from_environ(os.environ)
telemetry.configure(settings.log_level)

app = Celery("broker", include=["workers.tasks"])
app.conf.update(celery_settings(settings.wakeup_url))
app.conf.task_queues = [Queue(lane, exchange="", routing_key=lane) for lane in LANES]
app.steps["worker"].add(Services)
