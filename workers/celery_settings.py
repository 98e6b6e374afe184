"""Celery's settings, each with its reason.

Messages are wake-ups without content, and the ledger is the queue of record. A message that Celery
or Valkey loses costs a second, until the next sweep. So nothing here makes messages durable, and
everything is bounded.
"""

from __future__ import annotations

from typing import Any

from broker.time_limits import TASK_GRACE
from broker.transport.clients import kombu_address
from broker.transport.wakeups import KEY_PREFIX


def celery_settings(url: str) -> dict[str, Any]:
    """Return the settings of a worker that gets its wake-ups from the Valkey at ``url``."""
    broker_url, options, encryption = kombu_address(url)
    return {
        "broker_url": broker_url,
        **({"broker_use_ssl": encryption} if encryption else {}),
        "broker_transport_options": {
            "global_keyprefix": KEY_PREFIX,  # so that an access rule can name the keys
            "visibility_timeout": 240,  # twice the time limit of a task
            "unacked_restore_interval": 5,  # the default effective sweep is 100 s
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,  # without it a stalled Valkey hangs the worker forever
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 5,  # a half-open connection is noticed in 11 s, not 51
            "priority_steps": [0],  # the default of four steps needs four keys for each queue
            **options,  # of sentinels, where these name the Valkey
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # Valkey may be unavailable for any time
        "broker_channel_error_retry": True,
        "task_acks_late": True,  # the wake-up of a worker that dies goes to another worker
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        "task_reject_on_worker_lost": False,  # else a poisoned message runs forever
        "worker_prefetch_multiplier": 1,
        # For a child that hangs: every wait in a task has a shorter limit of its own, and a cold
        # child on a busy machine needs half a minute for its first batch. No soft limit: it
        # interrupts any line, looks like a fault of the batch and has it routed individually.
        "task_time_limit": 120,
        "task_ignore_result": True,  # the ledger holds the results
        "result_backend": None,
        "task_serializer": "json",
        "accept_content": ["json"],  # never pickle: it executes what it reads
        "task_create_missing_queues": True,
        "worker_enable_remote_control": False,  # anybody who can publish could shut down workers
        "worker_send_task_events": False,  # they halve the throughput
        # A lost connection may interrupt a run at any time. To cancel it in a commit gains nothing,
        # because claims skip what another worker holds.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # The parent runs threads, and a fork copies their locks. `broker worker` makes its first
        # processes before there are any, by a pool of its own: workers/pool.py.
        "worker_pool_start_method": "spawn",
        # A fresh interpreter that is only slow, on a busy machine, would be killed again and again.
        "worker_proc_alive_timeout": 120,
        "worker_max_tasks_per_child": 10_000,
        "worker_max_memory_per_child": 400_000,  # kilobytes
        "worker_soft_shutdown_timeout": TASK_GRACE,  # time to finish the present batch
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }
