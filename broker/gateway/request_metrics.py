"""What one gateway process has answered, and the process itself, for Prometheus.

Each gateway counts its own requests: sum these over gateways, unlike what ``metrics`` reads from
the one ledger. The labels are bounded: methods that are known, paths as routes describe them.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.routing import Route
from starlette.types import Scope

from broker import __version__

EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""In seconds; one on the 150 ms within which a page begins."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that logs and metrics name; a caller may send any word there."""
OTHER = "other"
"""Stands for a method that is not known, and for an address that no route has."""
GONE = 499
"""The status of a request whose caller disconnected before it was answered."""

disable_created_metrics()  # type: ignore[no-untyped-call]


class RequestMetrics(Collector):
    """Requests that were answered by this process, its build, its memory and its files."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "broker_http_requests",
            "Requests that this gateway has answered; status 499 where the caller had gone.",
            ["method", "path", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "broker_http_request_seconds",
            "Until an answer began, without the time that its caller asked to wait.",
            ["method", "path"],
            buckets=EDGES,
            registry=registry,
        )
        self._open = Gauge(
            "broker_http_requests_open",
            "Requests under way, long polls and live pages too.",
            registry=registry,
        )
        build = Gauge(
            "broker_build_info",
            "The version of this gateway and of its Python; the value is 1.",
            ["version", "python"],
            registry=registry,
        )
        build.labels(__version__, platform.python_version()).set(1)
        ProcessCollector(registry=registry)

    def begin(self) -> None:
        """Count a request that has come."""
        self._open.inc()

    def end(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request that is over.

        ``status`` is 0 where the caller disconnected first; ``seconds`` are until the answer began.
        """
        self._open.dec()
        method, path = known_method(scope) or OTHER, path_of(scope) or OTHER
        self._requests.labels(method, path, status or GONE).inc()
        if status:
            self._seconds.labels(method, path).observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield from self._registry.collect()


def known_method(scope: Scope) -> str | None:
    """Return a request's method; None where it is not a known one."""
    return scope["method"] if scope["method"] in METHODS else None


def path_of(scope: Scope) -> str | None:
    """Return the path of a request's route; None where no route matches.

    The real path may hold ids and links.
    """
    route = scope.get("route")
    return scope["root_path"] + route.path if isinstance(route, Route) else None
