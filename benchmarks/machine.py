"""What a figure was measured on: without it a figure says nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import payload, world
from benchmarks.recipients import MEAN_DELIVERIES, RECIPIENTS
from benchmarks.world import PROCESSES, SETTINGS, World
from broker.flow import dispatch, route
from broker.intake import http_intake as http

PACKAGES = ("celery", "kombu", "psycopg", "marshmallow", "starlette", "uvicorn", "sqlalchemy")


def describe(world_: World, scale: float) -> Mapping[str, Any]:
    """Return machine, versions, settings, payload and processes."""
    postgres = world.rows(world_.engines.database_url, "show server_version")[0][0]
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _named("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": _named("/proc/meminfo", "MemTotal"),
        "load_before": os.getloadavg()[0],
        "versions": {
            "python": platform.python_version(),
            "postgresql": postgres,
            **{name: version(name) for name in PACKAGES},
        },
        "settings": {
            "postgresql": {**SETTINGS, "durable": True},
            "route_batch": route.BATCH,
            "dispatch_batch": dispatch.BATCH,
            "commit_batch": http.BATCH,
        },
        "payload": _payload(),
        "processes": {
            "ours": f"1 gateway, 1 worker with {PROCESSES} processes",
            "celery_noop": f"1 worker with {PROCESSES} processes",
            "weekend": f"1 uvicorn, 1 worker with {PROCESSES} processes",
            "sharp": f"1 uvicorn, {PROCESSES} processes that route",
            "copy": "1 connection",
            "shared": "1 PostgreSQL, 2 Valkeys, 1 process that sends and checks",
        },
        "scale": scale,
        "sizes": asdict(world_.sizes),
    }


def _payload() -> str:
    three, mean = payload.sizes()
    return (
        f"route, bulk, single: {len(RECIPIENTS)} samples in turn, {mean} bytes of JSON and"
        f" {MEAN_DELIVERIES:.2f} deliveries in the mean; trickle, kombu: {three} bytes to three"
        " agencies (samples/case-05)"
    )


def _named(file: str, name: str) -> str:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith(name)), "unknown"
    )
